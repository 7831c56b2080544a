/** Where a socket is or goes: an IP address and port, or a Unix socket's path. A value; never changed. */
export interface Address {
  /** 4, 6, or 0 for a Unix socket. */
  readonly family: 0 | 4 | 6;
  /** The IP address in its usual text form without brackets, or the path. */
  readonly host: string;
  /** 1..65535; 0 for a Unix socket. */
  readonly port: number;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80` or `unix:/run/x.sock`: also the identity of an address. */
export function addressText(address: Address): string {
  if (address.family === 0) return `unix:${address.host}`;
  return address.family === 6 ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The other way round, of an IP address. Null: it is none. */
export function parseEnd(text: string): Address | null {
  const [, six, four, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([1-9][0-9]{0,4})$/.exec(text) ?? [];
  const port = Number(digits);
  if (four !== undefined) return parseIPv4(four) === null || port > 65_535 ? null : { family: 4, host: four, port };
  if (six === undefined || parseIPv6(six) === null || port > 65_535) return null;
  return { family: 6, host: six, port };
}

/** Whoever comes from there, or there, is on this machine. */
export function isLoopback({ family, host }: Address): boolean {
  return family === 4 ? host.startsWith('127.') : family === 6 && host === '::1';
}

/** In network byte order: 4 or 16; of a Unix socket none. */
export function addressBytes({ family, host }: Address): Uint8Array {
  if (family === 4) return parseIPv4(host)!;
  if (family === 6) return parseIPv6(host)!;
  return new Uint8Array(0);
}

/** The 4 octets of dotted-quad text, or null. Strict: four decimal numbers without leading zeros. */
export function parseIPv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i];
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return null;
    const value = Number(part);
    if (value > 255) return null;
    bytes[i] = value;
  }
  return bytes;
}

/** The 16 octets of an IPv6 address in any form of RFC 4291 section 2.2, without zone, or null. */
export function parseIPv6(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16);
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0]);
  const tail = halves.length === 2 ? groupsOf(halves[1]) : [];
  if (head === null || tail === null) return null;
  const count = head.length + tail.length;
  if (halves.length === 2 ? count > 7 : count !== 8) return null;
  for (let i = 0; i < head.length; i++) writeGroup(bytes, i, head[i]);
  for (let i = 0; i < tail.length; i++) writeGroup(bytes, 8 - tail.length + i, tail[i]);
  return bytes;
}

function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIPv4(part);
      if (v4 === null) return null;
      groups.push((v4[0] << 8) | v4[1], (v4[2] << 8) | v4[3]);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      groups.push(parseInt(part, 16));
    }
  }
  return groups;
}

function writeGroup(bytes: Uint8Array, index: number, group: number): void {
  bytes[index * 2] = group >> 8;
  bytes[index * 2 + 1] = group & 255;
}

/** RFC 5952 text of 16 octets; IPv4-mapped addresses (::ffff:a.b.c.d) become the IPv4 address. */
export function formatIP(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  let mapped = bytes[10] === 255 && bytes[11] === 255;
  for (let i = 0; i < 10 && mapped; i++) mapped = bytes[i] === 0;
  if (mapped) return bytes.subarray(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) groups.push((bytes[i * 2] << 8) | bytes[i * 2 + 1]);
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      bestStart = i;
      bestLength = j - i;
    }
    if (j > i) i = j;
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}
