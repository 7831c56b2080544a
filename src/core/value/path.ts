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
 * - Escaped control characters (`%00` ends the path in C, a WHATWG URL loses `%09`, `%0A` and `%0D`), and UTF-8 that is longer
 *   than needed (`%C0%AF` for a slash), are refused: nobody means well with them.
 *
 * Some servers read more into a path than that; `Reading` has the ways they do. A path that another reading would send to
 * another route is refused by the table (`table.ts`).
 *
 * What is forwarded stays as sent, unless the route rewrites it.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { HEX_VALUE, SLASH } from '../../wire/http1/classes.ts';
import type { RequestHead } from '../../wire/http1/head.ts';

export const PERCENT = 0x25;
export const DOT = 0x2e;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;
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

/** Ways to read a path that only some servers have, as bits. */
export type Reading = number;
/** `%2F` is a slash: nginx, IIS, WSGI, PHP. */
export const READ_SLASH: Reading = 1;
/** `\` and `%5C` are slashes, dots and spaces at the end of a segment are nothing: IIS, anything on Windows; URL in Node. */
export const READ_WINDOWS: Reading = 2;
/** What follows a `;` in a segment is no part of its name: Tomcat, Jetty, Spring. */
export const READ_PARAMS: Reading = 4;
/** Escapes are decoded twice, by a server and what runs in it. */
export const READ_TWICE: Reading = 8;
/** `.` and `..` are names like others: WSGI, Node, PHP's front controllers. */
export const READ_DOTS: Reading = 16;

