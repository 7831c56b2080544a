/**
 * The addresses that this proxy's own UDP listeners have. What claims to come from one of them is never passed on: its answer would
 * go to a listener, as a question, and the answer to that one back, round and round.
 */
import type { Address } from '../../base/address.ts';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Correspondents } from '../../base/correspondents.ts';
import { IpWords, readIp } from '../../wire/ip-text.ts';

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
}

function ownOf({ host, port }: Address): Own {
  const ip = new IpWords();
  const v4 = parseIPv4(host);
  const bytes = new Uint8Array(16);
  if (v4 === null) bytes.set(parseIPv6(host) ?? bytes);
  else bytes.set([0xff, 0xff, ...v4], 10);
  readIp(bytes, 0, ip);
  const { ip0, ip1, ip2, ip3 } = ip;
  return { ip0, ip1, ip2, ip3, port, isAny: (v4 ?? bytes).every((byte) => byte === 0) };
}

function isSame(own: Own, of: Correspondents): boolean {
  return own.ip3 === of.ip3 && own.ip2 === of.ip2 && own.ip1 === of.ip1 && own.ip0 === of.ip0;
}

/** It comes from the address that it has gone to, or from a loopback address: from this machine. */
function isHere({ ip0, ip1, ip2, ip3, local0, local1, local2, local3 }: Correspondents): boolean {
  if (ip3 === local3 && ip2 === local2 && ip1 === local1 && ip0 === local0) return true;
  if (ip0 !== 0 || ip1 !== 0) return false;
  return ip2 === MAPPED ? ip3 >>> 24 === 127 : ip2 === 0 && ip3 === 1;
}
