/**
 * IP addresses as text inside messages: dotted quads and RFC 4291 section 2.2, written as RFC 5952 recommends. On bytes and
 * numbers, without strings: a proxy does this for every request. Text of the configuration is `base/address.ts`'s.
 */
import { HEX_VALUE, ascii } from './http1/classes.ts';

/**
 * The sixteen bytes of an IPv6 address in four signed words; an IPv4 address is ::ffff:a.b.c.d. All zero: there is no
 * address (a Unix socket).
 */
export class IpWords {
  ip0 = 0;
  ip1 = 0;
  ip2 = 0;
  ip3 = 0;
}

/** Longest text of an address. */
export const IP_TEXT_BYTES_MAX = 45;

const HEX = ascii('0123456789abcdef');
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const MAPPED = 0xffff;

export function copyIp(from: IpWords, into: IpWords): void {
  into.ip0 = from.ip0;
  into.ip1 = from.ip1;
  into.ip2 = from.ip2;
  into.ip3 = from.ip3;
}

/** Whether it is an IPv4 address. */
export function isV4({ ip0, ip1, ip2 }: IpWords): boolean {
  return ip0 === 0 && ip1 === 0 && ip2 === MAPPED;
}

/** Of the 16 bytes at `at`, as a socket tells addresses. */
export function readIp(bytes: Uint8Array, at: number, into: IpWords): void {
  into.ip0 = wordAt(bytes, at);
  into.ip1 = wordAt(bytes, at + 4);
  into.ip2 = wordAt(bytes, at + 8);
  into.ip3 = wordAt(bytes, at + 12);
}

/** A signed word of 4 bytes, big-endian. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** Into the 16 bytes at `at`. */
export function writeIp(bytes: Uint8Array, at: number, ip: IpWords): void {
  writeWord(bytes, at, ip.ip0);
  writeWord(bytes, at + 4, ip.ip1);
  writeWord(bytes, at + 8, ip.ip2);
  writeWord(bytes, at + 12, ip.ip3);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

export function isSameIp(a: IpWords, b: IpWords): boolean {
  return a.ip3 === b.ip3 && a.ip2 === b.ip2 && a.ip1 === b.ip1 && a.ip0 === b.ip0;
}

export function isNoIp(ip: IpWords): boolean {
  return (ip.ip0 | ip.ip1 | ip.ip2 | ip.ip3) === 0;
}

// --- reading ---

const groups = new Uint16Array(8);

/** Reads the address that is exactly bytes[at..end). False: it is none, and `into` is unchanged. No zone, no port. */
export function parseIpText(bytes: Uint8Array, at: number, end: number, into: IpWords): boolean {
  const quad = parseQuad(bytes, at, end);
  if (quad >= 0) {
    into.ip0 = 0;
    into.ip1 = 0;
    into.ip2 = MAPPED;
    into.ip3 = quad | 0;
    return true;
  }
  if (!parseGroups(bytes, at, end)) return false;
  into.ip0 = (groups[0] << 16) | groups[1];
  into.ip1 = (groups[2] << 16) | groups[3];
  into.ip2 = (groups[4] << 16) | groups[5];
  into.ip3 = (groups[6] << 16) | groups[7];
  return true;
}

/** 0..2^32-1, or -1. Leading zeros are refused: some read them as octal. */
function parseQuad(bytes: Uint8Array, at: number, end: number): number {
  let quad = 0;
  let i = at;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i >= end || bytes[i++] !== DOT)) return -1;
    const start = i;
    let value = 0;
    while (i < end && i - start < 3 && bytes[i] - ZERO >= 0 && bytes[i] - ZERO <= 9)
      value = value * 10 + bytes[i++] - ZERO;
    if (i === start || value > 255 || (i - start > 1 && bytes[start] === ZERO)) return -1;
    quad = quad * 256 + value;
  }
  return i === end ? quad : -1;
}

function parseGroups(bytes: Uint8Array, at: number, end: number): boolean {
  let count = 0;
  let zerosAt = -1;
  let i = at;
  if (end - at >= 2 && bytes[at] === COLON && bytes[at + 1] === COLON) {
    zerosAt = 0;
    i += 2;
  } else if (at === end) return false;
  while (i < end) {
    if (count === 8) return false;
    const start = i;
    let value = 0;
    while (i < end && i - start < 4 && HEX_VALUE[bytes[i]] !== 255) value = (value << 4) | HEX_VALUE[bytes[i++]];
    if (i === start) return false;
    if (i < end && bytes[i] === DOT) {
      const quad = parseQuad(bytes, start, end);
      if (quad < 0 || count > 6) return false;
      groups[count++] = quad >>> 16;
      groups[count++] = quad & 0xffff;
      break;
    }
    groups[count++] = value;
    if (i === end) break;
    if (bytes[i++] !== COLON || i === end) return false;
    if (bytes[i] !== COLON) continue;
    if (zerosAt >= 0) return false;
    zerosAt = count;
    i++;
  }
  if (zerosAt < 0) return count === 8;
  if (count > 7) return false;
  const tail = count - zerosAt;
  groups.copyWithin(8 - tail, zerosAt, count);
  groups.fill(0, zerosAt, 8 - tail);
  return true;
}

// --- writing ---

/** Dotted quad for an IPv4-mapped address, else as RFC 5952 recommends. Returns the offset behind it. */
export function emitIpText(out: Uint8Array, at: number, ip: IpWords): number {
  if (!isV4(ip)) return emitGroups(out, at, ip);
  const quad = ip.ip3;
  at = emitOctet(out, at, (quad >>> 24) & 255);
  out[at++] = DOT;
  at = emitOctet(out, at, (quad >>> 16) & 255);
  out[at++] = DOT;
  at = emitOctet(out, at, (quad >>> 8) & 255);
  out[at++] = DOT;
  return emitOctet(out, at, quad & 255);
}

function emitOctet(out: Uint8Array, at: number, octet: number): number {
  if (octet >= 100) {
    const hundreds = octet >= 200 ? 2 : 1;
    out[at++] = ZERO + hundreds;
    octet -= hundreds * 100;
    out[at++] = ZERO + ((octet / 10) | 0);
  } else if (octet >= 10) {
    out[at++] = ZERO + ((octet / 10) | 0);
  }
  out[at++] = ZERO + (octet % 10);
  return at;
}

/** Lower case, no leading zeros, and the first of the longest runs of two or more zero groups is `::`. */
function emitGroups(out: Uint8Array, at: number, ip: IpWords): number {
  let zerosAt = -1;
  let zeros = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groupOf(ip, end) === 0) end++;
    if (end - i > zeros) {
      zerosAt = i;
      zeros = end - i;
    }
    if (end > i) i = end;
  }
  for (let i = 0; i < 8; i++) {
    if (i === zerosAt) {
      out[at++] = COLON;
      i += zeros - 1;
      if (i === 7) out[at++] = COLON;
    } else {
      if (i > 0) out[at++] = COLON;
      at = emitGroup(out, at, groupOf(ip, i));
    }
  }
  return at;
}

function groupOf(ip: IpWords, index: number): number {
  const word = index < 2 ? ip.ip0 : index < 4 ? ip.ip1 : index < 6 ? ip.ip2 : ip.ip3;
  return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function emitGroup(out: Uint8Array, at: number, group: number): number {
  if (group > 0xfff) out[at++] = HEX[group >>> 12];
  if (group > 0xff) out[at++] = HEX[(group >>> 8) & 15];
  if (group > 0xf) out[at++] = HEX[(group >>> 4) & 15];
  out[at++] = HEX[group & 15];
  return at;
}
