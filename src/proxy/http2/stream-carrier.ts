/** A connection to a server, as a stream on it has it. */
import type { StreamState } from '../../core/http2/stream-state.ts';
import type { ToServer } from '../../core/http2/to-server.ts';
import type { Context } from '../context.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { BlockWriter } from './block-writer.ts';
import type { Output } from './output.ts';

export interface StreamCarrier<Stream> {
  readonly context: Context;
  readonly server: Server;
  readonly upstream: Upstream;
  readonly machine: ToServer<Stream>;
  readonly output: Output;
  readonly blocks: BlockWriter;
  readonly isTls: boolean;
  readonly receivedBytes: number;
  readonly acknowledgedBytes: number;
  remoteAddress(into: Uint8Array, at: number): number;
  localAddress(into: Uint8Array, at: number): number;

  /** The HEADERS of this stream are the next. */
  openStream(stream: Stream): StreamState<Stream>;
  /** Both sides of it have ended. */
  closeStream(state: StreamState<Stream>): void;
  /** It is given up. `code`: why, as RST_STREAM says it. */
  resetStream(state: StreamState<Stream>, code: number): void;
  /** So much of a body was taken, or dropped. */
  take(state: StreamState<Stream>, bytes: number): void;
  /** It has more to send than the server takes. */
  block(stream: Stream): void;
  unblock(stream: Stream): void;
  /** A stream has had no answer in time. `receivedBefore`: what the connection had received when the stream began. */
  noteSilence(receivedBefore: number): void;
  /** It does not wait any more. */
  leaveQueue(stream: Stream): void;
}
