/**
 * The addresses that this proxy's own listeners have. A datagram that claims to come from one of them is never passed on: its answer would
 * go to a listener, as a question, and the answer to that one back, round and round. So would a connection to one of them that a
 * request asks for.
 */
import type { Address } from '../base/address.ts';
import { parseIPv4, parseIPv6 } from '../base/address.ts';
import type { Correspondents } from '../base/correspondents.ts';
import { IpWords, readIp } from '../wire/ip-text.ts';

const MAPPED = 0xffff;

interface Own extends Pick<Correspondents, 'ip0' | 'ip1' | 'ip2' | 'ip3' | 'port'> {
  /** All addresses of this machine. */
  readonly isAny: boolean;
}

export class OwnAddresses {
  private own: readonly Own[] = [];
  private ports: ReadonlySet<number> = new Set();

  configure(addresses: readonly Address[]): void {
    this.own = addresses.map(ownOf);
    this.ports = new Set(addresses.map(({ port }) => port));
  }

  /**
   * Whoever sent this is a listener, or says so. Of a listener that is bound to all addresses those are known that are loopback, or
   * that the datagram has come to.
   */
  sent(of: Correspondents): boolean {
    if (!this.ports.has(of.port)) return false;
    for (const own of this.own) {
      if (own.port !== of.port) continue;
      if (own.isAny ? isHere(of) : isSame(own, of)) return true;
    }
    return false;
  }

  hasPort(port: number): boolean {
    return this.ports.has(port);
  }

  /**
   * Whoever connects to this address comes to a listener. `machine`: all addresses of this machine, asked for only where a listener has
   * them all.
   */
  takes({ family, host, port }: Address, machine: () => readonly string[]): boolean {
    if (!this.ports.has(port)) return false;
    const of = ownOf({ family, host, port });
    // connect(2) takes it for the address that it comes from, or loopback
    if (of.isAny) return true;
    for (const own of this.own) {
      if (own.port !== port) continue;
      if (own.isAny ? isLoopback(of) || machine().some((each) => isSame(wordsOf(each), of)) : isSame(own, of))
        return true;
    }
    return false;
  }
}

function ownOf({ host, port }: Address): Own {
  const { ip0, ip1, ip2, ip3 } = wordsOf(host);
  return { ip0, ip1, ip2, ip3, port, isAny: ip0 === 0 && ip1 === 0 && (ip2 === 0 || ip2 === MAPPED) && ip3 === 0 };
}

function wordsOf(host: string): IpWords {
  const ip = new IpWords();
  const v4 = parseIPv4(host);
  const bytes = new Uint8Array(16);
  if (v4 === null) bytes.set(parseIPv6(host) ?? bytes);
  else bytes.set([0xff, 0xff, ...v4], 10);
  readIp(bytes, 0, ip);
  return ip;
}

function isSame(own: IpWords, of: IpWords): boolean {
  return own.ip3 === of.ip3 && own.ip2 === of.ip2 && own.ip1 === of.ip1 && own.ip0 === of.ip0;
}

/** It comes from the address that it has gone to, or from a loopback address: from this machine. */
function isHere(of: Correspondents): boolean {
  const { ip0, ip1, ip2, ip3, local0, local1, local2, local3 } = of;
  if (ip3 === local3 && ip2 === local2 && ip1 === local1 && ip0 === local0) return true;
  return isLoopback(of);
}

function isLoopback({ ip0, ip1, ip2, ip3 }: IpWords): boolean {
  if (ip0 !== 0 || ip1 !== 0) return false;
  return ip2 === MAPPED ? ip3 >>> 24 === 127 : ip2 === 0 && ip3 === 1;
}
