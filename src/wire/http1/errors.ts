/**
 * Why a message is refused: negative integers that the parsers return, and one table that explains them.
 *
 * The list is closed. Names are stable: logs, metrics and documentation use them. Adding a code adds a row here and in
 * docs/http.md; a test compares the two.
 */

export const ERR_LINE_END = -1;
export const ERR_METHOD = -2;
export const ERR_REQUEST_LINE = -3;
export const ERR_TARGET = -4;
export const ERR_TARGET_FORM = -5;
export const ERR_REQUEST_LINE_TOO_LONG = -6;
export const ERR_VERSION = -7;
export const ERR_VERSION_UNSUPPORTED = -8;
export const ERR_CONNECT = -9;
export const ERR_STATUS_LINE = -10;
export const ERR_HEAD_TOO_LARGE = -11;
export const ERR_TOO_MANY_FIELDS = -12;
export const ERR_FIELD_NAME = -13;
export const ERR_FIELD_SPACE = -14;
export const ERR_FIELD_VALUE = -15;
export const ERR_FIELD_FOLDED = -16;
export const ERR_HOST_MISSING = -17;
export const ERR_HOST_REPEATED = -18;
export const ERR_HOST_INVALID = -19;
export const ERR_HOST_MISMATCH = -20;
export const ERR_CONTENT_LENGTH = -21;
export const ERR_CONTENT_LENGTH_REPEATED = -22;
export const ERR_LENGTH_CONFLICT = -23;
export const ERR_TRANSFER_ENCODING = -24;
export const ERR_TRANSFER_ENCODING_REPEATED = -25;
export const ERR_TRANSFER_ENCODING_UNKNOWN = -26;
export const ERR_TRANSFER_ENCODING_VERSION = -27;
export const ERR_CONNECTION = -28;
export const ERR_CONNECTION_NOMINATES = -29;
export const ERR_CHUNK_SIZE = -30;
export const ERR_CHUNK_EXTENSION = -31;
export const ERR_CHUNK_LINE_TOO_LONG = -32;
export const ERR_CHUNK_END = -33;
export const ERR_TRAILER_TOO_LARGE = -34;
export const ERR_TRAILER_FIELD = -35;
export const ERR_FIELD_LOOKALIKE = -36;
export const ERR_CONNECTION_TOO_LONG = -37;

export interface HttpError {
  /** For logs and metrics; never changes. */
  readonly name: string;
  /** The answer to a request that is refused for this. A response refused for anything is answered with 502. */
  readonly status: number;
  /** One sentence for people. */
  readonly text: string;
}

function row(name: string, status: number, text: string): HttpError {
  return { name, status, text };
}

/** Row `-code`; row 0 is no error. */
const ERRORS: readonly HttpError[] = [
  row('none', 200, 'No error.'),
  row('line-end', 400, 'A line does not end with CR LF: a CR or LF stands alone.'),
  row('method', 400, 'The request does not begin with a method, which is a token without small letters.'),
  row('request-line', 400, 'The request line is not method, one space, target, one space, version.'),
  row('target', 400, 'The request target has a byte that is not visible ASCII, or a fragment.'),
  row(
    'target-form',
    400,
    'The request target is not an absolute path, an http or https URI with a path, or * for OPTIONS.',
  ),
  row('request-line-too-long', 414, 'The request line is longer than the head may be.'),
  row('version', 400, 'The version is not of the form HTTP/1.1.'),
  row('version-unsupported', 505, 'The major version of HTTP is not 1.'),
  row('connect', 501, 'CONNECT is not passed on.'),
  row('status-line', 502, 'The status line is not version, one space, a status of 100 to 599, and a reason.'),
  row('head-too-large', 431, 'The head is longer than allowed.'),
  row('too-many-fields', 431, 'The head has more fields than allowed.'),
  row('field-name', 400, 'A field name is not a token followed by a colon.'),
  row('field-space', 400, 'There is whitespace between a field name and its colon, or before the first field.'),
  row('field-value', 400, 'A field value has a control byte.'),
  row('field-folded', 400, 'A field is continued on a second line.'),
  row('host-missing', 400, 'An HTTP/1.1 request has no Host field.'),
  row('host-repeated', 400, 'There is more than one Host field.'),
  row('host-invalid', 400, 'The host is not a name or address with an optional port.'),
  row('host-mismatch', 400, 'The Host field differs from the host in the request target.'),
  row('content-length', 400, 'Content-Length is not one decimal number below 2^53.'),
  row('content-length-repeated', 400, 'There is more than one Content-Length field.'),
  row('length-conflict', 400, 'There are both Content-Length and Transfer-Encoding.'),
  row('transfer-encoding', 400, 'Transfer-Encoding is malformed, or does not end with chunked.'),
  row('transfer-encoding-repeated', 400, 'There is more than one Transfer-Encoding field.'),
  row('transfer-encoding-unknown', 501, 'A transfer coding other than chunked is used.'),
  row('transfer-encoding-version', 400, 'Transfer-Encoding is used in HTTP/1.0.'),
  row('connection', 400, 'The Connection field is not a list of tokens.'),
  row('connection-nominates', 400, 'The Connection field names a field that is not for this connection only.'),
  row('chunk-size', 400, 'A chunk size is not 1 to 16 hexadecimal digits for a number below 2^53.'),
  row('chunk-extension', 400, 'A chunk extension is malformed.'),
  row('chunk-line-too-long', 400, 'The line of a chunk size and its extensions is longer than allowed.'),
  row('chunk-end', 400, 'The data of a chunk is not followed by CR LF.'),
  row('trailer-too-large', 431, 'The trailer section is longer than allowed.'),
  row('trailer-field', 400, 'The trailer section has a field that is only allowed in the head.'),
  row(
    'field-lookalike',
    400,
    'A field for framing or forwarding, or one that a route asks for, is spelt with other characters than its hyphens.',
  ),
  row('connection-too-long', 400, 'The Connection field names more than 32 other fields.'),
];

/** Row `-code - 1`. */
export const HTTP_ERRORS: readonly HttpError[] = ERRORS.slice(1);

/** The row of an `ERR_` code. */
export function httpError(code: number): HttpError {
  return ERRORS[-code];
}
