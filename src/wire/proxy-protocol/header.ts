/**
 * The PROXY protocol's header, versions 1 and 2: what a proxy says in front of everything else of whose connection it passes on
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Read from bytes that a peer has sent, and written.
 */
import { emitIpText, IpWords, parseIpText, readIp, writeIp } from '../ip-text.ts';
import { ascii } from '../http1/classes.ts';
import { isHostName } from '../host-name.ts';
import { crc32c } from './crc32c.ts';
import { TLV_AUTHORITY, TLV_CRC32C, TLV_HEAD_BYTES, TLV_UNIQUE_ID, tlvEnd, UNIQUE_ID_BYTES_MAX } from './tlvs.ts';

export type ProxyVersion = 'v1' | 'v2';

/** What is read at most. A header of version 2 may say that it is longer; nobody needs that. */
export const PROXY_HEADER_BYTES_MAX = 4096;
/** What is written at most, without type-length-values. */
export const PROXY_HEADER_WRITTEN_MAX = 107;

/** The longest of a datagram that is written. */
export const DATAGRAM_HEADER_BYTES_MAX = 52;

/** More has to come. */
export const PROXY_MORE = 0;
/** It is no header, or not a right one. */
export const PROXY_WRONG = -1;

const NOTHING = new Uint8Array(0);

