/**
 * What a client gets that speaks HTTP in clear on a port of TLS: 400 with a line that people can read, or a redirect to the same with
 * https. Of its request what came first is looked at, and no more is waited for.
 */
import { HEADER_COUNT_MAX, HEAD_BYTES_MAX } from '../../base/limits.ts';
import { ascii, emitBytes, emitDecimal, emitFragment } from '../../wire/http1/emit.ts';
import { writeOriginForm } from '../../core/route/rewrite.ts';
import type { HeadLimits, RequestHead } from '../../wire/http1/head.ts';
import { hostLengthOf } from '../../wire/http1/host.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';

const LIMITS: HeadLimits = { headBytes: HEAD_BYTES_MAX, headers: HEADER_COUNT_MAX };
/** The longest method of a standard, and its space. */
const METHOD_BYTES_MAX = 18;
const SPACE = 32;
const SLASH = 47;
const PORT = 443;
/** Of an answer, what is not the host and the target. */
const LINES_BYTES_MAX = 256;

const BODY = ascii('400 Bad Request: this port speaks HTTPS, and the request came in clear\n');
const REFUSAL = ascii(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`,
);
const REDIRECT = ascii(
  'HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nConnection: close\r\nLocation: https://',
);
const END = ascii('\r\n\r\n');
const COLON = ascii(':');

/** A token in capitals and a space: no record of TLS begins so. */
export function isPlainHttp(bytes: Uint8Array, offset: number, length: number): boolean {
  const end = offset + Math.min(length, METHOD_BYTES_MAX);
  let at = offset;
  while (at < end && bytes[at] >= 65 && bytes[at] <= 90) at++;
  return at > offset && (at === end || bytes[at] === SPACE);
}

/** Writes the refusal, and returns the offset behind it. */
export function emitRefusal(bytes: Uint8Array, at: number): number {
  return emitFragment(bytes, emitFragment(bytes, at, REFUSAL), BODY);
}

/**
 * Writes a redirect to this listener's `port`, for the request that begins at `offset`; the refusal for one that is not whole, not
 * valid, or too long for the bytes up to `end`. `head` is used.
 */
export function emitRedirect(
  bytes: Uint8Array,
  offset: number,
  length: number,
  head: RequestHead,
  port: number,
  at: number,
  end: number,
): number {
  const isRead = parseRequestHead(bytes, offset, offset + length, LIMITS, head) > 0;
  const hostBytes = isRead ? hostLengthOf(bytes, head.authority, head.authorityLength) : 0;
  if (hostBytes === 0 || hostBytes + head.targetLength + LINES_BYTES_MAX > end - at) return emitRefusal(bytes, at);
  let to = emitFragment(bytes, at, REDIRECT);
  to = emitBytes(bytes, to, bytes, head.authority, hostBytes);
  if (port !== PORT) to = emitDecimal(bytes, emitFragment(bytes, to, COLON), port);
  const target = to;
  to = writeOriginForm(bytes, head, bytes, to, end - END.length);
  return to > target && bytes[target] === SLASH ? emitFragment(bytes, to, END) : emitRefusal(bytes, at);
}
