/**
 * What is wrong with bytes of an HTTP/2 peer: negative integers that reader, decoder and validator return, and one table that
 * explains them. The list is closed, and the names are stable: logs and metrics use them.
 */
import { FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './error-codes.ts';

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
];

/** The row of a `FAULT_` code. */
export function faultOf(code: number): Fault {
  return FAULTS[-code - 1];
}
