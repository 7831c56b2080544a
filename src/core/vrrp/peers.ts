/** The other routers that were heard: a bounded table of who, when last, with what, and on which machine. */
import { formatIP } from '../../base/address.ts';
import { equalBytes } from '../../base/bytes.ts';
import type { AddressMatch, HeardAdvert } from './heard-advert.ts';

/** More routers than this do not share one set of addresses; the longest unheard is forgotten. */
const PEERS_MAX = 16;

export interface Peer {
  readonly address: string;
  /** Of its last advert; 0: it released. */
  readonly priority: number;
  readonly intervalUs: number;
  readonly addresses: AddressMatch;
  readonly lastHeardUs: number;
  readonly adverts: number;
}

export class PeerTable {
  private readonly peers = new Map<string, Peer>();
  /** Of those, by the same address: the address as bytes, and the MAC address that was last seen to have it. */
  private readonly places = new Map<string, { readonly source: Uint8Array; mac: Uint8Array | null }>();

  heard(advert: HeardAdvert, nowUs: number): void {
    const address = formatIP(advert.source);
    const { priority, intervalUs, addresses } = advert;
    const adverts = (this.peers.get(address)?.adverts ?? 0) + 1;
    this.peers.delete(address);
    this.peers.set(address, { address, priority, intervalUs, addresses, lastHeardUs: nowUs, adverts });
    if (!this.places.has(address)) this.places.set(address, { source: advert.source.slice(), mac: null });
    if (this.peers.size <= PEERS_MAX) return;
    for (const oldest of this.peers.keys()) {
      this.peers.delete(oldest);
      this.places.delete(oldest);
      return;
    }
  }

  /** A peer that is written in the file, and may never be heard. */
  expect(source: Uint8Array): void {
    const address = formatIP(source);
    if (!this.places.has(address)) this.places.set(address, { source, mac: null });
  }

  /** A machine with that MAC address has that IP address. Borrowed. */
  handleMac(address: Uint8Array, mac: Uint8Array): void {
    for (const place of this.places.values()) if (equalBytes(place.source, address)) place.mac = mac.slice();
  }

  /** The peer on the machine with that MAC address; null: none. */
  findByMac(mac: Uint8Array): string | null {
    for (const [address, place] of this.places) if (place.mac !== null && equalBytes(place.mac, mac)) return address;
    return null;
  }

  /** The one heard last; null: none was. */
  get last(): string | null {
    return this.list().at(-1)?.address ?? null;
  }

  /** Their addresses. */
  sources(): readonly Uint8Array[] {
    return Array.from(this.places.values(), ({ source }) => source);
  }

  /** The one heard last comes last. */
  list(): readonly Peer[] {
    return [...this.peers.values()];
  }
}
