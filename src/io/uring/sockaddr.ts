/**
 * Socket addresses in the kernel's form (sockaddr_in, sockaddr_in6, sockaddr_un), in memory that stays mapped: the kernel
 * reads them when a connect is submitted.
 */
import { parseIPv4, parseIPv6, type Address } from '../../base/address.ts';
import { AddressNumbers } from '../../base/address-numbers.ts';
import { assert } from '../../base/assert.ts';
import type { SourceRing } from '../../base/source-ring.ts';
import { AF_INET, AF_INET6, AF_UNIX, mapMemory, type Mapping } from './ffi.ts';

/** sockaddr_un is the largest: 2 bytes of family and 108 of path. */
export const SOCKADDR_BYTES = 110;
const PATH_BYTES_MAX = 107;

/** Writes `address` at the start of `into` and returns its length in bytes. */
export function emitSockaddr(address: Address, into: Uint8Array): number {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  if (address.family === 0) {
    const path = new TextEncoder().encode(address.host);
    const isAbstract = address.host.startsWith('@');
    assert(
      path.length >= 1 && path.length <= PATH_BYTES_MAX + (isAbstract ? 1 : 0),
      'the path of a Unix socket has 1 to 107 bytes',
    );
    view.setUint16(0, AF_UNIX, true);
    into.set(path, 2);
    // a name in the abstract namespace (unix(7)): a zero in front, and none at the end
    if (isAbstract) {
      into[2] = 0;
      return 2 + path.length;
    }
    into[2 + path.length] = 0;
    return 2 + path.length + 1;
  }
  view.setUint16(2, address.port, false);
  if (address.family === 4) {
    const octets = parseIPv4(address.host);
    assert(octets !== null, 'not an IPv4 address');
    view.setUint16(0, AF_INET, true);
    into.set(octets, 4);
    into.fill(0, 8, 16);
    return 16;
  }
  const octets = parseIPv6(address.host);
  assert(octets !== null, 'not an IPv6 address');
  view.setUint16(0, AF_INET6, true);
  view.setUint32(4, 0);
  into.set(octets, 8);
  view.setUint32(24, 0);
  return 28;
}

/** Writes the IP address in `from` as 16 bytes (IPv4-mapped, or all zero) at `into[at]` and returns the port, or 0. */
export function parseSockaddr(from: Uint8Array, into: Uint8Array, at: number): number {
  const family = from[0] | (from[1] << 8);
  into.fill(0, at, at + 16);
  if (family === AF_INET) {
    into[at + 10] = 255;
    into[at + 11] = 255;
    for (let i = 0; i < 4; i++) into[at + 12 + i] = from[4 + i];
  } else if (family === AF_INET6) {
    for (let i = 0; i < 16; i++) into[at + i] = from[8 + i];
  } else {
    return 0;
  }
  return (from[2] << 8) | from[3];
}

const ADDRESSES_PER_PAGE = 32;
const STRIDE_BYTES = 128;

/** The addresses that sockets connect to and come from. Who uses one keeps it: `prepare` or `keep`, and then `forget`. */
export class AddressTable {
  private readonly numbers = new AddressNumbers();
  private readonly pages: Mapping[] = [];
  private readonly families: number[] = [];
  private readonly lengths: number[] = [];
  /** By the number of an address: the numbers of its ring's sources. */
  private readonly sources: (readonly number[])[] = [];

  /** The number of `address` with these sources. */
  prepare(address: Address, sources: readonly Address[] = []): number {
    const number = this.numbers.take(address, sources);
    if (this.numbers.uses(number) > 1) return number;
    const page = (number / ADDRESSES_PER_PAGE) | 0;
    if (page === this.pages.length) this.pages.push(mapMemory(ADDRESSES_PER_PAGE * STRIDE_BYTES));
    const place = (number % ADDRESSES_PER_PAGE) * STRIDE_BYTES;
    this.lengths[number] = emitSockaddr(address, new Uint8Array(this.pages[page].buffer, place, STRIDE_BYTES));
    this.families[number] = address.family === 0 ? AF_UNIX : address.family === 4 ? AF_INET : AF_INET6;
    const ring = this.numbers.ring(number);
    this.sources[number] = ring === null ? [] : ring.sources.map((source) => this.prepare(source));
    return number;
  }

  /** A connect reads the address when it is submitted, and may be tried again from another source. */
  keep(number: number): void {
    this.numbers.keep(number);
  }

  forget(number: number): void {
    const sources = this.sources[number];
    if (this.numbers.give(number)) for (const source of sources) this.forget(source);
  }

  /** How many sources its connections may come from. 0: any. */
  sourceCount(number: number): number {
    return this.sources[number].length;
  }

  /** The number of the source that is next. */
  nextSource(number: number): number {
    return this.sources[number][(this.numbers.ring(number) as SourceRing).next()];
  }

  /** Where its sockaddr is. */
  place(number: number): number {
    return this.pages[(number / ADDRESSES_PER_PAGE) | 0].address + (number % ADDRESSES_PER_PAGE) * STRIDE_BYTES;
  }

  family(number: number): number {
    return this.families[number];
  }

  length(number: number): number {
    return this.lengths[number];
  }

  low(number: number): number {
    const page = this.pages[(number / ADDRESSES_PER_PAGE) | 0];
    return (page.low + (number % ADDRESSES_PER_PAGE) * STRIDE_BYTES) | 0;
  }

  high(number: number): number {
    return this.pages[(number / ADDRESSES_PER_PAGE) | 0].high;
  }
}
