/** The other routers that were heard, for people: a bounded table of who, when last, and with what. */
import { formatIP } from '../../base/address.ts';
import type { HeardAdvert } from './events.ts';

/** More routers than this do not share one set of addresses; the longest unheard is forgotten. */
const PEERS_MAX = 16;

export interface Peer {
  readonly address: string;
  /** Of its last advert; 0: it released. */
  readonly priority: number;
  readonly intervalUs: number;
  readonly hasOurAddresses: boolean;
  readonly lastHeardUs: number;
  readonly adverts: number;
}

export class PeerTable {
  private readonly peers = new Map<string, Peer>();

  heard(advert: HeardAdvert, nowUs: number): void {
    const address = formatIP(advert.source);
    const { priority, intervalUs, hasOurAddresses } = advert;
    const adverts = (this.peers.get(address)?.adverts ?? 0) + 1;
    this.peers.delete(address);
    this.peers.set(address, { address, priority, intervalUs, hasOurAddresses, lastHeardUs: nowUs, adverts });
    if (this.peers.size <= PEERS_MAX) return;
    for (const oldest of this.peers.keys()) {
      this.peers.delete(oldest);
      return;
    }
  }

  /** The one heard last comes last. */
  list(): readonly Peer[] {
    return [...this.peers.values()];
  }
}
