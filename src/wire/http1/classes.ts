/** Which bytes may stand where in HTTP/1: tables by byte value (RFC 9110 section 5.6, RFC 3986 section 2). */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const QUESTION = 0x3f;

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TOKEN_BYTES = `!#$%&'*+-.^_\`|~${DIGITS}${LETTERS}`;
const REG_NAME_BYTES = `-._~!$&'()*+,;=${DIGITS}${LETTERS}`;

/** Token bytes, with letters in lower case; 0: not a token byte. */
export const TOKEN_LOWER = new Uint8Array(256);
/** ASCII letters in lower case, every other byte itself. */
export const LOWER = new Uint8Array(256);
/**
 * 1: may stand in a request target before the query. 2: `?`. Every visible ASCII byte may: browsers send some that RFC 3986
 * leaves out, like `|`. Bytes from 0x80 on may not: browsers and libraries percent-encode them, HAProxy refuses them too,
 * and servers disagree on whether they are Latin-1 or UTF-8, so that a route could be taken by one reading and served by
 * the other.
 */
export const TARGET_CLASS = new Uint8Array(256);
/** 1: a field value byte other than whitespace; 2: SP or HTAB. 0: a control byte. */
export const VALUE_CLASS = new Uint8Array(256);
/** 1: unreserved or sub-delims (RFC 3986 section 3.2.2), 2: the dot of them. */
export const REG_NAME_CLASS = new Uint8Array(256);
/** The value of a hexadecimal digit; 255: not one. */
export const HEX_VALUE = new Uint8Array(256).fill(255);

for (let byte = 0; byte <= 0xff; byte++) LOWER[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
for (const char of TOKEN_BYTES) TOKEN_LOWER[char.charCodeAt(0)] = char.toLowerCase().charCodeAt(0);
for (const char of REG_NAME_BYTES) REG_NAME_CLASS[char.charCodeAt(0)] = 1;
REG_NAME_CLASS['.'.charCodeAt(0)] = 2;
for (let byte = 0x21; byte <= 0x7e; byte++) TARGET_CLASS[byte] = 1;
TARGET_CLASS[QUESTION] = 2;
TARGET_CLASS[0x23] = 0; // a fragment is never sent
for (let byte = 0x21; byte <= 0xff; byte++) VALUE_CLASS[byte] = 1;
VALUE_CLASS[0x7f] = 0;
VALUE_CLASS[SP] = 2;
VALUE_CLASS[HTAB] = 2;
for (let value = 0; value < 16; value++) {
  HEX_VALUE['0123456789abcdef'.charCodeAt(value)] = value;
  HEX_VALUE['0123456789ABCDEF'.charCodeAt(value)] = value;
}

/** True if the `length` bytes at `at` are `lower`, letters compared without case. `lower` holds token bytes only. */
export function equalsIgnoringCase(bytes: Uint8Array, at: number, length: number, lower: Uint8Array): boolean {
  if (length !== lower.length) return false;
  for (let i = 0; i < length; i++) {
    if (TOKEN_LOWER[bytes[at + i]] !== lower[i]) return false;
  }
  return true;
}

/** The bytes of ASCII text, for constants. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
