/**
 * The field lines of a head or a trailer section (RFC 9112 section 5): syntax, and which field each line is.
 *
 * What the fields mean for the message is decided in `framing.ts` and the start line's file.
 */
import { CR, COLON, HTAB, LF, SP, TOKEN_LOWER, VALUE_CLASS, ascii } from './classes.ts';
import {
  ERR_FIELD_FOLDED,
  ERR_FIELD_NAME,
  ERR_FIELD_SPACE,
  ERR_FIELD_VALUE,
  ERR_LINE_END,
  ERR_TOO_MANY_FIELDS,
} from './errors.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_CLIENT_CLAIM,
  F_CONNECTION,
  F_CONTENT_LENGTH,
  F_COOKIE,
  F_DATE,
  F_EXPECT,
  F_HOST,
  F_HTTP2_SETTINGS,
  F_KEEP_ALIVE,
  F_LOOKALIKE,
  F_OTHER,
  F_PROXY_CLAIM,
  F_PROXY_CONNECTION,
  F_TE,
  F_TRANSFER_ENCODING,
  F_UPGRADE,
  F_VIA,
  F_X_FORWARDED_FOR,
  F_X_FORWARDED_HOST,
  F_X_FORWARDED_PROTO,
  F_X_REQUEST_ID,
} from './head.ts';
import type { FieldTable } from './head.ts';
import { skipOrdinary, viewOf } from './words.ts';

const NAMES: readonly (readonly [id: number, lowerName: string])[] = [
  [F_CONNECTION, 'connection'],
  [F_KEEP_ALIVE, 'keep-alive'],
  [F_PROXY_CONNECTION, 'proxy-connection'],
  [F_TE, 'te'],
  [F_TRANSFER_ENCODING, 'transfer-encoding'],
  [F_CONTENT_LENGTH, 'content-length'],
  [F_UPGRADE, 'upgrade'],
  [F_HOST, 'host'],
  [F_EXPECT, 'expect'],
  [F_X_FORWARDED_FOR, 'x-forwarded-for'],
  [F_X_FORWARDED_PROTO, 'x-forwarded-proto'],
  [F_X_FORWARDED_HOST, 'x-forwarded-host'],
  [F_X_REQUEST_ID, 'x-request-id'],
  [F_VIA, 'via'],
  [F_DATE, 'date'],
  [F_COOKIE, 'cookie'],
  [F_HTTP2_SETTINGS, 'http2-settings'],
];

/** Compared with `_` as `-`, as CGI servers do. The list is in docs/headers.md. */
const CLIENT_CLAIMS: readonly Uint8Array[] = [
  'forwarded',
  'forwarded-for',
  'x-forwarded',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'client-ip',
  'true-client-ip',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  'x-azure-clientip',
  'x-envoy-external-address',
  'x-originating-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-forward-for',
  'x-forwarder-for',
  'x-proxyuser-ip',
  'x-appengine-user-ip',
  'x-nf-client-connection-ip',
  'cf-pseudo-ipv4',
  'fly-client-ip',
  'do-connecting-ip',
  'cdn-src-ip',
  'remote-addr',
].map(ascii);
const PROXY_CLAIMS: readonly Uint8Array[] = [
  'front-end-https',
  'x-forward-host',
  'x-forward-port',
  'x-forward-proto',
  'x-forward-scheme',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'x-scheme',
  'x-url-scheme',
].map(ascii);
const X_FORWARDED_PREFIX = ascii('x-forwarded-');

const NAME_LENGTH_MAX = 31;
/** No two of NAMES have the same length and first letter, so those two point to the only candidate. */
const CANDIDATE = new Uint8Array((NAME_LENGTH_MAX + 1) << 5);
/** The lower-case name of each id, 32 bytes apart. */
const LOWER_NAMES = new Uint8Array((NAMES.length + 2) << 5);
const LOOKALIKES =
  (1 << F_CONTENT_LENGTH) |
  (1 << F_TRANSFER_ENCODING) |
  (1 << F_X_FORWARDED_FOR) |
  (1 << F_X_FORWARDED_PROTO) |
  (1 << F_X_FORWARDED_HOST);
