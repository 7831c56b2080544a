/**
 * Writes request targets and Location values so that nothing in them can end a line or a target early: whatever is
 * given, the bytes that come out are visible ASCII. RFC 3986 section 2.1 and 3.3.
 */
import { encodeUtf8 } from '../../base/text.ts';
import { QUESTION } from '../../wire/http1/classes.ts';
import { isEscape, putEscape } from '../value/path.ts';

/** What may stand in a path as it is, escapes aside: pchar and `/` (RFC 3986 section 3.3). */
const PATH_SAFE = new Uint8Array(256);
for (const byte of encodeUtf8("-._~!$&'()*+,;=:@/")) PATH_SAFE[byte] = 1;
for (let byte = 0x30; byte <= 0x39; byte++) PATH_SAFE[byte] = 1;
for (let byte = 0x41; byte <= 0x5a; byte++) PATH_SAFE[byte] = PATH_SAFE[byte + 0x20] = 1;

/** There was no room. */
export const OVERFLOW = -1;

/** A place to write to, with a bound. After an overflow nothing more is written, and `at` is OVERFLOW. */
export class TargetWriter {
  at = 0;
  private out: Uint8Array = new Uint8Array(0);
  private end = 0;

  start(out: Uint8Array, at: number, end: number): void {
    this.out = out;
    this.at = at;
    this.end = end;
  }

  /** True if all that was written from `start` is one `byte`. */
  isAfterOnly(start: number, byte: number): boolean {
    return this.at === start + 1 && this.out[start] === byte;
  }

  /** One byte of visible ASCII. */
  byte(byte: number): void {
    if (this.has(1)) this.out[this.at++] = byte;
  }

  /** Bytes that are known to be visible ASCII. */
  known(bytes: Uint8Array): void {
    if (!this.has(bytes.length)) return;
    this.out.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Bytes as a peer sent them: kept, except that what is not visible ASCII is escaped. */
  sent(bytes: Uint8Array, at: number, length: number): void {
    for (let i = at; i < at + length; i++) {
      const byte = bytes[i];
      if (byte > 0x20 && byte < 0x7f) this.byte(byte);
      else this.escape(byte);
    }
  }

  /** Bytes of a decoded path: escapes in it stay, and what a path may not hold, or `reserved` marks, is escaped. */
  decoded(bytes: Uint8Array, at: number, end: number, reserved: Uint8Array | null, reservedAt: number): void {
    for (let i = at; i < end; i++) {
      const byte = bytes[i];
      const isMarked = reserved !== null && reserved[reservedAt + i - at] === 1;
      if (!isMarked && (PATH_SAFE[byte] === 1 || isEscape(bytes, i, end))) this.byte(byte);
      else this.escape(byte);
    }
  }

  private escape(byte: number): void {
    if (this.has(3)) this.at = putEscape(this.out, this.at, byte);
  }

  private has(length: number): boolean {
    if (this.at === OVERFLOW) return false;
    if (this.at + length <= this.end) return true;
    this.at = OVERFLOW;
    return false;
  }
}

/** An operator's path as it may be sent: escapes in it stay, everything else is escaped. */
export function encodePath(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  const out = new Uint8Array(bytes.length * 3);
  return out.slice(0, encodeInto(out, bytes, 0, bytes.length, false));
}

/** The same for a path, or query if `isQuery`, in bytes. Returns how many were written to `out`, three times as many at most. */
export function encodeInto(out: Uint8Array, bytes: Uint8Array, at: number, end: number, isQuery: boolean): number {
  let length = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    if (PATH_SAFE[byte] === 1 || (isQuery && byte === QUESTION) || isEscape(bytes, i, end)) out[length++] = byte;
    else length = putEscape(out, length, byte);
  }
  return length;
}

/** An operator's URL or part of one: visible ASCII stays as written, everything else is escaped. */
export function encodeLocation(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  const writer = new TargetWriter();
  const out = new Uint8Array(bytes.length * 3);
  writer.start(out, 0, out.length);
  writer.sent(bytes, 0, bytes.length);
  return out.slice(0, writer.at);
}
