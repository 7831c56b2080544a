/**
 * Where a named part of a request stands: a field, a cookie, a query parameter. The first of that name counts. Nothing is
 * decoded or copied: a lookup leaves a span of the request's bytes.
 */
import { HTAB, SP, equalsIgnoringCase } from '../../wire/http1/classes.ts';
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
import { QueryCursor, skipDecoded } from '../route/query.ts';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** Bytes of somebody else's array. */
export class Span {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  length = 0;

  set(bytes: Uint8Array, at: number, length: number): void {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
  }
}

const cursor = new QueryCursor();

/** False: there is none, and the span is empty. `lower`: the name in lower case. */
export function findField(bytes: Uint8Array, table: FieldTable, lower: Uint8Array, span: Span): boolean {
  const { fields } = table;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    if (!equalsIgnoringCase(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], lower)) continue;
    span.set(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
    return true;
  }
  span.length = 0;
  return false;
}

/** RFC 6265 section 4.2.1: `name=value` pairs between `; `. Names are compared with case. */
export function findCookie(bytes: Uint8Array, table: FieldTable, name: Uint8Array, span: Span): boolean {
  span.length = 0;
  if ((table.seen & (1 << F_COOKIE)) === 0) return false;
  const { fields } = table;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    if (fields[word + FIELD_ID] !== F_COOKIE) continue;
    const end = fields[word + FIELD_VALUE] + fields[word + FIELD_VALUE_LENGTH];
    for (let i = fields[word + FIELD_VALUE]; i < end; i++) {
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

/** The value as sent, with its escapes. `name` is compared with the decoded names. */
export function findParameter(bytes: Uint8Array, head: RequestHead, name: Uint8Array, span: Span): boolean {
  cursor.start(bytes, head.query, head.queryLength);
  while (cursor.move(bytes)) {
    if (skipDecoded(bytes, cursor.name, cursor.nameEnd, name) !== cursor.nameEnd) continue;
    span.set(bytes, cursor.value, cursor.end - cursor.value);
    return true;
  }
  span.length = 0;
  return false;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
