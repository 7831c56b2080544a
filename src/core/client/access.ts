/** Who may connect: networks, of which the longest that has an address decides. */
import type { AccessPlan } from '../../config/plan.ts';
import { IpWords } from '../../wire/ip-text.ts';
import { NetworkTree } from '../value/network-tree.ts';
import { ipOf, prefixBits } from './trusted-proxies.ts';

const ALLOWED = 1;
const DENIED = 2;

export class Access {
  private readonly networks = new NetworkTree();
  private readonly isOpen: boolean;

  constructor({ networks, isOpen }: AccessPlan) {
    this.isOpen = isOpen;
    const ip = new IpWords();
    for (const { network, isAllowed } of networks) {
      ipOf(network, ip);
      this.networks.add(ip, prefixBits(network), isAllowed ? ALLOWED : DENIED);
    }
  }

  /** A client of a Unix socket is in no network. */
  admits(ip: IpWords): boolean {
    const found = this.networks.find(ip);
    return found === 0 ? this.isOpen : found === ALLOWED;
  }
}
