/**
 * The head of a response (RFC 9112 sections 2, 4 and 5), as strict as that of a request: what a server says ambiguously is
 * not passed on to a client or a cache.
 */
import { CR, LF, SP, VALUE_CLASS } from './classes.ts';
import { ERR_HEAD_TOO_LARGE, ERR_LINE_END, ERR_STATUS_LINE } from './errors.ts';
import { parseFields } from './fields.ts';
import { readFraming } from './framing.ts';
import { BODY_NONE, BODY_UNTIL_CLOSE, METHOD_HEAD } from './head.ts';
import type { HeadLimits, ResponseHead } from './head.ts';
import { VERSION_BYTES, parseVersion } from './version.ts';

/**
 * Parses one head in the bytes from `offset` to `end`. Returns the number of bytes it takes, 0 if more are needed, or an
 * `ERR_` code as soon as the bytes at hand are wrong; the rules of `parseRequestHead` hold. The reason phrase, which may
 * be missing together with the space before it, is the rest of the status line.
 */
export function parseResponseHead(
  bytes: Uint8Array,
  offset: number,
  end: number,
  limits: HeadLimits,
  head: ResponseHead,
): number {
  const isFull = end - offset >= limits.headBytes;
  const stop = isFull ? offset + limits.headBytes : end;
  head.start = offset;

  const line = parseStatusLine(bytes, offset, stop, head);
  if (line <= 0) return line < 0 ? line : isFull ? ERR_HEAD_TOO_LARGE : 0;
  head.fieldsStart = line;

  head.body = BODY_UNTIL_CLOSE;
  const after = parseFields(bytes, line, stop, limits.headers, head);
  if (after < 0) return after;
  const error = readFraming(bytes, head);
  if (error !== 0) return error;
  if (after === 0) return isFull ? ERR_HEAD_TOO_LARGE : 0;
  return after - offset;
}

/**
 * How the end of the body of this response is known (RFC 9112 section 6.3): BODY_NONE where the method or the status
 * leaves no room for a body, whatever the head says of its length. Not for a successful CONNECT, which is never passed on.
 */
export function responseBody(head: ResponseHead, requestMethod: number): number {
  const status = head.status;
  if (requestMethod === METHOD_HEAD || status < 200 || status === 204 || status === 304) return BODY_NONE;
  return head.body;
}

/** Returns the offset behind the line's LF, 0 or an error. */
function parseStatusLine(bytes: Uint8Array, offset: number, stop: number, head: ResponseHead): number {
  const version = parseVersion(bytes, offset, stop);
  if (version <= 0) return version;
  head.version = version;
  let i = offset + VERSION_BYTES;
  if (i >= stop) return 0;
  if (bytes[i] !== SP) return ERR_STATUS_LINE;
  i++;

  let status = 0;
  const statusEnd = i + 3;
  for (; i < statusEnd; i++) {
    if (i >= stop) return 0;
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return ERR_STATUS_LINE;
    status = status * 10 + digit;
  }
  if (status < 100 || status > 599) return ERR_STATUS_LINE;
  head.status = status;

  if (i >= stop) return 0;
  if (bytes[i] === SP) {
    while (i < stop && VALUE_CLASS[bytes[i]] !== 0) i++;
    if (i >= stop) return 0;
  }
  if (bytes[i] !== CR) return bytes[i] === LF ? ERR_LINE_END : ERR_STATUS_LINE;
  if (i + 1 >= stop) return 0;
  return bytes[i + 1] === LF ? i + 2 : ERR_LINE_END;
}
