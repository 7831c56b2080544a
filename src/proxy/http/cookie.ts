/** A Set-Cookie field taken apart (RFC 6265 section 5.2): the cookie, then its attributes, each with or without a value. */
import { HTAB, SP } from '../../wire/http1/classes.ts';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
/** Attributes of a cookie: there are fewer than ten kinds. */
const PARTS_MAX = 64;

export class Cookie {
  count = 0;
  readonly keyAt = new Int32Array(PARTS_MAX);
  readonly keyEnd = new Int32Array(PARTS_MAX);
  /** Behind the `=`; -1: there is none. */
  readonly valueAt = new Int32Array(PARTS_MAX);
  readonly valueEnd = new Int32Array(PARTS_MAX);

  /** False: it is no cookie, or has too many attributes. */
  read(bytes: Uint8Array, at: number, length: number): boolean {
    const end = at + length;
    this.count = 0;
    while (at <= end) {
      if (this.count === PARTS_MAX) return false;
      let stop = at;
      while (stop < end && bytes[stop] !== SEMICOLON) stop++;
      let equals = at;
      while (equals < stop && bytes[equals] !== EQUALS) equals++;
      const i = this.count++;
      this.keyAt[i] = skip(bytes, at, equals);
      this.keyEnd[i] = trim(bytes, this.keyAt[i], equals);
      this.valueAt[i] = equals === stop ? -1 : skip(bytes, equals + 1, stop);
      this.valueEnd[i] = equals === stop ? -1 : trim(bytes, this.valueAt[i], stop);
      at = stop + 1;
    }
    return this.valueAt[0] >= 0;
  }
}

function skip(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(bytes[at])) at++;
  return at;
}

function trim(bytes: Uint8Array, at: number, end: number): number {
  while (end > at && isSpace(bytes[end - 1])) end--;
  return end;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
