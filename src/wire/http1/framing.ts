/**
 * What the fields of a head say about the message's length and the connection (RFC 9112 sections 6 and 9.3, RFC 9110
 * section 7.6.1). Everything that two readers could understand differently is an error: that is how requests are smuggled.
 */
import { NOMINATIONS_MAX } from '../../base/limits.ts';
import { COLON, COMMA, CR, HTAB, SP, TOKEN_LOWER, ascii, equalsIgnoringCase } from './classes.ts';
import {
  ERR_CONNECTION,
  ERR_CONNECTION_NOMINATES,
  ERR_CONNECTION_TOO_LONG,
  ERR_CONTENT_LENGTH,
  ERR_CONTENT_LENGTH_REPEATED,
  ERR_FIELD_LOOKALIKE,
  ERR_LENGTH_CONFLICT,
  ERR_TRANSFER_ENCODING,
  ERR_TRANSFER_ENCODING_REPEATED,
  ERR_TRANSFER_ENCODING_UNKNOWN,
  ERR_TRANSFER_ENCODING_VERSION,
} from './errors.ts';
import { fieldId } from './fields.ts';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_CONNECTION,
  F_CONTENT_LENGTH,
  F_EXPECT,
  F_HOST,
  F_NOMINATED,
  F_OTHER,
  F_HTTP2_SETTINGS,
  F_KEEP_ALIVE,
  F_LOOKALIKE,
  F_PROXY_CONNECTION,
  F_TE,
  F_TRANSFER_ENCODING,
  F_UPGRADE,
} from './head.ts';
import type { FieldTable } from './head.ts';

const CHUNKED = ascii('chunked');
const CLOSE = ascii('close');
const H2C = ascii('h2c');

const LENGTH_BIT = 1 << F_CONTENT_LENGTH;
const ENCODING_BIT = 1 << F_TRANSFER_ENCODING;
const CONNECTION_BIT = 1 << F_CONNECTION;
const UPGRADE_BIT = 1 << F_UPGRADE;
const LOOKALIKE_BIT = 1 << F_LOOKALIKE;
const FRAMING_BITS = LENGTH_BIT | ENCODING_BIT | CONNECTION_BIT | UPGRADE_BIT | LOOKALIKE_BIT;

/** A Connection field may not name these: the proxy has acted on them, or they say where the message ends or goes. */
const NEVER_NOMINATED = (1 << F_HOST) | LENGTH_BIT | ENCODING_BIT | (1 << F_EXPECT);
/** These are removed anyway, and are still found by their own id. */
const ALWAYS_REMOVED =
  CONNECTION_BIT |
  UPGRADE_BIT |
  (1 << F_KEEP_ALIVE) |
  (1 << F_PROXY_CONNECTION) |
  (1 << F_TE) |
  (1 << F_HTTP2_SETTINGS);

/**
 * Reads the fields found so far, sets `body`, `contentLength`, `hasClose`, `hasKeepAlive`, `hasUpgrade` and
 * `upgradeField`, and marks nominated fields. Returns 0 or an error. The table is fresh from `parseFields`, its `version`
 * is set, and `body` has the value for a message without length.
 */
export function readFraming(bytes: Uint8Array, table: FieldTable): number {
  table.contentLength = -1;
  table.hasOddLength = false;
  table.hasClose = false;
  table.hasKeepAlive = false;
  table.hasUpgrade = false;
  table.upgradeField = -1;
  table.nominations = 0;
  const seen = table.seen;
  if ((seen & FRAMING_BITS) === 0) return 0;
  if ((seen & LOOKALIKE_BIT) !== 0) return ERR_FIELD_LOOKALIKE;
  if ((seen & ENCODING_BIT) !== 0) {
    if ((seen & LENGTH_BIT) !== 0) return ERR_LENGTH_CONFLICT;
    if ((table.repeated & ENCODING_BIT) !== 0) return ERR_TRANSFER_ENCODING_REPEATED;
    if (table.version === 10) return ERR_TRANSFER_ENCODING_VERSION;
  }
  if ((table.repeated & LENGTH_BIT) !== 0) return ERR_CONTENT_LENGTH_REPEATED;

  const fields = table.fields;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    const id = fields[word + FIELD_ID];
    if (((1 << id) & FRAMING_BITS) === 0) continue;
    const at = fields[word + FIELD_VALUE];
    const length = fields[word + FIELD_VALUE_LENGTH];
    let error = 0;
    if (id === F_CONNECTION) error = readConnection(bytes, at, length, table);
    else if (id === F_CONTENT_LENGTH) {
      error = readContentLength(bytes, at, length, table);
      if (!isPlainNumber(bytes, at, length)) {
        table.hasOddLength = true;
        fields[word + FIELD_ID] = F_NOMINATED;
      }
    } else if (id === F_TRANSFER_ENCODING) {
      if (equalsIgnoringCase(bytes, at, length, CHUNKED)) table.body = BODY_CHUNKED;
      else error = transferEncodingError(bytes, at, length);
    } else table.upgradeField = word / FIELD_WORDS;
    if (error !== 0) return error;
  }
  if (table.hasUpgrade) table.hasUpgrade = isUpgradePassedOn(bytes, table);
  return 0;
}

