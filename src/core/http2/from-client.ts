/**
 * The connection of a client: it begins streams, and what we say of each is its end.
 *
 *   open -> leaving (GOAWAY that names no stream) -> left (GOAWAY with the last one) -> no stream left: over
 */
import { REFUSED_STREAM } from '../../wire/http2/error-codes.ts';
import { faultOf } from '../../wire/http2/faults.ts';
import { STREAMS_MAX } from './bounds.ts';
import { ConnectionState, HEAD, IGNORED, type Verdict } from './connection-state.ts';
import { StreamState } from './stream-state.ts';
import { STREAM_ID } from './violations.ts';

export class FromClient<Owner> extends ConnectionState<Owner> {
  constructor(now: number) {
    super(now, false);
  }

  override handleBlock(id: number, endsStream: boolean, fault: number, now: number): Verdict {
    if ((id & 1) === 0) return this.end(STREAM_ID);
    const known = this.streams.get(id);
    if (known !== undefined) return this.handleTrailers(known, endsStream, fault, now);
    if (id <= this.lastId) return this.handleLateBlock(id);
    this.lastId = id;
    if (id > this.lastTaken) return IGNORED;
    if (fault !== 0) return this.reset(id, faultOf(fault).code, now);
    if (this.streams.size >= STREAMS_MAX) return this.reset(id, REFUSED_STREAM, now);
    const stream = new StreamState<Owner>(id, endsStream, this.peer.initialWindowBytes);
    this.streams.set(id, stream);
    this.stream = stream;
    return HEAD;
  }

  /** No stream that begins from now on is taken. The last one that is, for GOAWAY. */
  leave(): number {
    this.lastTaken = Math.min(this.lastTaken, this.lastId);
    return this.lastTaken;
  }
}
