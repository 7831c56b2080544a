/**
 * The head of a request (RFC 9112 sections 2, 3 and 5). Reads strictly and answers 400 where the RFC allows guessing;
 * docs/http.md lists every deviation.
 *
 * A head that is not complete is parsed again from its beginning when more bytes have come: nearly every head comes in one
 * piece, and a parser without state between calls cannot get it wrong.
 */
import {
  COLON,
  CR,
  LF,
  LOWER,
  QUESTION,
  SLASH,
  SP,
  TARGET_CLASS,
  TOKEN_LOWER,
  ascii,
  equalsIgnoringCase,
} from './classes.ts';
import {
  ERR_CONNECT,
  ERR_HEAD_TOO_LARGE,
  ERR_HOST_INVALID,
  ERR_HOST_MISMATCH,
  ERR_HOST_MISSING,
  ERR_HOST_REPEATED,
  ERR_LINE_END,
  ERR_METHOD,
  ERR_REQUEST_LINE,
  ERR_REQUEST_LINE_TOO_LONG,
  ERR_TARGET,
  ERR_TARGET_FORM,
  ERR_VERSION,
} from './errors.ts';
import { parseFields } from './fields.ts';
import { readFraming } from './framing.ts';
import {
  BODY_NONE,
  FIELD_ID,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_EXPECT,
  F_HOST,
  METHOD_CONNECT,
  METHOD_GET,
  METHOD_NAMES,
  METHOD_OPTIONS,
  METHOD_OTHER,
} from './head.ts';
import type { HeadLimits, RequestHead } from './head.ts';
import { hostLengthOf } from './host.ts';
import { VERSION_BYTES, parseVersion } from './version.ts';
import { viewOf } from './words.ts';

/** Empty lines skipped before a request (RFC 9112 section 2.2 asks for at least one). */
const EMPTY_LINES_MAX = 4;
const ASTERISK = 0x2a;

/** In the order of their METHOD_ numbers, from 1. */
const METHODS: readonly Uint8Array[] = METHOD_NAMES.slice(1).map(ascii);
/** `GET ` as one little-endian word. */
const GET_SPACE = 0x20544547;
const HTTP = ascii('http');
const CONTINUE = ascii('100-continue');
const HOST_BIT = 1 << F_HOST;
const EXPECT_BIT = 1 << F_EXPECT;

/**
 * Parses one head in the bytes from `offset` to `end`. Returns the number of bytes it takes, leading empty lines included;
 * 0 if more bytes are needed; or an `ERR_` code as soon as the bytes at hand are wrong. After 0 or an error the content of
 * `head` means nothing. At most `limits.headBytes` bytes and `limits.headers` fields (and what `head` has room for) are
 * accepted. Nothing outside the range is read, nothing is written.
 */
export function parseRequestHead(
  bytes: Uint8Array,
  offset: number,
  end: number,
  limits: HeadLimits,
  head: RequestHead,
): number {
  const isFull = end - offset >= limits.headBytes;
  const stop = isFull ? offset + limits.headBytes : end;

  const line = parseRequestLine(bytes, offset, stop, head);
  if (line <= 0) return line < 0 ? line : isFull ? ERR_REQUEST_LINE_TOO_LONG : 0;

  head.body = BODY_NONE;
  const after = parseFields(bytes, line, stop, limits.headers, head);
  if (after < 0) return after;
  let error = readFraming(bytes, head);
  if (error !== 0) return error;
  error = readRequestFields(bytes, limits, head);
  if (error !== 0) return error;
  if (after === 0) return isFull ? ERR_HEAD_TOO_LARGE : 0;
  if (head.hostField < 0 && head.version !== 10) return ERR_HOST_MISSING;
  return after - offset;
}

/** Returns the offset behind the line's LF, 0 or an error. */
function parseRequestLine(bytes: Uint8Array, offset: number, stop: number, head: RequestHead): number {
  let i = offset;
  while (i < stop && bytes[i] === CR && i - offset < EMPTY_LINES_MAX * 2) {
    if (i + 1 >= stop) return 0;
    if (bytes[i + 1] !== LF) return ERR_LINE_END;
    i += 2;
  }

  head.start = i;
  if (stop - i > 4 && viewOf(bytes).getInt32(i, true) === GET_SPACE) {
    head.method = METHOD_GET;
    head.methodLength = 3;
    i += 4;
  } else {
    while (i < stop && TOKEN_LOWER[bytes[i]] !== 0) i++;
    if (i >= stop) return 0;
    const methodLength = i - head.start;
    if (bytes[i] !== SP || methodLength === 0) return bytes[i] === LF ? ERR_LINE_END : ERR_METHOD;
    head.methodLength = methodLength;
    head.method = methodOf(bytes, head.start, methodLength);
    if (head.method === METHOD_CONNECT) return ERR_CONNECT;
    if (head.method === METHOD_OTHER && hasSmallLetter(bytes, head.start, i)) return ERR_METHOD;
    i++;
  }

  const target = i;
  head.target = target;
  if (i < stop && !canBeginTarget(bytes[i])) return TARGET_CLASS[bytes[i]] === 0 ? ERR_REQUEST_LINE : ERR_TARGET_FORM;
  while (i < stop && TARGET_CLASS[bytes[i]] === 1) i++;
  head.query = i;
  if (i < stop && bytes[i] === QUESTION) {
    i++;
    while (i < stop && TARGET_CLASS[bytes[i]] !== 0) i++;
  }
  if (i >= stop) return 0;
  if (bytes[i] !== SP) return bytes[i] === LF ? ERR_LINE_END : bytes[i] === CR ? ERR_REQUEST_LINE : ERR_TARGET;
  head.targetLength = i - target;
  head.queryLength = i - head.query;
  i++;

  const version = parseVersion(bytes, i, stop);
  if (version <= 0) return version;
  head.version = version;
  i += VERSION_BYTES;
  if (i >= stop) return 0;
  if (bytes[i] !== CR) return bytes[i] === LF ? ERR_LINE_END : bytes[i] === SP ? ERR_REQUEST_LINE : ERR_VERSION;
  if (i + 1 >= stop) return 0;
  if (bytes[i + 1] !== LF) return ERR_LINE_END;
  i += 2;
  head.fieldsStart = i;

  head.isAbsoluteForm = false;
  head.authority = target;
  head.authorityLength = 0;
  head.host = target;
  head.hostLength = 0;
  head.path = target;
  head.pathLength = head.targetLength;
  if (bytes[target] !== SLASH) {
    const error = readOtherForm(bytes, head);
    if (error !== 0) return error;
  }
  return i;
}

