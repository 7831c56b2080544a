/** A connection, for its streams. */
import type { ConnectionState } from '../../core/http2/connection-state.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import type { Admission } from '../http/admission.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import type { Peer } from '../http/peer.ts';
import type { HttpService } from '../http/service.ts';
import type { BlockWriter } from './block-writer.ts';
import type { Output } from './output.ts';
import type { Stream } from './stream.ts';

export interface StreamOwner {
  readonly service: HttpService;
  readonly emitters: ClientEmitters;
  readonly admission: Admission;
  readonly peer: Peer;
  readonly machine: ConnectionState<Stream>;
  readonly output: Output;
  readonly blocks: BlockWriter;

  /** So much of a body was taken, or dropped. */
  take(state: StreamState<Stream>, bytes: number): void;
  /** It has more to send than the client takes. */
  block(stream: Stream): void;
  unblock(stream: Stream): void;
  /** Its response has been sent. */
  finish(stream: Stream): void;
  /** It is given up. `code`: why, as RST_STREAM says it. */
  reset(stream: Stream, code: number): void;
  localAddress(into: Uint8Array, at: number): number;
}
