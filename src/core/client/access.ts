/** Who may connect: networks, of which the longest that has an address decides. */
import type { AccessPlan } from '../../config/plan/listener.ts';
import { IpWords, isNoIp } from '../../wire/ip-text.ts';
import { NetworkTree } from '../value/network-tree.ts';
import { ipOf, prefixBits } from './trusted-proxies.ts';

const ALLOWED = 1;
const DENIED = 2;

export class Access {
  private readonly networks = new NetworkTree();
  private readonly isOpen: boolean;
  private readonly isOpenForUnix: boolean;

  constructor({ networks, isOpen, isOpenForUnix }: AccessPlan) {
    this.isOpen = isOpen;
    this.isOpenForUnix = isOpenForUnix;
    const ip = new IpWords();
    for (const { network, isAllowed } of networks) {
      ipOf(network, ip);
      this.networks.add(ip, prefixBits(network), isAllowed ? ALLOWED : DENIED);
    }
  }

  /** A client of a Unix socket has no address, and is in no network. */
  admits(ip: IpWords): boolean {
    const found = this.networks.find(ip);
    if (found !== 0) return found === ALLOWED;
    return isNoIp(ip) ? this.isOpenForUnix : this.isOpen;
  }
}
