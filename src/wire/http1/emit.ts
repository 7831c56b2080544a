/**
 * Writers for the bytes of messages. All take the array, the offset to write at and what to write, and return the offset
 * behind it. Room is the caller's promise: writing past the end of the array is a bug that stays silent.
 *
 * Where something is copied, source and destination may be the same array; they may overlap if the destination is the
 * lower one.
 */
import { CR, LF, ascii } from './classes.ts';
import { FIELD_ID, FIELD_NAME, FIELD_WORDS } from './head.ts';
import type { FieldTable } from './head.ts';

export { ascii } from './classes.ts';

const HEX_DIGITS = ascii('0123456789abcdef');

/** From here on the call of a built-in is cheaper than a loop (measured: `emit.bench.ts`). */
const LONG_BYTES = 64;

/** The size line in front of a chunk below 2^32 bytes takes at most this much. */
export const CHUNK_START_BYTES_MAX = 10;

/** Copies all of `fragment`, which is short. */
export function emitFragment(out: Uint8Array, at: number, fragment: Uint8Array): number {
  const length = fragment.length;
  for (let i = 0; i < length; i++) out[at + i] = fragment[i];
  return at + length;
}

/** Copies `length` bytes from `from`. */
export function emitBytes(out: Uint8Array, at: number, bytes: Uint8Array, from: number, length: number): number {
  if (length < LONG_BYTES) {
    for (let i = 0; i < length; i++) out[at + i] = bytes[from + i];
  } else if (out === bytes) out.copyWithin(at, from, from + length);
  else out.set(bytes.subarray(from, from + length), at);
  return at + length;
}

/** A number of 0 to 2^53-1 in decimal. */
export function emitDecimal(out: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  const end = at + digits;
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    out[i] = 0x30 + (rest - next * 10);
    rest = next;
  }
  return end;
}

/** A number of 0 to 2^32-1 in lower-case hexadecimal. */
export function emitHex(out: Uint8Array, at: number, value: number): number {
  const digits = hexDigits(value);
  for (let i = digits - 1, rest = value; i >= 0; i--, rest >>>= 4) out[at + i] = HEX_DIGITS[rest & 15];
  return at + digits;
}

function hexDigits(value: number): number {
  return Math.max(1, (35 - Math.clz32(value)) >> 2);
}

export function emitCrlf(out: Uint8Array, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}

/**
 * Writes the size line of a chunk so that it ends in front of `dataAt`, where the chunk's data begins, and returns where
 * the line begins: at most CHUNK_START_BYTES_MAX below. `size` is 1 to 2^32-1; a chunk of 0 would end the body. The data
 * is followed by `emitCrlf`.
 */
export function emitChunkStartBefore(out: Uint8Array, dataAt: number, size: number): number {
  const at = dataAt - 2 - hexDigits(size);
  emitCrlf(out, emitHex(out, at, size));
  return at;
}

/** The last chunk, without trailers: `0 CR LF CR LF`. */
export function emitLastChunk(out: Uint8Array, at: number): number {
  return emitFragment(out, at, LAST_CHUNK);
}
const LAST_CHUNK = ascii('0\r\n\r\n');

/**
 * Copies the fields of a parsed head or trailer section in their order, except those whose id is flagged: `dropped[id]`
 * is 1. The empty line is not copied.
 */
export function emitKeptFields(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  table: FieldTable,
  dropped: Uint8Array,
): number {
  const fields = table.fields;
  const words = table.fieldCount * FIELD_WORDS;
  let runAt = table.fieldsStart;
  let next = at;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    if (dropped[fields[word + FIELD_ID]] === 0) continue;
    const nameAt = fields[word + FIELD_NAME];
    if (nameAt > runAt) next = emitBytes(out, next, bytes, runAt, nameAt - runAt);
    runAt = word + FIELD_WORDS < words ? fields[word + FIELD_WORDS + FIELD_NAME] : table.fieldsEnd;
  }
  return emitBytes(out, next, bytes, runAt, table.fieldsEnd - runAt);
}

/** A table for `emitKeptFields` that drops these ids. */
export function droppedIds(...ids: number[]): Uint8Array {
  const dropped = new Uint8Array(32);
  for (const id of ids) dropped[id] = 1;
  return dropped;
}
