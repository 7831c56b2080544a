/**
 * The links and addresses of this machine as the kernel tells them: read once, then kept up by its notifications, and read
 * again when some of those were lost. It decides nothing.
 */
import type { NetlinkMessage } from './netlink-message.ts';
import { NetlinkMonitor, type NetlinkRequests } from './netlink-socket.ts';
import { RTM_DELRULE } from './route-messages.ts';
import {
  type Link,
  type LinkAddress,
  readLink,
  readLinkAddress,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  writeGetAddresses,
  writeGetLinks,
} from './rtnetlink.ts';

/** A dump is torn when something changes meanwhile; a machine that always changes is read as well as it can be. */
const DUMP_TRIES = 5;
const READING = 2 ** 32;

/** What is on one link; there may be thousands. */
class LinkAddresses {
  /** By what tells them apart, in the kernel's order. */
  readonly all = new Map<string, LinkAddress>();
  /** How often each address is there, with whatever prefix. */
  private readonly counts = new Map<string, number>();
  private othersFound: readonly LinkAddress[] | null = null;
  /** How often any of them has changed that is not this program's. */
  revision = 0;

  /** True: that is news. This program's own addresses are told of each time that their life is lengthened. */
  set(told: LinkAddress): boolean {
    const key = keyOf(told);
    const before = this.all.get(key);
    this.all.set(key, told);
    if (before === undefined) this.count(told, 1);
    if (before?.isOurs === true && told.isOurs && before.isTentative === told.isTentative) return false;
    this.revise(told);
    return true;
  }

  delete(told: LinkAddress): void {
    const key = keyOf(told);
    if (this.all.delete(key)) this.count(told, -1);
    this.revise(told);
  }

  has(address: Uint8Array): boolean {
    return (this.counts.get(textOf(address)) ?? 0) > 0;
  }

  /** Those that are not this program's, as far as the kernel says whose they are. */
  get others(): readonly LinkAddress[] {
    this.othersFound ??= [...this.all.values()].filter(({ isOurs }) => !isOurs);
    return this.othersFound;
  }

  private count({ address }: LinkAddress, by: number): void {
    const text = textOf(address);
    const count = (this.counts.get(text) ?? 0) + by;
    if (count > 0) this.counts.set(text, count);
    else this.counts.delete(text);
  }

  private revise({ isOurs }: LinkAddress): void {
    if (isOurs) return;
    this.revision++;
    this.othersFound = null;
  }
}

export class NetworkTable {
  /** Something was told since whoever looks at all of it cleared this: whoever else calls `update` takes no news from it. */
  hasNews = true;
  private readonly monitor = new NetlinkMonitor();
  private readonly requests: NetlinkRequests;
  private links = new Map<number, Link>();
  private addresses = new Map<number, LinkAddresses>();
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

  /** From now on it is news too that a route or a rule of this program was removed. */
  watchOwnRoutes(): void {
    this.monitor.watchOwnRoutes();
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
    return this.readings + (this.addresses.get(linkIndex)?.revision ?? 0);
  }

  /** In the kernel's order. */
  addressesOf(linkIndex: number): readonly LinkAddress[] {
    return [...(this.addresses.get(linkIndex)?.all.values() ?? [])];
  }

  /** Those that are not this program's, as far as the kernel says whose they are. In the kernel's order. */
  othersOf(linkIndex: number): readonly LinkAddress[] {
    return this.addresses.get(linkIndex)?.others ?? [];
  }

  allAddresses(): readonly LinkAddress[] {
    const found: LinkAddress[] = [];
    for (const { all } of this.addresses.values()) for (const each of all.values()) found.push(each);
    return found;
  }

  has(linkIndex: number, address: Uint8Array): boolean {
    return this.addresses.get(linkIndex)?.has(address) === true;
  }

  close(): void {
    this.monitor.close();
  }

  private readAll(): void {
    // More than any link's number has grown by meanwhile: none is what it was before.
    this.readings += READING;
    for (let i = 0; i < DUMP_TRIES; i++) {
      this.links = new Map();
      this.addresses = new Map();
      const handle = (bytes: Uint8Array, message: NetlinkMessage): void => this.handle(bytes, message);
      if (this.requests.dump(writeGetLinks, handle) && this.requests.dump(writeGetAddresses, handle)) return;
    }
  }

  private handle(bytes: Uint8Array, message: NetlinkMessage): void {
    // A bridge tells of its ports under its own family: of what they are as ports, and not of the links themselves.
    const isOfLink = bytes[message.start] === 0;
    switch (message.type) {
      case RTM_NEWLINK: {
        this.hasNews = true;
        if (!isOfLink) break;
        const link = readLink(bytes, message);
        this.links.set(link.index, link);
        break;
      }
      case RTM_DELLINK: {
        this.hasNews = true;
        if (!isOfLink) break;
        const { index } = readLink(bytes, message);
        this.links.delete(index);
        this.addresses.delete(index);
        break;
      }
      case RTM_NEWADDR: {
        const told = readLinkAddress(bytes, message);
        if (told !== null && this.on(told.linkIndex).set(told)) this.hasNews = true;
        break;
      }
      case RTM_DELADDR: {
        const told = readLinkAddress(bytes, message);
        this.hasNews = true;
        if (told !== null) this.on(told.linkIndex).delete(told);
        break;
      }
      case RTM_DELROUTE:
      case RTM_DELRULE:
        this.hasNews = true;
        break;
      default:
        break;
    }
  }

  private on(linkIndex: number): LinkAddresses {
    let found = this.addresses.get(linkIndex);
    if (found === undefined) {
      found = new LinkAddresses();
      this.addresses.set(linkIndex, found);
    }
    return found;
  }
}

/** One address may be on a link more than once, with different prefixes. */
function keyOf({ prefixLength, address }: LinkAddress): string {
  return `${prefixLength} ${textOf(address)}`;
}

function textOf(address: Uint8Array): string {
  return String.fromCharCode(...address);
}
