/**
 * Query parameters, compared as the backends' form decoders read them: `&` separates, the first `=` ends the name, `+`
 * is a space and escapes are decoded; an escape that is none stands for itself (WHATWG URL, section 5.1).
 */
import { HEX_VALUE, LOWER } from '../../wire/http1/classes.ts';
import { isEscape } from './path.ts';

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PLUS = 0x2b;
const SPACE = 0x20;

/** Steps through the parameters of one query. */
export class QueryCursor {
  /** The current parameter: its name from `name` to `nameEnd`, its value, which may be empty, from `value` to `end`. */
  name = 0;
  nameEnd = 0;
  value = 0;
  end = 0;
  private next = 0;
  private last = 0;

  /** The `length` bytes at `at` are a query, with its `?` if it has one. */
  start(bytes: Uint8Array, at: number, length: number): void {
    this.next = length > 0 && bytes[at] === 0x3f ? at + 1 : at;
    this.last = at + length;
  }

  /** Moves to the next parameter; false: there is none. */
  move(bytes: Uint8Array): boolean {
    while (this.next < this.last && bytes[this.next] === AMPERSAND) this.next++;
    if (this.next >= this.last) return false;
    let i = this.next;
    this.name = i;
    while (i < this.last && bytes[i] !== AMPERSAND && bytes[i] !== EQUALS) i++;
    this.nameEnd = i;
    if (i < this.last && bytes[i] === EQUALS) i++;
    this.value = i;
    while (i < this.last && bytes[i] !== AMPERSAND) i++;
    this.end = i;
    this.next = i;
    return true;
  }
}

/** The offset behind the encoded bytes from `at` that decode to `expected`, or -1 if they do not begin with it. */
export function skipDecoded(bytes: Uint8Array, at: number, end: number, expected: Uint8Array): number {
  let i = at;
  for (let k = 0; k < expected.length; k++) {
    if (i >= end || decodedAt(bytes, i, end) !== expected[k]) return -1;
    i += isEscape(bytes, i, end) ? 3 : 1;
  }
  return i;
}

/** Whether the encoded bytes are `lower` when decoded, letters compared without case. */
export function isDecodedName(bytes: Uint8Array, at: number, end: number, lower: Uint8Array): boolean {
  let i = at;
  for (let k = 0; k < lower.length; k++) {
    if (i >= end || LOWER[decodedAt(bytes, i, end)] !== lower[k]) return false;
    i += isEscape(bytes, i, end) ? 3 : 1;
  }
  return i === end;
}

/** Writes the decoded bytes to the start of `out`, as many as it holds, and returns their number. */
export function decodeInto(out: Uint8Array, bytes: Uint8Array, at: number, end: number): number {
  let length = 0;
  for (let i = at; i < end && length < out.length;) {
    out[length++] = decodedAt(bytes, i, end);
    i += isEscape(bytes, i, end) ? 3 : 1;
  }
  return length;
}

function decodedAt(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === PLUS) return SPACE;
  return isEscape(bytes, at, end) ? (HEX_VALUE[bytes[at + 1]] << 4) | HEX_VALUE[bytes[at + 2]] : bytes[at];
}
