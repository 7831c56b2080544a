/**
 * Type-length-values of a PROXY protocol header of version 2 (section 2.2 of its text): more about the connection than its addresses.
 */
import { crc32c } from './crc32c.ts';

export const TLV_HEAD_BYTES = 3;
export const TLV_ALPN = 0x01;
export const TLV_AUTHORITY = 0x02;
export const TLV_CRC32C = 0x03;
export const TLV_UNIQUE_ID = 0x05;
export const TLV_SSL = 0x20;
const TLV_SSL_VERSION = 0x21;
const TLV_SSL_CIPHER = 0x23;
const TLV_SSL_CN = 0x22;
/** The client has connected over TLS. */
const CLIENT_SSL = 0x01;
/** It has shown a certificate, in this session. */
const CLIENT_CERT_SESSION = 0x04;
/** What stands in front of the values within TLV_SSL: flags, and a number of 32 bits. */
export const SSL_FIXED_BYTES = 5;
const VERIFIED = 0;
const NOT_VERIFIED = 1;
/** What stands between commas and plus signs of RFC 2253, with what is escaped. */
const NAME_PARTS = /(?:\\[0-9A-F]{2}|\\.|[^\\,+])+/g;
const COMMON_NAME = 'CN=';
export const UNIQUE_ID_BYTES_MAX = 128;
const CHECKSUM_BYTES = 4;
/** Where a header has its length, and what that does not count. */
const LENGTH_AT = 14;
const FIXED_BYTES = 16;

/** Longer texts are left out: no host name and no protocol has so many. */
const TEXT_BYTES_MAX = 255;
/** All together. */
export const TLVS_BYTES_MAX = 1500;

/** Where in bytes[at..end) the first one of this type begins; -1: there is none, or what is in front of it is cut off. */
export function findTlv(bytes: Uint8Array, at: number, end: number, type: number): number {
  while (end - at >= TLV_HEAD_BYTES && tlvEnd(bytes, at) <= end) {
    if (bytes[at] === type) return at;
    at = tlvEnd(bytes, at);
  }
  return -1;
}

/** The end of that which begins at `at`. */
export function tlvEnd(bytes: Uint8Array, at: number): number {
  return at + TLV_HEAD_BYTES + ((bytes[at + 1] << 8) | bytes[at + 2]);
}

/** A byte for each character. Writes nothing where there is none. */
export function writeTextTlv(type: number, text: string, bytes: Uint8Array, at: number): number {
  if (text === '' || text.length > TEXT_BYTES_MAX) return at;
  return endTlv(bytes, at, type, emitText(text, bytes, at + TLV_HEAD_BYTES));
}

/** Of TLS with a client. */
export interface SslFacts {
  /** `TLSv1.3` */
  readonly version: string;
  readonly cipher: string;
  /** Null: it has shown no certificate. `verified`: `SUCCESS`, or why not; `subject`: as of RFC 2253. */
  readonly client: { readonly verified: string; readonly subject: string } | null;
}

export function writeSslTlv({ version, cipher, client }: SslFacts, bytes: Uint8Array, at: number): number {
  let end = at + TLV_HEAD_BYTES;
  bytes[end++] = client === null ? CLIENT_SSL : CLIENT_SSL | CLIENT_CERT_SESSION;
  end = writeNumber(client !== null && client.verified === 'SUCCESS' ? VERIFIED : NOT_VERIFIED, bytes, end);
  end = writeTextTlv(TLV_SSL_VERSION, version, bytes, end);
  if (client !== null) end = writeTextTlv(TLV_SSL_CN, commonNameOf(client.subject), bytes, end);
  end = writeTextTlv(TLV_SSL_CIPHER, cipher, bytes, end);
  return endTlv(bytes, at, TLV_SSL, end);
}

/** Its bytes, each as a character. Empty: there is none. */
function commonNameOf(subject: string): string {
  const part = (subject.match(NAME_PARTS) ?? []).find((each) => each.startsWith(COMMON_NAME)) ?? COMMON_NAME;
  return part
    .slice(COMMON_NAME.length)
    .replaceAll(/\\(?:([0-9A-F]{2})|(.))/g, (_, hex: string | undefined, other: string) =>
      hex === undefined ? other : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** What stands from behind its head up to `end` is its value. */
export function endTlv(bytes: Uint8Array, at: number, type: number, end: number): number {
  const length = end - at - TLV_HEAD_BYTES;
  bytes[at] = type;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = length & 0xff;
  return end;
}

/** Ends the header at `headerAt`, which goes up to `at` so far; with its checksum, if it is to have one. */
export function endHeader(bytes: Uint8Array, headerAt: number, at: number, hasChecksum: boolean): number {
  const end = hasChecksum ? endTlv(bytes, at, TLV_CRC32C, at + TLV_HEAD_BYTES + CHECKSUM_BYTES) : at;
  const length = end - headerAt - FIXED_BYTES;
  bytes[headerAt + LENGTH_AT] = length >> 8;
  bytes[headerAt + LENGTH_AT + 1] = length & 0xff;
  if (hasChecksum) writeNumber(crc32c(bytes, headerAt, end, end - CHECKSUM_BYTES), bytes, end - CHECKSUM_BYTES);
  return end;
}

function emitText(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

function writeNumber(number: number, bytes: Uint8Array, at: number): number {
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = (number >>> shift) & 0xff;
  return at;
}
