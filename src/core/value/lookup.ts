/**
 * Where a named part of a request stands: a field, a cookie, a query parameter. Nothing is decoded or copied: a lookup leaves a
 * span of the request's bytes. Each looks only at what stands behind the offset `from`, so that the end of the one that was
 * found leads to the next of the same name; 0 finds the first.
 */
import { HTAB, SP, ascii, equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { isSpelt } from '../../wire/http1/fields.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_COOKIE,
  type FieldTable,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { QueryCursor, isDecodedName } from './query.ts';
import type { Span } from './span.ts';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const SET_COOKIE = ascii('set-cookie');

const cursor = new QueryCursor();

/** False: there is none, and the span is empty. `lower`: the name in lower case. */
export function findField(bytes: Uint8Array, table: FieldTable, lower: Uint8Array, from: number, span: Span): boolean {
  const { fields } = table;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    const name = fields[word + FIELD_NAME];
    if (name < from || !equalsIgnoringCase(bytes, name, fields[word + FIELD_NAME_LENGTH], lower)) continue;
    span.set(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
    return true;
  }
  span.clear();
  return false;
}

/**
 * Whether there is a field that some servers take for the one of this name, as `X_Env` for `X-Env`, and others do not. `folded`: the
 * name in FOLDED_NAME's letters.
 */
export function hasLookalike(
  bytes: Uint8Array,
  { fields, fieldCount }: FieldTable,
  lower: Uint8Array,
  folded: Uint8Array,
): boolean {
  for (let word = 0; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
    const length = fields[word + FIELD_NAME_LENGTH];
    if (length !== folded.length) continue;
    const name = fields[word + FIELD_NAME];
    if (isSpelt(bytes, name, length, folded, 0) && !equalsIgnoringCase(bytes, name, length, lower)) return true;
  }
  return false;
}

/** RFC 6265 section 4.2.1: `name=value` pairs between `; `. Names are compared with case. */
export function findCookie(bytes: Uint8Array, table: FieldTable, name: Uint8Array, from: number, span: Span): boolean {
  span.clear();
  if ((table.seen & (1 << F_COOKIE)) === 0) return false;
  const { fields } = table;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    if (fields[word + FIELD_ID] !== F_COOKIE) continue;
    const end = fields[word + FIELD_VALUE] + fields[word + FIELD_VALUE_LENGTH];
    for (let i = Math.max(from, fields[word + FIELD_VALUE]); i < end; i++) {
      while (i < end && isSpace(bytes[i])) i++;
      let k = 0;
      while (k < name.length && i < end && bytes[i] === name[k]) {
        i++;
        k++;
      }
      const isNamed = k === name.length && i < end && bytes[i] === EQUALS;
      const value = i + 1;
      while (i < end && bytes[i] !== SEMICOLON) i++;
      if (!isNamed) continue;
      let valueEnd = i;
      while (valueEnd > value && isSpace(bytes[valueEnd - 1])) valueEnd--;
      span.set(bytes, value, valueEnd - value);
      return true;
    }
  }
  return false;
}

/** The value that a response gives the cookie of this name; of several the last, which is what a client keeps. */
export function findSetCookie(bytes: Uint8Array, table: FieldTable, name: Uint8Array, span: Span): boolean {
  const { fields } = table;
  span.clear();
  for (let word = 0; word < table.fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
    if (!equalsIgnoringCase(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], SET_COOKIE)) continue;
    let at = fields[word + FIELD_VALUE];
    const end = at + fields[word + FIELD_VALUE_LENGTH];
    let k = 0;
    while (k < name.length && at < end && bytes[at] === name[k]) {
      at++;
      k++;
    }
    if (k < name.length || at === end || bytes[at] !== EQUALS) continue;
    const value = at + 1;
    while (at < end && bytes[at] !== SEMICOLON) at++;
    while (at > value && isSpace(bytes[at - 1])) at--;
    span.set(bytes, value, at - value);
  }
  return span.length > 0;
}

/** The value as sent, with its escapes. `lower`: the decoded name in lower case; ASP.NET and nginx do not tell cases apart. */
export function findParameter(
  bytes: Uint8Array,
  head: RequestHead,
  lower: Uint8Array,
  from: number,
  span: Span,
): boolean {
  const end = head.query + head.queryLength;
  const start = Math.max(from, head.query);
  cursor.start(bytes, start, end - start);
  while (cursor.move(bytes)) {
    if (!isDecodedName(bytes, cursor.name, cursor.nameEnd, lower)) continue;
    span.setEncoded(bytes, cursor.value, cursor.end - cursor.value);
    return true;
  }
  span.clear();
  return false;
}

/** The index of the first field with this F_ id, or -1. */
export function fieldWithId(table: FieldTable, id: number): number {
  if ((table.seen & (1 << id)) === 0) return -1;
  const { fields } = table;
  for (let i = 0, word = FIELD_ID; i < table.fieldCount; i++, word += FIELD_WORDS) {
    if (fields[word] === id) return i;
  }
  return -1;
}

/** The index of the only field with this id, or -1: of several nobody can say which is meant. */
export function onlyFieldWithId(table: FieldTable, id: number): number {
  return (table.repeated & (1 << id)) === 0 ? fieldWithId(table, id) : -1;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
