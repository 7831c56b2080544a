/** `port/announced-addresses.ts` by rtnetlink. */
import { formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { AnnouncedAddresses } from '../../port/announced-addresses.ts';
import { errorName } from './libc.ts';
import { NetlinkWriter } from './segment/netlink-message.ts';
import { NetlinkRequests } from './segment/netlink-socket.ts';
import {
  type Link,
  type LinkAddress,
  readLink,
  readLinkAddress,
  writeDeleteAddress,
  writeGetAddresses,
  writeGetLinks,
  writeHoldAddress,
} from './segment/rtnetlink.ts';

/** A dump that a change has torn is asked for again; beyond that, what it had counts. */
const DUMPS_MAX = 3;

export function openAnnouncedAddresses(): AnnouncedAddresses {
  return new LinuxAnnouncedAddresses();
}

class LinuxAnnouncedAddresses implements AnnouncedAddresses {
  private readonly requests = new NetlinkRequests();

  find(addresses: readonly string[]): readonly string[] {
    const found: LinkAddress[] = [];
    this.dump(writeGetAddresses, found, (bytes, message) => readLinkAddress(bytes, message));
    const wanted = new Set(addresses);
    const indexes = new Set(
      found.filter(({ address }) => wanted.has(formatIP(address))).map(({ linkIndex }) => linkIndex),
    );
    return this.links()
      .filter(({ index }) => indexes.has(index))
      .map(({ name }) => name);
  }

  hold(interfaceName: string, addresses: readonly string[], lifeS: number): string | null {
    const link = this.linkOf(interfaceName);
    if (link === undefined) return `there is no interface ${interfaceName}`;
    const writer = new NetlinkWriter();
    for (const text of addresses) {
      const address = bytesOf(text);
      writeHoldAddress(writer, link.index, { address, prefixLength: 8 * address.length, hasRoute: false }, lifeS);
    }
    let problem: string | null = link.isUp ? null : `interface ${interfaceName} is down`;
    this.requests.change(writer.finished(), (index, error) => {
      problem = `${addresses[index]} on ${interfaceName}: ${errorName(error)}`;
    });
    return problem;
  }

  drop(interfaceName: string, addresses: readonly string[]): void {
    const link = this.linkOf(interfaceName);
    if (link === undefined || addresses.length === 0) return;
    const writer = new NetlinkWriter();
    for (const text of addresses) {
      const address = bytesOf(text);
      writeDeleteAddress(writer, link.index, address, 8 * address.length);
    }
    // One that is not there is not there.
    this.requests.change(writer.finished());
  }

  close(): void {
    this.requests.close();
  }

  /** It may have been made anew, under another number. */
  private linkOf(name: string): Link | undefined {
    return this.links().find((link) => link.name === name);
  }

  private links(): readonly Link[] {
    const found: Link[] = [];
    this.dump(writeGetLinks, found, readLink);
    return found;
  }

  private dump<T>(
    write: Parameters<NetlinkRequests['dump']>[0],
    into: T[],
    read: (...args: Parameters<Parameters<NetlinkRequests['dump']>[1]>) => T | null,
  ): void {
    for (let i = 0; i < DUMPS_MAX; i++) {
      into.length = 0;
      const isWhole = this.requests.dump(write, (bytes, message) => {
        const item = read(bytes, message);
        if (item !== null) into.push(item);
      });
      if (isWhole) return;
    }
  }
}

function bytesOf(text: string): Uint8Array {
  return (text.includes(':') ? parseIPv6(text) : parseIPv4(text))!;
}
