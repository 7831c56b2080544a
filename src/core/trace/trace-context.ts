/**
 * Where a request stands in a trace: W3C Trace Context (Recommendation of 2021), `traceparent`. A context is continued, or new; either way
 * what is handed on is ours: the identifier of the trace, that of our own span, and whether it is recorded.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace-id, parent-id, trace-flags: hexadecimal in lower case
 */
import type { Prng } from '../../base/prng.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { emitBytes } from '../../wire/http1/emit.ts';

export const TRACEPARENT_BYTES = 55;
export const TRACE_ID_AT = 3;
export const TRACE_ID_BYTES = 32;
export const SPAN_ID_AT = 36;
export const SPAN_ID_BYTES = 16;
const FLAGS_AT = 53;
const SAMPLED = 1;
const HYPHEN = 0x2d;
const ZERO = 0x30;
const HEX = ascii('0123456789abcdef');
const TEMPLATE = ascii(`00-${'0'.repeat(TRACE_ID_BYTES)}-${'0'.repeat(SPAN_ID_BYTES)}-00`);
/** The value of a digit; what is none: 255. */
const DIGITS = new Uint8Array(256).fill(255);
HEX.forEach((byte, value) => (DIGITS[byte] = value));

/** A trace is chosen by the last 14 digits of its identifier, which are random; of these 12 are enough. */
const CHOICE_DIGITS = 12;
const CHOICES = 16 ** CHOICE_DIGITS;

export class TraceContext {
  /** The value of `traceparent` for whom the request goes to. */
  readonly bytes = TEMPLATE.slice();
  /** Of the span that has called us; there is none where the trace is new. */
  readonly parentId = new Uint8Array(SPAN_ID_BYTES);
  hasParent = false;

  /** It is recorded. */
  get isSampled(): boolean {
    return this.bytes[FLAGS_AT + 1] !== ZERO;
  }

  private set isSampled(sampled: boolean) {
    this.bytes[FLAGS_AT + 1] = sampled ? ZERO + SAMPLED : ZERO;
  }

  copyFrom({ bytes, hasParent, parentId }: TraceContext): void {
    this.bytes.set(bytes);
    this.parentId.set(parentId);
    this.hasParent = hasParent;
  }

  /**
   * Goes on with the context in the `length` bytes at `at`, with a span of our own. False: it is not valid, and nothing is changed. Of a
   * version to come as much is read as of this one (section 3.2.4).
   */
  continue(bytes: Uint8Array, at: number, length: number, prng: Prng): boolean {
    if (!isTraceparent(bytes, at, length)) return false;
    emitBytes(this.bytes, TRACE_ID_AT, bytes, at + TRACE_ID_AT, TRACE_ID_BYTES);
    emitBytes(this.parentId, 0, bytes, at + SPAN_ID_AT, SPAN_ID_BYTES);
    this.hasParent = true;
    this.isSampled = (DIGITS[bytes[at + FLAGS_AT + 1]] & SAMPLED) !== 0;
    emitRandom(this.bytes, SPAN_ID_AT, SPAN_ID_BYTES, prng);
    return true;
  }

  /** A new one. `share`: of 10,000 traces so many are recorded. */
  begin(share: number, prng: Prng): void {
    emitRandom(this.bytes, TRACE_ID_AT, TRACE_ID_BYTES, prng);
    emitRandom(this.bytes, SPAN_ID_AT, SPAN_ID_BYTES, prng);
    this.hasParent = false;
    this.isSampled = isChosen(this.bytes, TRACE_ID_AT, share);
  }
}

function isTraceparent(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < TRACEPARENT_BYTES) return false;
  const version = hexAt(bytes, at) * 16 + hexAt(bytes, at + 1);
  // NaN: no digits
  if (!(version < 0xff)) return false;
  if (length > TRACEPARENT_BYTES && (version === 0 || bytes[at + TRACEPARENT_BYTES] !== HYPHEN)) return false;
  return (
    bytes[at + TRACE_ID_AT - 1] === HYPHEN &&
    isId(bytes, at + TRACE_ID_AT, TRACE_ID_BYTES) &&
    bytes[at + SPAN_ID_AT - 1] === HYPHEN &&
    isId(bytes, at + SPAN_ID_AT, SPAN_ID_BYTES) &&
    bytes[at + FLAGS_AT - 1] === HYPHEN &&
    DIGITS[bytes[at + FLAGS_AT]] < 16 &&
    DIGITS[bytes[at + FLAGS_AT + 1]] < 16
  );
}

function hexAt(bytes: Uint8Array, at: number): number {
  const digit = DIGITS[bytes[at]];
  return digit < 16 ? digit : NaN;
}

/** Digits, and not all of them zero. */
function isId(bytes: Uint8Array, at: number, length: number): boolean {
  let sum = 0;
  for (let i = at; i < at + length; i++) {
    const digit = DIGITS[bytes[i]];
    if (digit === 255) return false;
    sum += digit;
  }
  return sum > 0;
}

/** Random digits, and not all of them zero. */
function emitRandom(out: Uint8Array, at: number, length: number, prng: Prng): void {
  do {
    for (let i = at; i < at + length; i += 8) {
      const random = prng.nextU32();
      for (let k = 0; k < 8; k++) out[i + k] = HEX[(random >>> (28 - 4 * k)) & 15];
    }
  } while (!isId(out, at, length));
}

/** Whether the trace with this identifier is one of those that are recorded: whoever goes by the same share chooses the same ones. */
export function isChosen(id: Uint8Array, at: number, share: number): boolean {
  let random = 0;
  const from = at + TRACE_ID_BYTES - 14;
  for (let i = from; i < from + CHOICE_DIGITS; i++) random = random * 16 + DIGITS[id[i]];
  return random >= CHOICES * (1 - share / 10_000);
}