function isUpgradePassedOn(bytes: Uint8Array, table: FieldTable): boolean {
  if (table.version === 10 || table.upgradeField < 0 || (table.repeated & UPGRADE_BIT) !== 0) return false;
  const word = table.upgradeField * FIELD_WORDS;
  const end = table.fields[word + FIELD_VALUE] + table.fields[word + FIELD_VALUE_LENGTH];
  let i = table.fields[word + FIELD_VALUE];
  let count = 0;
  // protocol-name ["/" protocol-version], in a list
  while (i < end) {
    const tokenAt = i;
    while (i < end && TOKEN_LOWER[bytes[i]] !== 0) i++;
    if (i > tokenAt) count++;
    if (equalsIgnoringCase(bytes, tokenAt, i - tokenAt, H2C)) return false;
    while (i < end && bytes[i] !== COMMA) i++;
    while (i < end && (bytes[i] === COMMA || bytes[i] === SP || bytes[i] === HTAB)) i++;
  }
  return count > 0;
}

/** Whether it stands there as we would write it: nobody is to read another number from it. */
function isPlainNumber(bytes: Uint8Array, at: number, length: number): boolean {
  const isLine = bytes[at - 2] === COLON && bytes[at - 1] === SP && bytes[at + length] === CR;
  return isLine && (length === 1 || bytes[at] !== 0x30);
}

function readContentLength(bytes: Uint8Array, at: number, length: number, table: FieldTable): number {
  if (length === 0) return ERR_CONTENT_LENGTH;
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return ERR_CONTENT_LENGTH;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return ERR_CONTENT_LENGTH;
  }
  table.contentLength = value;
  table.body = BODY_LENGTH;
  return 0;
}

/**
 * 501 is for a list of codings that ends with the only `chunked` in it: the length is clear, the coding unknown. Everything
 * else is 400 (RFC 9112 section 6.3, rule 4).
 */
function transferEncodingError(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length;
  let chunkedCount = 0;
  let isLastChunked = false;
  let i = at;
  while (i < end) {
    const tokenAt = i;
    while (i < end && TOKEN_LOWER[bytes[i]] !== 0) i++;
    if (i === tokenAt) return ERR_TRANSFER_ENCODING;
    isLastChunked = equalsIgnoringCase(bytes, tokenAt, i - tokenAt, CHUNKED);
    if (isLastChunked) chunkedCount++;
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
    if (i === end) break;
    if (bytes[i] !== COMMA) return ERR_TRANSFER_ENCODING;
    i++;
    isLastChunked = false;
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
  }
  return isLastChunked && chunkedCount === 1 ? ERR_TRANSFER_ENCODING_UNKNOWN : ERR_TRANSFER_ENCODING;
}

function readConnection(bytes: Uint8Array, at: number, length: number, table: FieldTable): number {
  const end = at + length;
  let i = at;
  for (;;) {
    // a list may have empty elements (RFC 9110 section 5.6.1.2)
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB || bytes[i] === COMMA)) i++;
    if (i === end) return 0;
    const tokenAt = i;
    while (i < end && TOKEN_LOWER[bytes[i]] !== 0) i++;
    const tokenLength = i - tokenAt;
    if (tokenLength === 0) return ERR_CONNECTION;
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
    if (i < end && bytes[i] !== COMMA) return ERR_CONNECTION;

    const id = fieldId(bytes, tokenAt, tokenLength);
    if (id === F_KEEP_ALIVE) table.hasKeepAlive = true;
    else if (id === F_UPGRADE) table.hasUpgrade = true;
    else if (equalsIgnoringCase(bytes, tokenAt, tokenLength, CLOSE)) table.hasClose = true;
    else {
      const error = nominate(bytes, tokenAt, tokenLength, id, table);
      if (error !== 0) return error;
    }
  }
}

function nominate(bytes: Uint8Array, at: number, length: number, id: number, table: FieldTable): number {
  const bit = 1 << id;
  if ((bit & NEVER_NOMINATED) !== 0) return ERR_CONNECTION_NOMINATES;
  if ((bit & ALWAYS_REMOVED) !== 0) return 0;
  if (++table.nominations > NOMINATIONS_MAX) return ERR_CONNECTION_TOO_LONG;
  const fields = table.fields;
  const words = table.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    if (fields[word + FIELD_NAME_LENGTH] === length && isSameToken(bytes, fields[word + FIELD_NAME], at, length)) {
      fields[word + FIELD_ID] = F_NOMINATED;
    }
  }
  if (id !== F_OTHER) table.seen &= ~bit;
  table.seen |= 1 << F_NOMINATED;
  return 0;
}

function isSameToken(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (TOKEN_LOWER[bytes[a + i]] !== TOKEN_LOWER[bytes[b + i]]) return false;
  }
  return true;
}