/** By token byte: letters in lower case, digits, and a hyphen for everything else. */
export const FOLDED_NAME = TOKEN_LOWER.map((byte) => (/[0-9a-z]/.test(String.fromCharCode(byte)) ? byte : 0x2d));
const LOWER_WORDS = new DataView(LOWER_NAMES.buffer);

/** In CANDIDATE: none of NAMES, but maybe a claim. */
const MAYBE_CLAIM = 32;
/** By length and first letter, as in CANDIDATE. */
const CLAIMS: ({ readonly name: Uint8Array; readonly id: number }[] | undefined)[] = [];
for (const [id, names] of [
  [F_CLIENT_CLAIM, CLIENT_CLAIMS],
  [F_PROXY_CLAIM, PROXY_CLAIMS],
] as const) {
  for (const name of names) {
    const place = (name.length << 5) | (name[0] & 31);
    CANDIDATE[place] = MAYBE_CLAIM;
    (CLAIMS[place] ??= []).push({ name, id });
  }
}
for (let length = X_FORWARDED_PREFIX.length + 1; length <= NAME_LENGTH_MAX; length++) {
  CANDIDATE[(length << 5) | (X_FORWARDED_PREFIX[0] & 31)] = MAYBE_CLAIM;
}
for (const [id, lowerName] of NAMES) {
  CANDIDATE[(lowerName.length << 5) | (lowerName.charCodeAt(0) & 31)] = id;
  LOWER_NAMES.set(ascii(lowerName), id << 5);
}

/** The F_ id of a field name, which must be a token. */
export function fieldId(bytes: Uint8Array, at: number, length: number): number {
  if (length > NAME_LENGTH_MAX) return F_OTHER;
  const id = CANDIDATE[(length << 5) | (bytes[at] & 31)];
  if (id === F_OTHER) return F_OTHER;
  if (id === MAYBE_CLAIM) return claimId(bytes, at, length);
  // On token bytes `| 0x20` makes letters lower case and leaves every other byte of a known name its only spelling.
  const name = id << 5;
  let i = 0;
  const words = viewOf(bytes);
  for (; i + 4 <= length; i += 4) {
    if ((words.getInt32(at + i, true) | 0x20202020) !== LOWER_WORDS.getInt32(name + i, true))
      return strangerId(bytes, at, length, id);
  }
  for (; i < length; i++) {
    if ((bytes[at + i] | 0x20) !== LOWER_NAMES[name + i]) return strangerId(bytes, at, length, id);
  }
  return id;
}

/** The id of a name that is not that of `id`, its candidate. */
function strangerId(bytes: Uint8Array, at: number, length: number, id: number): number {
  // The identifier is ours to give; spelt so, many servers would take it for the real one.
  if (id === F_X_REQUEST_ID && isSpelt(bytes, at, length, LOWER_NAMES, id << 5)) return F_CLIENT_CLAIM;
  const isLookalike = (LOOKALIKES & (1 << id)) !== 0 && isSpelt(bytes, at, length, LOWER_NAMES, id << 5);
  return isLookalike ? F_LOOKALIKE : claimId(bytes, at, length);
}

function claimId(bytes: Uint8Array, at: number, length: number): number {
  const names = CLAIMS[(length << 5) | (bytes[at] & 31)];
  if (names !== undefined) {
    for (let i = 0; i < names.length; i++) {
      if (isSpelt(bytes, at, length, names[i].name, 0)) return names[i].id;
    }
  }
  const isForwarded =
    length > X_FORWARDED_PREFIX.length && isSpelt(bytes, at, X_FORWARDED_PREFIX.length, X_FORWARDED_PREFIX, 0);
  return isForwarded ? F_PROXY_CLAIM : F_OTHER;
}