/** `/`, `*`, or the h of http. */
function canBeginTarget(byte: number): boolean {
  return byte === SLASH || byte === ASTERISK || LOWER[byte] === 0x68;
}

/** Absolute-form, asterisk-form, or an error. Sets `path`, `query`, `host` and `authority`. */
function readOtherForm(bytes: Uint8Array, head: RequestHead): number {
  const target = head.target;
  if (bytes[target] === ASTERISK) {
    return head.targetLength === 1 && head.method === METHOD_OPTIONS ? 0 : ERR_TARGET_FORM;
  }
  const end = target + head.targetLength;
  let i = target + schemeLength(bytes, target, head.targetLength);
  if (i === target) return ERR_TARGET_FORM;
  const authority = i;
  while (i < head.query && bytes[i] !== SLASH) i++;
  // `http://host?query` has no path that begins with `/`; nobody sends it, and rewriting it is not worth a mistake
  if (i === head.query && head.queryLength > 0) return ERR_TARGET_FORM;
  head.isAbsoluteForm = true;
  head.authority = authority;
  head.authorityLength = i - authority;
  head.host = authority;
  head.hostLength = hostLengthOf(bytes, authority, i - authority);
  if (head.hostLength === 0) return ERR_HOST_INVALID;
  head.path = i;
  head.pathLength = end - i;
  return 0;
}

/** The length of `http://` or `https://` at `at`, or 0. */
function schemeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < 8 || !equalsIgnoringCase(bytes, at, 4, HTTP)) return 0;
  const colon = TOKEN_LOWER[bytes[at + 4]] === 0x73 ? 5 : 4;
  return bytes[at + colon] === COLON && bytes[at + colon + 1] === SLASH && bytes[at + colon + 2] === SLASH
    ? colon + 3
    : 0;
}

/** Host and Expect. Returns 0 or an error. */
function readRequestFields(bytes: Uint8Array, limits: HeadLimits, head: RequestHead): number {
  head.hostField = -1;
  head.expectsContinue = false;
  const wanted = head.seen & (HOST_BIT | EXPECT_BIT);
  if (wanted === 0) return 0;
  if ((head.repeated & HOST_BIT) !== 0) return ERR_HOST_REPEATED;
  const fields = head.fields;
  const words = head.fieldCount * FIELD_WORDS;
  for (let word = 0; word < words; word += FIELD_WORDS) {
    const id = fields[word + FIELD_ID];
    if (id === F_HOST) {
      head.hostField = word / FIELD_WORDS;
      const error = readHost(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH], limits, head);
      if (error !== 0) return error;
      if (wanted === HOST_BIT) return 0;
    } else if (id === F_EXPECT && head.version !== 10) {
      const value = fields[word + FIELD_VALUE];
      if (equalsIgnoringCase(bytes, value, fields[word + FIELD_VALUE_LENGTH], CONTINUE)) head.expectsContinue = true;
    }
  }
  return 0;
}

function readHost(bytes: Uint8Array, at: number, length: number, limits: HeadLimits, head: RequestHead): number {
  if (head.isAbsoluteForm) {
    if (limits.ignoresOtherHost === true) return hostLengthOf(bytes, at, length) === 0 ? ERR_HOST_INVALID : 0;
    if (length !== head.authorityLength) return ERR_HOST_MISMATCH;
    for (let i = 0; i < length; i++) {
      if (LOWER[bytes[at + i]] !== LOWER[bytes[head.authority + i]]) return ERR_HOST_MISMATCH;
    }
    return 0;
  }
  const hostLength = hostLengthOf(bytes, at, length);
  if (hostLength === 0) return ERR_HOST_INVALID;
  head.authority = at;
  head.authorityLength = length;
  head.host = at;
  head.hostLength = hostLength;
  return 0;
}

/** Methods are compared with case, and some servers take `post` for POST: a rule about POST would not hold for them. */
function hasSmallLetter(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    if (bytes[i] >= 0x61 && bytes[i] <= 0x7a) return true;
  }
  return false;
}

/** METHOD_... of a method's bytes. */
export function methodOf(bytes: Uint8Array, at: number, length: number): number {
  for (let m = 0; m < METHODS.length; m++) {
    const name = METHODS[m];
    if (name.length !== length) continue;
    let i = 0;
    while (i < length && bytes[at + i] === name[i]) i++;
    if (i === length) return m + 1;
  }
  return METHOD_OTHER;
}