/** Both ends of a connection. Addresses as 16 bytes, IPv4 as ::ffff:a.b.c.d; all zero: there is none. */
export class ProxyAddresses {
  /** False: the connection is the peer's own (a health check, mostly), or it does not say whose. */
  isTold = false;
  readonly source = new Uint8Array(16);
  sourcePort = 0;
  readonly destination = new Uint8Array(16);
  destinationPort = 0;
  /** The host that the client has asked for: lower-case. Empty: it does not say, or says none. */
  authority = '';
  /** ASCII without spaces. Empty: the connection has none. */
  uniqueId = '';
  /** All that it says besides, as type-length-values one behind the other, which are whole. */
  tlvs = NOTHING;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const WORD = ascii('PROXY ');
/** The longest line of version 1, with its CR LF. */
const LINE_BYTES_MAX = 107;
const FIXED_BYTES = 16;
const TWO_LOCAL = 0x20;
const TWO_PROXY = 0x21;
const FAMILY_NONE = 0;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;
const FAMILY_UNIX = 3;
const IPV4_BYTES = 12;
const IPV6_BYTES = 36;
const UNIX_BYTES = 216;
const OVER_TCP = 1;
const OVER_UDP = 2;
/** What may stand in a log's field. */
const UNIQUE_ID = /^[!-~]+$/;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

// --- reading ---

/** The header that bytes[at..end) begins with: how long it is, PROXY_MORE, or PROXY_WRONG. `into` is only set by a length. */
export function readProxyHeader(bytes: Uint8Array, at: number, end: number, into: ProxyAddresses): number {
  if (at === end) return PROXY_MORE;
  into.authority = into.uniqueId = '';
  into.tlvs = NOTHING;
  if (bytes[at] === WORD[0]) return readLine(bytes, at, end, into);
  const length = readBinary(bytes, at, end, into);
  if (length <= 0 || !into.isTold) return length;
  const tlvsAt = FIXED_BYTES + ADDRESS_BYTES[bytes[at + 13] >> 4];
  if (tlvsAt < length) into.tlvs = bytes.slice(at + tlvsAt, at + length);
  return length;
}

/** Whether bytes[at..end) begin as `expected` does, as far as they go. */
function begins(bytes: Uint8Array, at: number, end: number, expected: Uint8Array): boolean {
  const length = Math.min(end - at, expected.length);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` CR LF. */
function readLine(bytes: Uint8Array, at: number, end: number, into: ProxyAddresses): number {
  if (!begins(bytes, at, end, WORD)) return PROXY_WRONG;
  const last = Math.min(end, at + LINE_BYTES_MAX);
  let lineEnd = at;
  while (lineEnd < last && bytes[lineEnd] !== CR) lineEnd++;
  if (lineEnd + 1 >= last) return last - at < LINE_BYTES_MAX ? PROXY_MORE : PROXY_WRONG;
  if (bytes[lineEnd + 1] !== LF) return PROXY_WRONG;
  const text = String.fromCharCode(...bytes.subarray(at + WORD.length, lineEnd));
  const length = lineEnd + 2 - at;
  // What follows UNKNOWN is nothing that anybody has to understand.
  if (text === 'UNKNOWN' || text.startsWith('UNKNOWN ')) {
    into.isTold = false;
    return length;
  }
  const [protocol, source, destination, sourcePort, destinationPort, ...more] = text.split(' ');
  if ((protocol !== 'TCP4' && protocol !== 'TCP6') || destinationPort === undefined || more.length > 0) {
    return PROXY_WRONG;
  }
  const isV6 = protocol === 'TCP6';
  const from = addressOf(source, isV6);
  const to = addressOf(destination, isV6);
  const fromPort = portOf(sourcePort);
  const toPort = portOf(destinationPort);
  if (from === null || to === null || fromPort < 0 || toPort < 0) return PROXY_WRONG;
  into.isTold = true;
  into.source.set(from);
  into.destination.set(to);
  into.sourcePort = fromPort;
  into.destinationPort = toPort;
  return length;
}

const words = new IpWords();

function addressOf(text: string, isV6: boolean): Uint8Array | null {
  const bytes = ascii(text);
  if (text.includes(':') !== isV6 || !parseIpText(bytes, 0, bytes.length, words)) return null;
  const address = new Uint8Array(16);
  writeIp(address, 0, words);
  return address;
}

/** -1: it is none. */
function portOf(text: string): number {
  const port = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : -1;
  return port > 0xffff ? -1 : port;
}

/** The same of a datagram, which has to have all of it, and of version 2. */
export function readDatagramHeader(bytes: Uint8Array, at: number, end: number, into: ProxyAddresses): number {
  const length = readBinary(bytes, at, end, into);
  return length === PROXY_MORE ? PROXY_WRONG : length;
}

function readBinary(bytes: Uint8Array, at: number, end: number, into: ProxyAddresses): number {
  if (!begins(bytes, at, end, SIGNATURE)) return PROXY_WRONG;
  if (end - at < FIXED_BYTES) return PROXY_MORE;
  const command = bytes[at + 12];
  const family = bytes[at + 13] >> 4;
  const transport = bytes[at + 13] & 0xf;
  const length = FIXED_BYTES + ((bytes[at + 14] << 8) | bytes[at + 15]);
  if (length > PROXY_HEADER_BYTES_MAX) return PROXY_WRONG;
  if (command !== TWO_LOCAL && command !== TWO_PROXY) return PROXY_WRONG;
  if (end - at < length) return PROXY_MORE;
  const headerEnd = at + length;
  // Of the peer's own connection, nothing that follows counts.
  if (command === TWO_LOCAL) {
    into.isTold = false;
    return length;
  }
  if (family > FAMILY_UNIX || transport > OVER_UDP) return PROXY_WRONG;
  const addressBytes = ADDRESS_BYTES[family];
  if (length < FIXED_BYTES + addressBytes) return PROXY_WRONG;
  if (family !== FAMILY_NONE && !readTlvs(bytes, at, at + FIXED_BYTES + addressBytes, headerEnd, into))
    return PROXY_WRONG;
  into.isTold = family === FAMILY_IPV4 || family === FAMILY_IPV6;
  if (family === FAMILY_IPV4) readIpv4(bytes, at + FIXED_BYTES, into);
  else if (family === FAMILY_IPV6) readIpv6(bytes, at + FIXED_BYTES, into);
  return length;
}

const ADDRESS_BYTES = [0, IPV4_BYTES, IPV6_BYTES, UNIX_BYTES];

function readIpv4(bytes: Uint8Array, at: number, into: ProxyAddresses): void {
  for (const [address, from] of [
    [into.source, at],
    [into.destination, at + 4],
  ] as const) {
    address.fill(0, 0, 10);
    address.fill(0xff, 10, 12);
    address.set(bytes.subarray(from, from + 4), 12);
  }
  readPorts(bytes, at + 8, into);
}

function readIpv6(bytes: Uint8Array, at: number, into: ProxyAddresses): void {
  into.source.set(bytes.subarray(at, at + 16));
  into.destination.set(bytes.subarray(at + 16, at + 32));
  readPorts(bytes, at + 32, into);
}

function readPorts(bytes: Uint8Array, at: number, into: ProxyAddresses): void {
  into.sourcePort = (bytes[at] << 8) | bytes[at + 1];
  into.destinationPort = (bytes[at + 2] << 8) | bytes[at + 3];
}

/** True: they fill the header exactly, and a checksum among them is that of the header at `headerAt`. */
function readTlvs(bytes: Uint8Array, headerAt: number, at: number, end: number, into: ProxyAddresses): boolean {
  while (at < end) {
    if (end - at < TLV_HEAD_BYTES) return false;
    const valueAt = at + TLV_HEAD_BYTES;
    const valueEnd = tlvEnd(bytes, at);
    if (valueEnd > end) return false;
    if (bytes[at] === TLV_CRC32C) {
      if (valueEnd - valueAt !== 4) return false;
      const told = new DataView(bytes.buffer, bytes.byteOffset + valueAt).getUint32(0);
      if (crc32c(bytes, headerAt, end, valueAt) !== told) return false;
    }
    if (bytes[at] === TLV_AUTHORITY) into.authority = authorityOf(bytes, valueAt, valueEnd);
    if (bytes[at] === TLV_UNIQUE_ID) into.uniqueId = uniqueIdOf(bytes, valueAt, valueEnd);
    at = valueEnd;
  }
  return true;
}

function authorityOf(bytes: Uint8Array, at: number, end: number): string {
  const text = String.fromCharCode(...bytes.subarray(at, end)).toLowerCase();
  return isHostName(text) ? text : '';
}

function uniqueIdOf(bytes: Uint8Array, at: number, end: number): string {
  if (end - at > UNIQUE_ID_BYTES_MAX) return '';
  const text = String.fromCharCode(...bytes.subarray(at, end));
  return UNIQUE_ID.test(text) ? text : '';
}

// --- writing ---

const EMPTY = new ProxyAddresses();

/** Of a connection of our own, a health check: it is nobody's else. */
export function ownProxyHeader(version: ProxyVersion): Uint8Array {
  const bytes = new Uint8Array(PROXY_HEADER_WRITTEN_MAX);
  if (version === 'v1') return bytes.subarray(0, emitText(bytes, 0, 'PROXY UNKNOWN\r\n'));
  return bytes.subarray(0, writeFixed(bytes, 0, TWO_LOCAL, FAMILY_NONE, 0));
}

/** Writes the header at `at`, and returns the offset behind it. */
export function writeProxyHeader(version: ProxyVersion, of: ProxyAddresses, bytes: Uint8Array, at: number): number {
  // a client of a Unix socket has no address
  const isTold = of.isTold && !isNone(of.source);
  if (version === 'v2') return writeBinary(isTold ? of : EMPTY, OVER_TCP, bytes, at);
  if (!isTold) return emitText(bytes, at, 'PROXY UNKNOWN\r\n');
  const isV4 = isMapped(of.source) && isMapped(of.destination);
  at = emitText(bytes, at, isV4 ? 'PROXY TCP4 ' : 'PROXY TCP6 ');
  at = emitAddress(bytes, at, of.source, isV4);
  bytes[at++] = SPACE;
  at = emitAddress(bytes, at, of.destination, isV4);
  bytes[at++] = SPACE;
  at = emitText(bytes, at, `${of.sourcePort} ${of.destinationPort}\r\n`);
  return at;
}

/**
 * The header of a datagram, always of version 2, at `at`, and returns the offset behind it: not more than DATAGRAM_HEADER_BYTES_MAX on. Each
 * datagram to a server has one, and what the server answers has none.
 */
export function writeDatagramHeader(of: ProxyAddresses, bytes: Uint8Array, at: number): number {
  return writeBinary(of, OVER_UDP, bytes, at);
}

function writeBinary(of: ProxyAddresses, transport: number, bytes: Uint8Array, at: number): number {
  if (!of.isTold) return writeFixed(bytes, at, TWO_PROXY, FAMILY_NONE, 0);
  const isV4 = isMapped(of.source) && isMapped(of.destination);
  const addressBytes = isV4 ? IPV4_BYTES : IPV6_BYTES;
  at = writeFixed(bytes, at, TWO_PROXY, ((isV4 ? FAMILY_IPV4 : FAMILY_IPV6) << 4) | transport, addressBytes);
  for (const address of [of.source, of.destination]) {
    const from = isV4 ? 12 : 0;
    for (let i = from; i < 16; i++) bytes[at++] = address[i];
  }
  for (const port of [of.sourcePort, of.destinationPort]) {
    bytes[at++] = port >> 8;
    bytes[at++] = port & 0xff;
  }
  return at;
}

function writeFixed(bytes: Uint8Array, at: number, command: number, family: number, length: number): number {
  bytes.set(SIGNATURE, at);
  bytes[at + 12] = command;
  bytes[at + 13] = family;
  bytes[at + 14] = 0;
  bytes[at + 15] = length;
  return at + FIXED_BYTES;
}

function isMapped(address: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}

function isNone(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** Of version 1 each address is of the family that the line says: an IPv4 address among IPv6 ones is `::ffff:c000:201`. */
function emitAddress(bytes: Uint8Array, at: number, address: Uint8Array, isV4: boolean): number {
  if (!isV4 && isMapped(address)) {
    const group = (from: number): string => ((address[from] << 8) | address[from + 1]).toString(16);
    return emitText(bytes, at, `::ffff:${group(12)}:${group(14)}`);
  }
  readIp(address, 0, words);
  return emitIpText(bytes, at, words);
}

function emitText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}
