/** PROXY protocol headers on both sides: of the load balancers that clients come through, and in front of what servers get. */
import { addressText, parseIPv4, parseIPv6 } from '../../src/base/address.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import {
  PROXY_HEADER_WRITTEN_MAX,
  ProxyAddresses,
  readProxyHeader,
  writeProxyHeader,
} from '../../src/wire/proxy-protocol/header.ts';
import { splitAddress } from '../network.ts';

/** Where clients come from that come through a load balancer. */
export const BALANCER = '10.200.0.1';

/** How a client with this address reaches a listener: where the connection comes from, and what it begins with. */
export interface Approach {
  readonly from: string;
  readonly opening: Uint8Array | null;
}

export function approach(plan: Plan, prng: Prng, address: string, listener: string): Approach {
  const planned = plan.listeners.find(({ binds }) => binds.some((bind) => addressText(bind.address) === listener));
  if (planned === undefined || planned.proxyProtocol === null) return { from: address, opening: null };
  const of = new ProxyAddresses();
  of.isTold = true;
  of.sourcePort = put(address, of.source);
  of.destinationPort = put(listener, of.destination);
  const bytes = new Uint8Array(PROXY_HEADER_WRITTEN_MAX);
  const end = writeProxyHeader(prng.oneIn(2) ? 'v1' : 'v2', of, bytes, 0);
  return { from: `${BALANCER}:${splitAddress(address).port}`, opening: bytes.subarray(0, end) };
}

/** Returns the port. */
function put(text: string, into: Uint8Array): number {
  const { host, port } = splitAddress(text);
  const quad = parseIPv4(host);
  if (quad === null) into.set(parseIPv6(host) as Uint8Array);
  else {
    into.fill(0xff, 10, 12);
    into.set(quad, 12);
  }
  return port;
}

/** Reads the header that a server is sent, however it is cut. */
export class Announcement {
  private readonly bytes: number[] = [];
  /** Who has connected, as `isOf` compares; null: it is not whole. */
  private addresses: ProxyAddresses | null = null;

  get isWhole(): boolean {
    return this.addresses !== null;
  }

  /** How many of these bytes are the header's; -1: it is none. */
  read(bytes: Uint8Array, at: number, length: number): number {
    const earlier = this.bytes.length;
    for (let i = 0; i < length; i++) this.bytes.push(bytes[at + i]);
    const addresses = new ProxyAddresses();
    const whole = Uint8Array.from(this.bytes);
    const read = readProxyHeader(whole, 0, whole.length, addresses);
    if (read <= 0) return read < 0 ? -1 : length;
    this.addresses = addresses;
    return read - earlier;
  }

  /** Whether it names the host of this address, `a.b.c.d:port`, as the client. */
  isOf(address: string): boolean {
    const expected = new Uint8Array(16);
    put(address, expected);
    const { addresses } = this;
    return addresses !== null && addresses.isTold && addresses.source.every((byte, i) => byte === expected[i]);
  }
}
