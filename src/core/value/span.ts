/** Bytes of somebody else's array: where a value of a request stands, and what it says. Nothing is copied. */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { decodeInto, skipDecoded } from './query.ts';

/** Used within one call only, so all spans share it. */
const decoded = new Uint8Array(HEAD_BYTES_MAX);

export class Span {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  length = 0;
  /** A part of a query: in what is said, `+` is a space and escapes stand for their bytes. */
  private isEncoded = false;

  set(bytes: Uint8Array, at: number, length: number): void {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.isEncoded = false;
  }

  setEncoded(bytes: Uint8Array, at: number, length: number): void {
    this.set(bytes, at, length);
    this.isEncoded = true;
  }

  clear(): void {
    this.length = 0;
  }

  get end(): number {
    return this.at + this.length;
  }

  /** Whether it says `expected`. */
  is(expected: Uint8Array): boolean {
    return this.skip(expected) === this.end;
  }

  beginsWith(expected: Uint8Array): boolean {
    return this.skip(expected) >= 0;
  }

  /** What it says, into `said`: valid until the next call for any span. */
  decode(said: Span): void {
    const { bytes, at, length } = this;
    if (this.isEncoded) said.set(decoded, 0, decodeInto(decoded, bytes, at, at + length));
    else said.set(bytes, at, length);
  }

  /** The offset behind what says `expected`, or -1 if it does not begin with it. */
  private skip(expected: Uint8Array): number {
    const { bytes, at, length } = this;
    if (this.isEncoded) return skipDecoded(bytes, at, at + length, expected);
    if (length < expected.length) return -1;
    for (let i = 0; i < expected.length; i++) {
      if (bytes[at + i] !== expected[i]) return -1;
    }
    return at + expected.length;
  }
}
