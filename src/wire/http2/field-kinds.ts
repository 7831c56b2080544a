/**
 * Which field a name is, and what is wrong with a field by itself (RFC 9113 section 8.2). Both are told once for a field of a dynamic
 * table, however often it is sent.
 */
import { COLON, HTAB, SP, TOKEN_LOWER, VALUE_CLASS, ascii } from '../http1/classes.ts';
import { fieldId } from '../http1/fields.ts';
import { F_CONNECTION, F_KEEP_ALIVE, F_PROXY_CONNECTION, F_TE, F_TRANSFER_ENCODING, F_UPGRADE } from '../http1/head.ts';
import { skipOrdinary } from '../http1/words.ts';
import {
  FAULT_STREAM_CONNECTION_FIELD,
  FAULT_STREAM_FIELD_NAME,
  FAULT_STREAM_FIELD_SPACE,
  FAULT_STREAM_FIELD_VALUE,
} from './faults.ts';

// A kind is an F_ of http1/head.ts, or one of these.
export const PSEUDO_METHOD = 32;
export const PSEUDO_SCHEME = 33;
export const PSEUDO_AUTHORITY = 34;
export const PSEUDO_PATH = 35;
export const PSEUDO_STATUS = 36;
/** RFC 8441. */
export const PSEUDO_PROTOCOL = 37;
export const PSEUDO_OTHER = 38;

const PSEUDO_NAMES: readonly Uint8Array[] = [':method', ':scheme', ':authority', ':path', ':status', ':protocol'].map(
  ascii,
);
const TRAILERS = ascii('trailers');

/** A letter in upper case, or no byte of a token. */
const WRONG_IN_NAME = TOKEN_LOWER.map((lower, byte) => (lower === byte && lower !== 0 ? 0 : 1));

const CONNECTION_FIELDS =
  (1 << F_CONNECTION) | (1 << F_KEEP_ALIVE) | (1 << F_PROXY_CONNECTION) | (1 << F_TRANSFER_ENCODING) | (1 << F_UPGRADE);

/** The kind of a name in lower case. */
export function kindOf(bytes: Uint8Array, at: number, length: number): number {
  if (length === 0 || bytes[at] !== COLON) return fieldId(bytes, at, length);
  for (let i = 0; i < PSEUDO_NAMES.length; i++) {
    if (isSame(bytes, at, length, PSEUDO_NAMES[i])) return PSEUDO_METHOD + i;
  }
  return PSEUDO_OTHER;
}

/** What is wrong with a name: a FAULT_STREAM_, or 0. The colon that a pseudo-field begins with is none of it. */
export function nameFlaw(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length;
  let i = length > 0 && bytes[at] === COLON ? at + 1 : at;
  if (i === end) return FAULT_STREAM_FIELD_NAME;
  while (i < end && WRONG_IN_NAME[bytes[i]] === 0) i++;
  return i === end ? 0 : FAULT_STREAM_FIELD_NAME;
}

/** What is wrong with the value of a field of this kind: a FAULT_STREAM_, or 0. As in HTTP/1, every control byte but HTAB is. */
export function valueFlaw(bytes: Uint8Array, at: number, length: number, kind: number): number {
  if (kind < 32 && ((1 << kind) & CONNECTION_FIELDS) !== 0) return FAULT_STREAM_CONNECTION_FIELD;
  if (length === 0) return 0;
  const end = at + length;
  if (isSpace(bytes[at]) || isSpace(bytes[end - 1])) return FAULT_STREAM_FIELD_SPACE;
  let i = skipOrdinary(bytes, at, end);
  while (i < end && VALUE_CLASS[bytes[i]] !== 0) i++;
  if (i < end) return FAULT_STREAM_FIELD_VALUE;
  return kind === F_TE && !isSame(bytes, at, length, TRAILERS) ? FAULT_STREAM_CONNECTION_FIELD : 0;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

function isSame(bytes: Uint8Array, at: number, length: number, other: Uint8Array): boolean {
  if (length !== other.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}
