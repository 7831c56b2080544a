/**
 * A connection to a server: we begin streams, as many as it takes at a time, and it says of each what becomes of the request.
 *
 *   open -> leaving (its GOAWAY, or the last number is used up: no stream begins any more) -> no stream left: over
 */
import { assert } from '../../base/assert.ts';
import { PROTOCOL_ERROR, STREAM_CLOSED } from '../../wire/http2/error-codes.ts';
import { faultOf } from '../../wire/http2/faults.ts';
import { INT31_MAX } from '../../wire/http2/frame.ts';
import { SERVER_STREAMS_MAX } from './bounds.ts';
import { ConnectionState, HEAD, IGNORED, TAKEN, type Verdict } from './connection-state.ts';
import { StreamState } from './stream-state.ts';
import { ENDED_STREAM, GOAWAY_RAISED, IDLE_FLOOD, IDLE_STREAM, RESET_FLOOD, STREAM_ID } from './violations.ts';

export class ToServer<Owner> extends ConnectionState<Owner> {
  /** The server has told us to go, or there are no numbers left. */
  isLeaving = false;
  /** By its GOAWAY: of those above it has worked on none. */
  lastServed = INT31_MAX;

  constructor(now: number) {
    super(now, true);
  }

  /** Streams that it takes at a time. */
  get streamsMax(): number {
    return Math.min(SERVER_STREAMS_MAX, this.peer.concurrentStreams);
  }

  /** So many streams may begin now. */
  get room(): number {
    return this.isLeaving ? 0 : Math.max(0, this.streamsMax - this.streams.size);
  }

  /** A stream begins: the HEADERS with its number are the next ones that are sent. */
  open(): StreamState<Owner> {
    assert(this.room > 0, 'a stream begins that the server does not take');
    this.lastId += this.lastId === 0 ? 1 : 2;
    if (this.lastId >= INT31_MAX - 1) this.isLeaving = true;
    const stream = new StreamState<Owner>(this.lastId, false, this.peer.initialWindowBytes);
    stream.hasHead = false;
    this.streams.set(stream.id, stream);
    return stream;
  }

  /** HEAD: whoever reads it says whether it is the final one (`StreamState.hasHead`). With END_STREAM `endBody` follows, if it is one. */
  override handleBlock(id: number, endsStream: boolean, fault: number, now: number): Verdict {
    if ((id & 1) === 0) return this.end(STREAM_ID);
    const stream = this.streams.get(id);
    if (stream === undefined) return id > this.lastId ? this.end(IDLE_STREAM) : this.handleLateBlock(id);
    if (stream.hasHead) {
      this.stream = stream;
      return this.handleTrailers(stream, endsStream, fault, now);
    }
    if (stream.hasEnded) return this.reset(id, STREAM_CLOSED, now);
    if (fault !== 0) return this.reset(id, faultOf(fault).code, now);
    this.stream = stream;
    return HEAD;
  }

  /** What a server still sends of streams that we gave up long ago is no mistake, however many others have ended since. */
  protected override handleLateBlock(id: number): Verdict {
    return this.recent.includes(2 * id) ? this.end(ENDED_STREAM) : IGNORED;
  }

  protected override handleStrayData(id: number, now: number): Verdict {
    if (id > this.lastId) return this.end(IDLE_STREAM);
    return this.idleFrames.take(1, now) ? IGNORED : this.end(IDLE_FLOOD);
  }

  /** The head that was read is an interim one. TAKEN, unless the message would end with it. */
  noteInterim(stream: StreamState<Owner>, endsStream: boolean, now: number): Verdict {
    return endsStream ? this.reset(stream.id, PROTOCOL_ERROR, now) : TAKEN;
  }

  /** A server may reset what we have begun as often as it likes: that costs us a request each. */
  override handleReset(id: number, now: number): Verdict {
    if (id > this.lastId) return this.end(IDLE_STREAM);
    const stream = this.streams.get(id);
    if (stream === undefined) return this.resets.take(1, now) ? IGNORED : this.end(RESET_FLOOD);
    this.forget(stream, true);
    this.stream = stream;
    return TAKEN;
  }

  /** GOAWAY. TAKEN: no stream begins any more, and `refused` names those that it has not worked on. */
  override handleGoaway(lastId: number, now: number): Verdict {
    const verdict = this.handleIdleFrame(now);
    if (verdict !== TAKEN) return verdict;
    // section 6.8: it must not be raised, and INT31_MAX may be followed by any
    if (lastId > this.lastServed) return this.end(GOAWAY_RAISED);
    this.isLeaving = true;
    this.lastServed = lastId;
    return TAKEN;
  }

  /** Streams that the server will not work on, from the last one on. They are over. */
  takeRefused(): StreamState<Owner>[] {
    const refused = [...this.streams.values()].filter(({ id }) => id > this.lastServed);
    for (const stream of refused) this.forget(stream, true);
    return refused;
  }

  /** Both sides have ended: the stream is over. */
  close(stream: StreamState<Owner>): void {
    this.forget(stream, false);
  }
}
