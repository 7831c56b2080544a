/**
 * What is wrong with bytes of an HTTP/2 peer: negative integers that reader, decoder and validator return, and one table that
 * explains them. The list is closed, and the names are stable: logs and metrics use them.
 */
import { COMPRESSION_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './error-codes.ts';

export const FAULT_PREFACE = -1;
export const FAULT_FIRST_FRAME = -2;
export const FAULT_FRAME_SIZE = -3;
export const FAULT_STREAM_ZERO = -4;
export const FAULT_STREAM_NOT_ZERO = -5;
export const FAULT_PADDING = -6;
export const FAULT_CONTINUATION = -7;
export const FAULT_PUSH_PROMISE = -8;
export const FAULT_SETTING_VALUE = -9;
export const FAULT_SETTING_WINDOW = -10;
export const FAULT_INCREMENT_ZERO = -11;
/** Of one stream: the connection goes on. */
export const FAULT_STREAM_INCREMENT_ZERO = -12;
export const FAULT_STREAM_PRIORITY_SIZE = -13;
export const FAULT_STREAM_DEPENDENCY = -14;

// Header blocks: the connection's table is not to be relied on any more.
export const FAULT_HPACK_INDEX = -15;
export const FAULT_HPACK_INTEGER = -16;
export const FAULT_HPACK_TRUNCATED = -17;
export const FAULT_HPACK_HUFFMAN = -18;
export const FAULT_HPACK_TABLE_SIZE = -19;
// Malformed messages (RFC 9113 section 8.1.1).
export const FAULT_STREAM_FIELD_NAME = -20;
export const FAULT_STREAM_FIELD_SPACE = -21;
export const FAULT_STREAM_FIELD_VALUE = -22;
export const FAULT_STREAM_CONNECTION_FIELD = -23;
export const FAULT_STREAM_PSEUDO_FIELD = -24;
export const FAULT_STREAM_PSEUDO_ORDER = -25;
export const FAULT_STREAM_PSEUDO_REPEATED = -26;
export const FAULT_STREAM_PSEUDO_MISSING = -27;
export const FAULT_STREAM_METHOD = -28;
export const FAULT_STREAM_SCHEME = -29;
export const FAULT_STREAM_AUTHORITY = -30;
export const FAULT_STREAM_HOST = -31;
export const FAULT_STREAM_PATH = -32;
export const FAULT_STREAM_STATUS = -33;
export const FAULT_STREAM_CONTENT_LENGTH = -34;
export const FAULT_STREAM_TRAILER_FIELD = -35;

export interface Fault {
  /** For logs and metrics; never changes. */
  readonly name: string;
  /** The error code to answer with. */
  readonly code: number;
  /** It ends one stream (RFC 9113 section 5.4.2); else the connection (section 5.4.1). */
  readonly isOfStream: boolean;
  /** One sentence for people. */
  readonly text: string;
}

function connection(name: string, code: number, text: string): Fault {
  return { name, code, isOfStream: false, text };
}

function stream(name: string, code: number, text: string): Fault {
  return { name, code, isOfStream: true, text };
}

/** Row `-fault - 1`. */
export const FAULTS: readonly Fault[] = [
  connection('preface', PROTOCOL_ERROR, 'The connection does not begin with the preface of HTTP/2.'),
  connection('first-frame', PROTOCOL_ERROR, 'The first frame is not SETTINGS.'),
  connection('frame-size', FRAME_SIZE_ERROR, 'A frame is longer than 16384 bytes, or not as long as its type demands.'),
  connection('stream-zero', PROTOCOL_ERROR, 'A frame that belongs to a stream has stream 0.'),
  connection('stream-not-zero', PROTOCOL_ERROR, 'A frame that belongs to the connection has a stream.'),
  connection('padding', PROTOCOL_ERROR, 'The padding of a frame is longer than the frame.'),
  connection(
    'continuation',
    PROTOCOL_ERROR,
    'A header block is interrupted by another frame, or continued where none began.',
  ),
  connection('push-promise', PROTOCOL_ERROR, 'PUSH_PROMISE was sent, which is never allowed here.'),
  connection('setting-value', PROTOCOL_ERROR, 'A setting has a value that is not allowed.'),
  connection('setting-window', FLOW_CONTROL_ERROR, 'SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1.'),
  connection('increment-zero', PROTOCOL_ERROR, 'The window of the connection is to grow by 0.'),
  stream('stream-increment-zero', PROTOCOL_ERROR, 'The window of a stream is to grow by 0.'),
  stream('stream-priority-size', FRAME_SIZE_ERROR, 'A PRIORITY frame is not 5 bytes long.'),
  stream('stream-dependency', PROTOCOL_ERROR, 'A stream depends on itself.'),
  connection('hpack-index', COMPRESSION_ERROR, 'A header block refers to a field that no table has.'),
  connection('hpack-integer', COMPRESSION_ERROR, 'A header block has an integer above 2^32-1.'),
  connection('hpack-truncated', COMPRESSION_ERROR, 'A header block ends in the middle of a field.'),
  connection('hpack-huffman', COMPRESSION_ERROR, 'A string in the Huffman code has EOS, or an end that is no padding.'),
  connection(
    'hpack-table-size',
    COMPRESSION_ERROR,
    'A header block makes the dynamic table larger than allowed, or changes its size behind a field.',
  ),
  stream('stream-field-name', PROTOCOL_ERROR, 'A field name is no token in lower case.'),
  stream('stream-field-space', PROTOCOL_ERROR, 'A field value begins or ends with whitespace.'),
  stream('stream-field-value', PROTOCOL_ERROR, 'A field value has a control byte.'),
  stream(
    'stream-connection-field',
    PROTOCOL_ERROR,
    'There is a field that only concerns a connection of HTTP/1, or TE with something else than trailers.',
  ),
  stream('stream-pseudo-field', PROTOCOL_ERROR, 'There is a pseudo-field that is not of this kind of message.'),
  stream('stream-pseudo-order', PROTOCOL_ERROR, 'A pseudo-field is behind another field.'),
  stream('stream-pseudo-repeated', PROTOCOL_ERROR, 'A pseudo-field is repeated.'),
  stream('stream-pseudo-missing', PROTOCOL_ERROR, 'A pseudo-field is missing.'),
  stream('stream-method', PROTOCOL_ERROR, 'The method is no token without small letters.'),
  stream('stream-scheme', PROTOCOL_ERROR, 'The scheme is neither http nor https.'),
  stream(
    'stream-authority',
    PROTOCOL_ERROR,
    'The authority is missing, or is not a name or address with an optional port.',
  ),
  stream('stream-host', PROTOCOL_ERROR, 'The Host field is repeated, or differs from the authority.'),
  stream(
    'stream-path',
    PROTOCOL_ERROR,
    'The path is not an absolute path of visible ASCII without fragment, or * for OPTIONS.',
  ),
  stream('stream-status', PROTOCOL_ERROR, 'The status is not a number of 100 to 599.'),
  stream(
    'stream-content-length',
    PROTOCOL_ERROR,
    'Content-Length is repeated, is no decimal number below 2^53, or differs from the length of the content.',
  ),
  stream('stream-trailer-field', PROTOCOL_ERROR, 'The trailer section has a field that is only allowed in the head.'),
];

/** The row of a `FAULT_` code. */
export function faultOf(code: number): Fault {
  return FAULTS[-code - 1];
}
