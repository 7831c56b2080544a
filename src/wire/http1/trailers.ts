/** The trailer section behind the last chunk (RFC 9112 section 7.1.2, RFC 9110 section 6.5). */
import { TRAILER_BYTES_MAX } from '../../base/limits.ts';
import { ascii, equalsIgnoringCase } from './classes.ts';
import { ERR_TRAILER_FIELD, ERR_TRAILER_TOO_LARGE } from './errors.ts';
import { parseFields } from './fields.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_WORDS,
  F_DATE,
  F_NOMINATED,
  F_OTHER,
  F_VIA,
  F_X_REQUEST_ID,
} from './head.ts';
import type { FieldTable } from './head.ts';

/** Every field the proxy treats specially frames, routes or vouches for a message, but for these. */
const HARMLESS = (1 << F_OTHER) | (1 << F_DATE) | (1 << F_VIA) | (1 << F_X_REQUEST_ID) | (1 << F_NOMINATED);

/**
 * Of the rest, those that say who asks or how to read the content (RFC 9110 section 6.5.1): a recipient that merges
 * trailers into the head must not be led to act on them after the fact.
 */
const REFUSED: readonly Uint8Array[] = [
  'authorization',
  'content-encoding',
  'content-range',
  'content-type',
  'max-forwards',
  'proxy-authorization',
  'set-cookie',
  'trailer',
].map(ascii);

/**
 * Parses a trailer section, which is at least the empty line, in the bytes from `offset` to `end`. Returns the number of
 * bytes it takes, the empty line included; 0 if more are needed; or an `ERR_` code. `table` gets the fields.
 */
export function parseTrailers(
  bytes: Uint8Array,
  offset: number,
  end: number,
  table: FieldTable,
  fieldsMax: number,
): number {
  const isFull = end - offset >= TRAILER_BYTES_MAX;
  const stop = isFull ? offset + TRAILER_BYTES_MAX : end;
  table.start = offset;
  table.fieldsStart = offset;
  const after = parseFields(bytes, offset, stop, fieldsMax, table);
  if (after < 0) return after;
  if ((table.seen & ~HARMLESS) !== 0) return ERR_TRAILER_FIELD;
  for (let i = 0; i < table.fieldCount; i++) {
    if (isRefused(bytes, table, i * FIELD_WORDS)) return ERR_TRAILER_FIELD;
  }
  if (after === 0) return isFull ? ERR_TRAILER_TOO_LARGE : 0;
  return after - offset;
}

function isRefused(bytes: Uint8Array, table: FieldTable, word: number): boolean {
  if (table.fields[word + FIELD_ID] !== F_OTHER) return false;
  const at = table.fields[word + FIELD_NAME];
  const length = table.fields[word + FIELD_NAME_LENGTH];
  for (const name of REFUSED) if (equalsIgnoringCase(bytes, at, length, name)) return true;
  return false;
}
