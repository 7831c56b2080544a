/**
 * What a peer does on a connection that its frames alone do not show to be wrong: it breaks the rules of streams and windows, or asks for
 * more than it may cost. A closed list; names are stable: logs use them.
 */
import { ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from '../../wire/http2/error-codes.ts';
import type { Fault } from '../../wire/http2/faults.ts';

export interface Violation extends Pick<Fault, 'name' | 'code' | 'text'> {
  /** It costs more than any peer needs: an attack, or as bad. */
  readonly isFlood: boolean;
}

function broken(name: string, code: number, text: string): Violation {
  return { name, code, text, isFlood: false };
}

function flood(name: string, text: string): Violation {
  return { name, code: ENHANCE_YOUR_CALM, text, isFlood: true };
}

export const STREAM_ID = broken('stream-id', PROTOCOL_ERROR, 'A stream has a number that the peer may not give it.');
export const IDLE_STREAM = broken('idle-stream', PROTOCOL_ERROR, 'A frame is for a stream that has not begun.');
export const ENDED_STREAM = broken('ended-stream', STREAM_CLOSED, 'A header block is for a stream that has ended.');
export const GOAWAY_RAISED = broken(
  'goaway-raised',
  PROTOCOL_ERROR,
  'A GOAWAY names a later stream than the one before.',
);
export const WINDOW_EXCEEDED = broken('window', FLOW_CONTROL_ERROR, 'It sends more than the window of the connection.');
export const WINDOW_OVERFLOW = broken('window-overflow', FLOW_CONTROL_ERROR, 'A window grows beyond 2^31-1.');

export const RESET_FLOOD = flood('resets', 'Too many streams end with a reset.');
export const IDLE_FLOOD = flood('idle-frames', 'Too many frames carry nothing of a message.');
export const CONTINUATION_FLOOD = flood('continuations', 'A header block comes in too many frames.');
export const BLOCK_FLOOD = flood('header-block', 'A header block is longer than a head may be.');
export const OVERHEAD_FLOOD = flood('overhead', 'Frames carry too little.');
