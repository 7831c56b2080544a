/** Addresses as sockets write them. */
import { type Address, parseIPv4, parseIPv6 } from '../base/address.ts';

/** As of Socket. */
export function writeAddress({ family, host, port }: Address, into: Uint8Array, at: number): number {
  into.fill(0, at, at + 16);
  if (family === 6) into.set(parseIPv6(host) ?? [], at);
  if (family !== 4) return port;
  into.fill(0xff, at + 10, at + 12);
  into.set(parseIPv4(host) ?? [], at + 12);
  return port;
}