/** What stops `isPlain`: 1 always, 2 beside another one of them. */
const SPACE = 0x20;
const DELETE = 0x7f;
const NOT_PLAIN = new Uint8Array(256);
NOT_PLAIN[PERCENT] = NOT_PLAIN[BACKSLASH] = NOT_PLAIN[SEMICOLON] = 1;
NOT_PLAIN[SLASH] = NOT_PLAIN[DOT] = 2;

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
  /** The readings by which this path may be another one. */
  doubts: Reading = 0;
  /** If `isChanged`: by offset from `at`, 1 for a byte that had a reserved character's escape. */
  readonly reserved = new Uint8Array(HEAD_BYTES_MAX);
  private readonly scratch = new Uint8Array(HEAD_BYTES_MAX);
  private reading: Reading = 0;

  /** Reads the path of a request; false: it is refused. */
  readFrom(bytes: Uint8Array, head: RequestHead, reading: Reading = 0): boolean {
    return this.read(bytes, head.path, pathLength(head), reading);
  }

  /**
   * Reads the `length` bytes at `at`. An empty path is `/`; one that does not begin with `/` is left as it is. False:
   * the path is refused, and the view means nothing.
   */
  read(bytes: Uint8Array, at: number, length: number, reading: Reading = 0): boolean {
    this.isChanged = false;
    this.hadDotSegments = false;
    this.doubts = 0;
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
    this.reading = reading;
    return length <= HEAD_BYTES_MAX && this.normalise(bytes, at, at + length);
  }

  private normalise(bytes: Uint8Array, at: number, end: number): boolean {
    const { scratch, reserved, reading } = this;
    if (bytes[at] !== SLASH) return true;
    scratch[0] = SLASH;
    let out = 1;
    /** Where the segment begins that is being written. */
    let segment = 1;
    let isInParams = false;
    for (let i = at + 1; i <= end; i++) {
      let byte = i < end ? bytes[i] : SLASH;
      let isSeparator = byte === SLASH;
      let fate = DECODE;
      if (byte === PERCENT) {
        if (!isEscape(bytes, i, end)) return false;
        byte = escapedByte(bytes, i);
        i += 2;
        if (byte === PERCENT && hasDigits(bytes, i, end)) {
          const inner = escapedByte(bytes, i);
          this.doubts |= READ_TWICE | doubtsOf(inner) | this.doubtsOfEnd(segment, out);
          if ((reading & READ_TWICE) !== 0) {
            byte = inner;
            i += 2;
          }
        }
        if (byte < SPACE || byte === DELETE) return false;
        fate = ESCAPED[byte];
        if (byte === SLASH) {
          this.doubts |= READ_SLASH | this.doubtsOfEnd(segment, out);
          isSeparator = (reading & READ_SLASH) !== 0;
        }
      }
      if (byte === BACKSLASH) {
        this.doubts |= READ_WINDOWS;
        isSeparator = (reading & READ_WINDOWS) !== 0;
      }
      if (isSeparator) {
        isInParams = false;
        let kind = dotSegment(scratch, segment, out);
        if (kind === 0) this.doubts |= this.doubtsOfEnd(segment, out);
        if (kind === 0 && (reading & READ_WINDOWS) !== 0) {
          kind = dotSegment(scratch, segment, withoutSpaces(scratch, segment, out));
          out = trimmedEnd(scratch, segment, out);
        }
        if (kind > 0) this.doubts |= READ_DOTS;
        if (kind > 0 && (reading & READ_DOTS) === 0) {
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
      if (byte === SEMICOLON) {
        this.doubts |= READ_PARAMS | this.doubtsOfEnd(segment, out);
        if ((reading & READ_PARAMS) !== 0) isInParams = true;
      }
      if (isInParams) continue;
      if (fate === KEEP) {
        reserved[out] = reserved[out + 1] = reserved[out + 2] = 0;
        out = putEscape(scratch, out, byte);
        continue;
      }
      if (isOverlong(scratch[out - 1], byte)) return false;
      reserved[out] = fate === DECODE_RESERVED ? 1 : 0;
      scratch[out++] = byte;
    }
    this.isChanged = !isSame(scratch, out, bytes, at, end - at);
    this.bytes = scratch;
    this.at = 0;
    this.length = out;
    return true;
  }

  /** Of a segment that ends here, or that some server lets end here. */
  private doubtsOfEnd(segment: number, end: number): Reading {
    return trimmedEnd(this.scratch, segment, end) < end ? READ_WINDOWS : 0;
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
      byte = escapedByte(bytes, i);
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
  return bytes[at] === PERCENT && hasDigits(bytes, at, end);
}

function hasDigits(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 2 < end && HEX_VALUE[bytes[at + 1]] !== 255 && HEX_VALUE[bytes[at + 2]] !== 255;
}

/** What the two hex digits behind `at` stand for. */
export function escapedByte(bytes: Uint8Array, at: number): number {
  return (HEX_VALUE[bytes[at + 1]] << 4) | HEX_VALUE[bytes[at + 2]];
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

/** The readings by which an escape of this byte inside an escape may be something else. */
function doubtsOf(byte: number): Reading {
  if (byte === SLASH) return READ_SLASH;
  if (byte === SEMICOLON) return READ_PARAMS;
  return byte === BACKSLASH || byte === DOT || byte === 0x20 ? READ_WINDOWS : 0;
}

/** The end of a segment without the spaces, which are escapes, at its end. */
function withoutSpaces(bytes: Uint8Array, at: number, end: number): number {
  while (end - 3 >= at && bytes[end - 3] === PERCENT && bytes[end - 2] === 0x32 && bytes[end - 1] === 0x30) end -= 3;
  return end;
}

/** The end of a segment without the dots and spaces at its end. */
function trimmedEnd(bytes: Uint8Array, at: number, end: number): number {
  for (;;) {
    const before = end;
    end = withoutSpaces(bytes, at, end);
    while (end > at && bytes[end - 1] === DOT) end--;
    if (end === before) return end;
  }
}

/** RFC 3629 section 3: the two bytes begin a character that has a shorter form. */
function isOverlong(first: number, second: number): boolean {
  if (first < 0xc0 || (second & 0xc0) !== 0x80) return false;
  return first < 0xc2 || (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
}

/** True if there is nothing to normalise, and no doubt. False also for `/.well-known`, which is looked at more closely then. */
function isPlain(bytes: Uint8Array, at: number, end: number): boolean {
  let previous = 0;
  for (let i = at; i < end; i++) {
    const found = NOT_PLAIN[bytes[i]];
    if (found !== 0 && (found === 1 || previous !== 0)) return false;
    previous = found;
  }
  return bytes[end - 1] !== DOT;
}

function isSame(a: Uint8Array, aLength: number, b: Uint8Array, bAt: number, bLength: number): boolean {
  if (aLength !== bLength) return false;
  for (let i = 0; i < aLength; i++) {
    if (a[i] !== b[bAt + i]) return false;
  }
  return true;
}