/** Whether the token is `lower[from..]`, in FOLDED_NAME's letters, to a server that takes `_` for `-` (CGI, RFC 3875 4.1.18), or any other character (lighttpd). */
export function isSpelt(bytes: Uint8Array, at: number, length: number, lower: Uint8Array, from: number): boolean {
  for (let i = 0; i < length; i++) {
    if (FOLDED_NAME[bytes[at + i]] !== lower[from + i]) return false;
  }
  return true;
}

/**
 * Reads field lines from `at` up to and including the empty line, looking at no byte from `stop` on. Returns the offset
 * behind the empty line, 0 if the bytes ran out, or an error. The table then holds the fields that are complete; its
 * `fieldsEnd` is set when the empty line was found.
 */
export function parseFields(bytes: Uint8Array, at: number, stop: number, fieldsMax: number, table: FieldTable): number {
  // locals: an imported constant is loaded anew at every use
  const tokens = TOKEN_LOWER;
  const values = VALUE_CLASS;
  const fields = table.fields;
  const wordsMax = Math.min(fieldsMax * FIELD_WORDS, fields.length);
  let word = 0;
  let seen = 0;
  let repeated = 0;
  let result = 0;
  let i = at;

  while (i < stop) {
    const nameAt = i;
    let byte = bytes[i];
    while (tokens[byte] !== 0 && ++i < stop) byte = bytes[i];
    if (i >= stop) break;

    if (byte !== COLON || i === nameAt) {
      if (byte === CR && i === nameAt) {
        if (i + 1 >= stop) break;
        if (bytes[i + 1] === LF) {
          table.fieldsEnd = i;
          result = i + 2;
        } else result = ERR_LINE_END;
      } else result = nameError(byte, i === nameAt, word === 0);
      break;
    }
    const nameLength = i - nameAt;
    if (word >= wordsMax) {
      result = ERR_TOO_MANY_FIELDS;
      break;
    }

    i++;
    while (i < stop && ((byte = bytes[i]) === SP || byte === HTAB)) i++;
    const valueAt = i;
    i = skipOrdinary(bytes, i, stop);
    while (i < stop && values[(byte = bytes[i])] !== 0) i++;
    if (i + 1 >= stop) {
      if (i < stop && byte !== CR) result = valueError(byte);
      break;
    }
    if (byte !== CR) {
      result = valueError(byte);
      break;
    }
    if (bytes[i + 1] !== LF) {
      result = ERR_LINE_END;
      break;
    }
    let valueEnd = i;
    while (valueEnd > valueAt && ((byte = bytes[valueEnd - 1]) === SP || byte === HTAB)) valueEnd--;
    i += 2;

    const id = fieldId(bytes, nameAt, nameLength);
    const bit = 1 << id;
    repeated |= seen & bit;
    seen |= bit;
    fields[word + FIELD_NAME] = nameAt;
    fields[word + FIELD_NAME_LENGTH] = nameLength;
    fields[word + FIELD_VALUE] = valueAt;
    fields[word + FIELD_VALUE_LENGTH] = valueEnd - valueAt;
    fields[word + FIELD_ID] = id;
    word += FIELD_WORDS;
  }

  table.fieldCount = word / FIELD_WORDS;
  table.seen = seen;
  table.repeated = repeated;
  return result;
}

function nameError(byte: number, isLineStart: boolean, isFirstField: boolean): number {
  if (byte === CR || byte === LF) return isLineStart ? ERR_LINE_END : ERR_FIELD_NAME;
  if (byte !== SP && byte !== HTAB) return ERR_FIELD_NAME;
  return isLineStart && !isFirstField ? ERR_FIELD_FOLDED : ERR_FIELD_SPACE;
}

function valueError(byte: number): number {
  return byte === LF ? ERR_LINE_END : ERR_FIELD_VALUE;
}
