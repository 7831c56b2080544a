/**
 * The links and addresses of this machine as the kernel tells them: read once, then kept up by its notifications, and read
 * again when some of those were lost. It decides nothing.
 */
import { equalBytes } from '../../../base/bytes.ts';
import type { NetlinkMessage } from './netlink-message.ts';
import { NetlinkMonitor, type NetlinkRequests } from './netlink-socket.ts';
import {
  type Link,
  type LinkAddress,
  readLink,
  readLinkAddress,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  writeGetAddresses,
  writeGetLinks,
} from './rtnetlink.ts';

/** A dump is torn when something changes meanwhile; a machine that always changes is read as well as it can be. */
const DUMP_TRIES = 5;

export class NetworkTable {
  /** Something was told since whoever looks at all of it cleared this: whoever else calls `update` takes no news from it. */
  hasNews = true;
  private readonly monitor = new NetlinkMonitor();
  private readonly requests: NetlinkRequests;
  private links = new Map<number, Link>();
  /** By what tells them apart, in the kernel's order: there may be tens of thousands. */
  private addresses = new Map<string, LinkAddress>();
  /** By their link: how often anything of it has changed that is not this program's. */
  private readonly revisions = new Map<number, number>();
  private readings = 0;

  constructor(requests: NetlinkRequests) {
    this.requests = requests;
    // The monitor is open already: what changes from here on is in it.
    this.readAll();
  }

  /** Readable when something has changed. */
  get descriptor(): number {
    return this.monitor.descriptor;
  }

  /** Takes in what was told since. */
  update(): void {
    if (!this.monitor.drain((bytes, message) => this.handle(bytes, message))) {
      this.readAll();
      this.monitor.drain((bytes, message) => this.handle(bytes, message));
    }
  }

  findLink(name: string): Link | null {
    for (const link of this.links.values()) if (link.name === name) return link;
    return null;
  }

  /** Another number than before: addresses of that link, other than this program's, may have changed. */
  revisionOf(linkIndex: number): number {
    return this.readings + (this.revisions.get(linkIndex) ?? 0);
  }

  /** In the kernel's order. */
  addressesOf(linkIndex: number): readonly LinkAddress[] {
    return this.allAddresses().filter((each) => each.linkIndex === linkIndex);
  }

  allAddresses(): readonly LinkAddress[] {
    return [...this.addresses.values()];
  }

  allLinks(): Iterable<Link> {
    return this.links.values();
  }

  has(linkIndex: number, address: Uint8Array): boolean {
    for (const each of this.addresses.values()) {
      if (each.linkIndex === linkIndex && equalBytes(each.address, address)) return true;
    }
    return false;
  }

  close(): void {
    this.monitor.close();
  }

  private revise({ linkIndex, isOurs }: LinkAddress): void {
    if (!isOurs) this.revisions.set(linkIndex, (this.revisions.get(linkIndex) ?? 0) + 1);
  }

  private readAll(): void {
    this.readings++;
    for (let i = 0; i < DUMP_TRIES; i++) {
      this.links = new Map();
      this.addresses = new Map();
      const handle = (bytes: Uint8Array, message: NetlinkMessage): void => this.handle(bytes, message);
      if (this.requests.dump(writeGetLinks, handle) && this.requests.dump(writeGetAddresses, handle)) return;
    }
  }

  private handle(bytes: Uint8Array, message: NetlinkMessage): void {
    this.hasNews = true;
    // A bridge tells of its ports under its own family: of what they are as ports, and not of the links themselves.
    const isOfLink = bytes[message.start] === 0;
    switch (message.type) {
      case RTM_NEWLINK: {
        if (!isOfLink) break;
        const link = readLink(bytes, message);
        this.links.set(link.index, link);
        break;
      }
      case RTM_DELLINK: {
        if (!isOfLink) break;
        const { index } = readLink(bytes, message);
        this.links.delete(index);
        for (const [key, each] of this.addresses) if (each.linkIndex === index) this.addresses.delete(key);
        break;
      }
      case RTM_NEWADDR: {
        const told = readLinkAddress(bytes, message);
        if (told === null) break;
        this.addresses.set(keyOf(told), told);
        this.revise(told);
        break;
      }
      case RTM_DELADDR: {
        const told = readLinkAddress(bytes, message);
        if (told === null) break;
        this.addresses.delete(keyOf(told));
        this.revise(told);
        break;
      }
      default:
        break;
    }
  }
}

/** One address may be on a link more than once, with different prefixes. */
function keyOf({ linkIndex, prefixLength, address }: LinkAddress): string {
  return `${linkIndex} ${prefixLength} ${String.fromCharCode(...address)}`;
}
