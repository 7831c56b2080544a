/** An Address as the kernel's `struct sockaddr_in`, `sockaddr_in6` or `sockaddr_un` (ip(7), ipv6(7), unix(7)). */
import { type Address, formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import { AF_INET, AF_INET6, AF_UNIX } from './libc.ts';

/** `sun_path` holds 107 bytes and a NUL. */
export const UNIX_PATH_BYTES_MAX = 107;

/** Null where a Unix socket's path is too long. */
export function encodeSocketAddress(address: Address): Uint8Array | null {
  if (address.family === 0) return encodeUnixPath(address.host);
  const ip = address.family === 4 ? parseIPv4(address.host) : parseIPv6(address.host);
  assert(ip !== null, `not an IP address: ${address.host}`);
  const bytes = new Uint8Array(address.family === 4 ? 16 : 28);
  writeFamily(bytes, address.family === 4 ? AF_INET : AF_INET6);
  bytes[2] = address.port >> 8;
  bytes[3] = address.port & 255;
  bytes.set(ip, address.family === 4 ? 4 : 8);
  return bytes;
}

/** A path, or with a leading `@` a name in the abstract namespace. */
export function encodeUnixPath(path: string): Uint8Array | null {
  const name = Buffer.from(path);
  const isAbstract = path.startsWith('@');
  if (name.length > UNIX_PATH_BYTES_MAX + (isAbstract ? 1 : 0) || name.length === 0) return null;
  const bytes = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  writeFamily(bytes, AF_UNIX);
  bytes.set(name, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}

/** The other way. Null: of another kind, or an unnamed Unix socket. */
export function decodeSocketAddress(bytes: Uint8Array): Address | null {
  if (bytes.length < 2) return null;
  const family = new Uint16Array(bytes.slice(0, 2).buffer)[0];
  const port = (bytes[2] << 8) | bytes[3];
  if (family === AF_INET) return { family: 4, host: formatIP(bytes.subarray(4, 8)), port };
  if (family === AF_INET6) return { family: 6, host: formatIP(bytes.subarray(8, 24)), port };
  if (family !== AF_UNIX || bytes.length === 2) return null;
  const name = Buffer.from(bytes.subarray(2));
  if (name[0] === 0) return { family: 0, host: `@${name.toString('utf8', 1)}`, port: 0 };
  const end = name.indexOf(0);
  return { family: 0, host: name.toString('utf8', 0, end < 0 ? name.length : end), port: 0 };
}

/** `sa_family_t` is 16 bits in host byte order. */
function writeFamily(bytes: Uint8Array, family: number): void {
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = family;
}
