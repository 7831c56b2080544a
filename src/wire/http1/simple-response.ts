/** Responses the proxy makes itself: errors, redirects, fixed answers. And the reason phrases of RFC 9110 section 15. */
import { ascii } from './classes.ts';
import { emitBytes, emitCrlf, emitDecimal, emitFragment } from './emit.ts';

const REASONS: readonly (readonly [status: number, reason: string])[] = [
  [100, 'Continue'],
  [101, 'Switching Protocols'],
  [200, 'OK'],
  [201, 'Created'],
  [202, 'Accepted'],
  [203, 'Non-Authoritative Information'],
  [204, 'No Content'],
  [205, 'Reset Content'],
  [206, 'Partial Content'],
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [304, 'Not Modified'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [411, 'Length Required'],
  [412, 'Precondition Failed'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [415, 'Unsupported Media Type'],
  [416, 'Range Not Satisfiable'],
  [417, 'Expectation Failed'],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Content'],
  [426, 'Upgrade Required'],
  [428, 'Precondition Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [451, 'Unavailable For Legal Reasons'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
];

const NO_REASON = new Uint8Array(0);
const REASON_OF: Uint8Array[] = Array.from({ length: 600 }, () => NO_REASON);
for (const [status, reason] of REASONS) REASON_OF[status] = ascii(reason);

const VERSION = ascii('HTTP/1.1 ');
const DATE = ascii('\r\nDate: ');
const CONTENT_TYPE = ascii('Content-Type: ');
const CONTENT_LENGTH = ascii('Content-Length: ');
const CONNECTION_CLOSE = ascii('Connection: close\r\n');

/** `emitSimpleResponse` writes at most this much beyond its fields, content type, date and body. */
export const SIMPLE_RESPONSE_BYTES_MAX = 160;

/** The reason phrase of a status of 100 to 599; empty if it has none. */
export function reasonOf(status: number): Uint8Array {
  return REASON_OF[status];
}

/** `HTTP/1.1 404 Not Found` without CR LF. */
export function emitStatusLine(out: Uint8Array, at: number, status: number): number {
  let i = emitFragment(out, at, VERSION);
  i = emitDecimal(out, i, status);
  out[i] = 0x20;
  return emitFragment(out, i + 1, REASON_OF[status]);
}

/**
 * Writes a whole response. `fields` are further field lines, each with its CR LF, or empty; `contentType` may be empty;
 * `date` is an IMF-fixdate. The answer to HEAD has the length but not the body; 204 and 304 have neither. Statuses below
 * 200 are not for this.
 */
export function emitSimpleResponse(
  out: Uint8Array,
  at: number,
  status: number,
  fields: Uint8Array,
  contentType: Uint8Array,
  body: Uint8Array,
  isHead: boolean,
  isLast: boolean,
  date: Uint8Array,
): number {
  let i = emitStatusLine(out, at, status);
  i = emitFragment(out, i, DATE);
  i = emitFragment(out, i, date);
  i = emitCrlf(out, i);
  i = emitBytes(out, i, fields, 0, fields.length);
  const hasBody = status !== 204 && status !== 304;
  if (hasBody) {
    if (contentType.length > 0) {
      i = emitFragment(out, i, CONTENT_TYPE);
      i = emitFragment(out, i, contentType);
      i = emitCrlf(out, i);
    }
    i = emitFragment(out, i, CONTENT_LENGTH);
    i = emitDecimal(out, i, body.length);
    i = emitCrlf(out, i);
  }
  if (isLast) i = emitFragment(out, i, CONNECTION_CLOSE);
  i = emitCrlf(out, i);
  return hasBody && !isHead ? emitBytes(out, i, body, 0, body.length) : i;
}
