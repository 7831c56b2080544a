/**
 * The form of a request's path that routes are matched on. Read RFC 3986 sections 3.3, 5.2.4 and 6.2.2 first.
 *
 * A server takes `/%61dmin`, `//admin` and `/x/../admin` for `/admin`; a rule about `/admin` must hold for all of them.
 * So:
 * - escapes of visible ASCII and of non-ASCII bytes are decoded, once. `%2F`, `%3F`, `%23` and `%25` stay, or a path
 *   would get another structure than it was sent with; so do escapes of control bytes and the space. Hex digits become
 *   upper-case;
 * - several `/` in a row become one;
 * - `.` and `..` segments are resolved, also those written with escapes. What climbs above the root is refused, and so
 *   is `%` without two hex digits: servers differ in what they make of them.
 *
 * What is forwarded stays as sent, unless the route rewrites it.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { HEX_VALUE, SLASH } from '../../wire/http1/classes.ts';
import type { RequestHead } from '../../wire/http1/head.ts';

export const PERCENT = 0x25;
export const DOT = 0x2e;
const HEX_DIGITS = encodeUtf8('0123456789ABCDEF');
const ROOT = encodeUtf8('/');

/** What becomes of an escaped byte. */
const KEEP = 0;
const DECODE = 1;
/** Decoded, but it may mean something else without the escape: RFC 3986 section 2.2. */
const DECODE_RESERVED = 2;

const ESCAPED = new Uint8Array(256).fill(DECODE_RESERVED);
ESCAPED.fill(KEEP, 0, 0x21);
for (const char of '/?#%\x7f') ESCAPED[char.charCodeAt(0)] = KEEP;
for (const char of '-._~') ESCAPED[char.charCodeAt(0)] = DECODE;
for (let byte = 0x30; byte <= 0x7a; byte++) {
  if (/[0-9A-Za-z]/.test(String.fromCharCode(byte))) ESCAPED[byte] = DECODE;
}

/**
 * One path at a time in normal form: the `length` bytes at `at` of `bytes`, valid until the next `read`, and only as
 * long as the caller keeps what was read: a path that is in normal form already is not copied.
 */
export class NormalPath {
  bytes: Uint8Array = ROOT;
  at = 0;
  length = 1;
  /** The normal form differs from what was read. */
  isChanged = false;
  /** It had `.` or `..` segments. */
  hadDotSegments = false;
  /** If `isChanged`: by offset from `at`, 1 for a byte that had a reserved character's escape. */
  readonly reserved = new Uint8Array(HEAD_BYTES_MAX);
  private readonly scratch = new Uint8Array(HEAD_BYTES_MAX);

  /** Reads the path of a request; false: it is refused. */
  readFrom(bytes: Uint8Array, head: RequestHead): boolean {
    return this.read(bytes, head.path, pathLength(head));
  }

  /**
   * Reads the `length` bytes at `at`. An empty path is `/`; one that does not begin with `/` is left as it is. False:
   * the path is refused, and the view means nothing.
   */
  read(bytes: Uint8Array, at: number, length: number): boolean {
    this.isChanged = false;
    this.hadDotSegments = false;
    if (length === 0) {
      this.bytes = ROOT;
      this.at = 0;
      this.length = 1;
      return true;
    }
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    if (isPlain(bytes, at, at + length)) return true;
    return length <= HEAD_BYTES_MAX && this.normalise(bytes, at, at + length);
  }

  private normalise(bytes: Uint8Array, at: number, end: number): boolean {
    const { scratch, reserved } = this;
    if (bytes[at] !== SLASH) return true;
    scratch[0] = SLASH;
    let out = 1;
    /** Where the segment begins that is being written. */
    let segment = 1;
    for (let i = at + 1; i <= end; i++) {
      let byte = i < end ? bytes[i] : SLASH;
      if (byte === SLASH) {
        const kind = dotSegment(scratch, segment, out);
        if (kind > 0) {
          this.hadDotSegments = true;
          if (kind === 2) {
            if (segment === 1) return false;
            segment--;
            while (scratch[segment - 1] !== SLASH) segment--;
          }
          out = segment;
        } else if (out > segment && i < end) {
          reserved[out] = 0;
          scratch[out++] = SLASH;
          segment = out;
        }
        continue;
      }
      reserved[out] = 0;
      if (byte === PERCENT) {
        const high = i + 2 < end ? HEX_VALUE[bytes[i + 1]] : 255;
        const low = i + 2 < end ? HEX_VALUE[bytes[i + 2]] : 255;
        if (high === 255 || low === 255) return false;
        i += 2;
        byte = (high << 4) | low;
        const fate = ESCAPED[byte];
        if (fate === KEEP) {
          reserved[out + 1] = reserved[out + 2] = 0;
          out = putEscape(scratch, out, byte);
          continue;
        }
        if (fate === DECODE_RESERVED) reserved[out] = 1;
      }
      scratch[out++] = byte;
    }
    this.isChanged = !isSame(scratch, out, bytes, at, end - at);
    this.bytes = scratch;
    this.at = 0;
    this.length = out;
    return true;
  }
}

/** The length of a request's path without the query. */
export function pathLength(head: RequestHead): number {
  return head.pathLength - head.queryLength;
}

/**
 * The bytes of a path or prefix in a rule, as they stand in the normal form: `/caf%C3%A9` and `/café` become the same.
 * Dots and slashes are left alone: `/.` is the prefix of hidden files, not the root.
 */
export function normaliseRule(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  const out = new Uint8Array(bytes.length * 3);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    let isKept = byte === 0x3f || byte === 0x23 || byte <= 0x20 || byte === 0x7f;
    if (byte === PERCENT && isEscape(bytes, i, bytes.length)) {
      byte = (HEX_VALUE[bytes[i + 1]] << 4) | HEX_VALUE[bytes[i + 2]];
      isKept = ESCAPED[byte] === KEEP;
      i += 2;
    }
    if (isKept) length = putEscape(out, length, byte);
    else out[length++] = byte;
  }
  return out.slice(0, length);
}

/** True if a `%` and two hex digits stand at `at`, before `end`. */
export function isEscape(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === PERCENT && at + 2 < end && HEX_VALUE[bytes[at + 1]] !== 255 && HEX_VALUE[bytes[at + 2]] !== 255;
}

/** Writes `%` and the two digits of `byte`, and returns the offset behind them. */
export function putEscape(out: Uint8Array, at: number, byte: number): number {
  out[at] = PERCENT;
  out[at + 1] = HEX_DIGITS[byte >> 4];
  out[at + 2] = HEX_DIGITS[byte & 15];
  return at + 3;
}

/** 1: the segment is `.`; 2: it is `..`; 0: it is anything else. */
export function dotSegment(bytes: Uint8Array, at: number, end: number): number {
  const length = end - at;
  if (length === 0 || length > 2 || bytes[at] !== DOT || bytes[end - 1] !== DOT) return 0;
  return length;
}

/** True if there is nothing to normalise. False also for `/.well-known`, which is looked at more closely then. */
function isPlain(bytes: Uint8Array, at: number, end: number): boolean {
  let previous = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    if (byte === PERCENT || (previous === SLASH && (byte === SLASH || byte === DOT))) return false;
    previous = byte;
  }
  return true;
}

function isSame(a: Uint8Array, aLength: number, b: Uint8Array, bAt: number, bLength: number): boolean {
  if (aLength !== bLength) return false;
  for (let i = 0; i < aLength; i++) {
    if (a[i] !== b[bAt + i]) return false;
  }
  return true;
}
