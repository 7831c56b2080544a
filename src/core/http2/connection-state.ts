/**
 * A connection of HTTP/2 (RFC 9113), without a socket: which streams there are, what may be sent and received, and what the peer may cost.
 * It gets what a FrameReader has read and says what is to be done about it. Who begins streams, and what a header block is, is the matter of
 * the two kinds: from a client (from-client.ts) and to a server (to-server.ts).
 *
 * Contract: each `handle...` returns a verdict. Behind RESET the caller sends RST_STREAM with `code`, and gives up what it has of the
 * stream; behind ENDED it sends GOAWAY with `violation` and hears nothing more.
 */
import { assert } from '../../base/assert.ts';
import { FLOW_CONTROL_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from '../../wire/http2/error-codes.ts';
import { faultOf } from '../../wire/http2/faults.ts';
import { FRAME_HEADER_BYTES, INT31_MAX } from '../../wire/http2/frame.ts';
import { INITIAL_WINDOW_BYTES, PeerSettings, SETTING_INITIAL_WINDOW_SIZE } from '../../wire/http2/settings.ts';
import { Allowance } from './allowance.ts';
import {
  CONNECTION_WINDOW_BYTES,
  EMPTY_FRAME_COST,
  HELD_BYTES_FREE,
  IDLE_FRAMES_AT_ONCE,
  IDLE_FRAMES_PER_SECOND,
  OVERHEAD_BYTES_FREE,
  OVERHEAD_RATIO,
  RESETS_AT_ONCE,
  RESETS_PER_SECOND,
  SETTINGS_COST,
  WINDOW_FRAMES_PER_DATA,
} from './bounds.ts';
import type { StreamState } from './stream-state.ts';
import {
  ENDED_STREAM,
  IDLE_FLOOD,
  IDLE_STREAM,
  OVERHEAD_FLOOD,
  RESET_FLOOD,
  STREAM_ID,
  type Violation,
  WINDOW_EXCEEDED,
  WINDOW_OVERFLOW,
} from './violations.ts';

/** It is as it should be; `stream` is the frame's, where it has one. */
export const TAKEN = 0;
/** It is for nobody. */
export const IGNORED = 1;
/** The stream is to be reset with `code`. */
export const RESET = 2;
/** The connection is to end, for `violation`. */
export const ENDED = 3;
/** This header block is the head of `stream`'s message, or an interim one. */
export const HEAD = 4;
/** `stream` ends with this header block. */
export const TRAILERS = 5;
export type Verdict = 0 | 1 | 2 | 3 | 4 | 5;

/** Streams that have ended lately, and how: what was on its way is no mistake. More than there may be at the same time; a power of 2. */
const RECENT = 128;
const RECENT_MASK = RECENT - 1;

export abstract class ConnectionState<Owner> {
  readonly streams = new Map<number, StreamState<Owner>>();
  readonly peer = new PeerSettings();
  /** Of the verdict. */
  stream: StreamState<Owner> | null = null;
  code = 0;
  violation: Violation | null = null;
  /** The highest stream that has begun. */
  lastId = 0;
  /** What we may send in all. */
  sendWindow = INITIAL_WINDOW_BYTES;
  /** What the peer may still send in all. */
  private receiveWindow = CONNECTION_WINDOW_BYTES;
  /** Of bodies: what waits for the other side. */
  heldBytes = 0;
  /** No stream above this one is taken any more. */
  protected lastTaken = INT31_MAX;
  protected readonly resets: Allowance;
  protected readonly idleFrames: Allowance;
  /** So often the peer may say that it has room, for what it was sent: very many small frames may be on their way at a time. */
  private windowFramesEarned = 0;
  /** Of the peer's frames and of the DATA that it is sent, and of what they carry. */
  private totalBytes = 0;
  private carriedBytes = 0;
  /** `2 * id`, and 1 more where we have reset it. */
  protected readonly recent = new Uint32Array(RECENT);
  private recentAt = 0;

  private readonly isServer: boolean;

  /** `isServer`: the peer is one. */
  constructor(now: number, isServer: boolean) {
    this.isServer = isServer;
    this.resets = new Allowance(RESETS_AT_ONCE, RESETS_PER_SECOND, now);
    this.idleFrames = new Allowance(IDLE_FRAMES_AT_ONCE, IDLE_FRAMES_PER_SECOND, now);
  }

  /** What the peer is to be told at once that it may send besides. */
  static readonly firstIncrement = CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES;

  /** A header block is complete; it has to be decompressed whatever the verdict is, but for ENDED. `fault`: of the stream, or 0. */
  abstract handleBlock(id: number, endsStream: boolean, fault: number, now: number): Verdict;

  /** The stream's message ends with this block. */
  protected handleTrailers(stream: StreamState<Owner>, endsStream: boolean, fault: number, now: number): Verdict {
    if (stream.hasEnded) return this.reset(stream.id, STREAM_CLOSED, now);
    if (fault !== 0) return this.reset(stream.id, faultOf(fault).code, now);
    if (!endsStream) return this.reset(stream.id, PROTOCOL_ERROR, now);
    const verdict = this.endBody(stream, now);
    return verdict === TAKEN ? TRAILERS : verdict;
  }

  /** `id` is that of no stream, and not above the last one. */
  protected handleLateBlock(id: number): Verdict {
    const { recent } = this;
    for (let i = 0; i < RECENT; i++) {
      if (recent[i] === 2 * id + 1) return IGNORED;
      if (recent[i] === 2 * id) return this.end(ENDED_STREAM);
    }
    return this.end(STREAM_ID);
  }

  /** What the block of such a stream says is no message: it ends with a reset. */
  refuse(id: number, code: number, now: number): Verdict {
    return this.reset(id, code, now);
  }

  // --- bodies ---

  /** A DATA frame begins that is `length` bytes long, of which `contentBytes` are no padding. TAKEN: the stream's. */
  handleData(id: number, length: number, contentBytes: number, endsStream: boolean, now: number): Verdict {
    this.receiveWindow -= length;
    if (this.receiveWindow < 0) return this.end(WINDOW_EXCEEDED);
    if (contentBytes === 0 && !endsStream && !this.idleFrames.take(EMPTY_FRAME_COST, now)) return this.end(IDLE_FLOOD);
    const stream = this.streams.get(id);
    if (stream === undefined) return this.handleStrayData(id, now);
    if (stream.hasEnded) return this.reset(id, STREAM_CLOSED, now);
    if (!stream.hasHead) return this.reset(id, PROTOCOL_ERROR, now);
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) return this.reset(id, FLOW_CONTROL_ERROR, now);
    this.stream = stream;
    return TAKEN;
  }

  protected handleStrayData(id: number, now: number): Verdict {
    if (id > this.lastId) return id > this.lastTaken ? IGNORED : this.end(IDLE_STREAM);
    if (id > this.lastTaken) return IGNORED;
    for (let i = 0; i < RECENT; i++) if (this.recent[i] === 2 * id + 1) return IGNORED;
    return this.reset(id, STREAM_CLOSED, now);
  }

  /** So much of a body came in, which waits until it is taken. */
  noteContent(stream: StreamState<Owner>, bytes: number): void {
    stream.receivedBytes += bytes;
    stream.heldBytes += bytes;
    this.heldBytes += bytes;
  }

  /** The stream's body is complete. */
  endBody(stream: StreamState<Owner>, now: number): Verdict {
    const { expectedBytes, id, receivedBytes } = stream;
    if (expectedBytes >= 0 && receivedBytes !== expectedBytes) return this.reset(id, PROTOCOL_ERROR, now);
    stream.hasEnded = true;
    this.stream = stream;
    return TAKEN;
  }

  /** The body is longer than its head says. */
  isTooLong({ expectedBytes, receivedBytes }: StreamState<Owner>): boolean {
    return expectedBytes >= 0 && receivedBytes > expectedBytes;
  }

  /** So much of the stream's body was taken. As StreamState.take. */
  takeContent(stream: StreamState<Owner>, bytes: number, mayGrow: boolean): number {
    stream.heldBytes -= bytes;
    this.heldBytes -= bytes;
    assert(stream.heldBytes >= 0 && this.heldBytes >= 0, 'more of a body was taken than came in');
    return stream.take(bytes, mayGrow && stream.heldBytes === 0);
  }

  /**
   * By how much the peer is to be told that the connection's window grows; 0: not now. It does not wait until the other side has taken what
   * came, so that a stream of which nothing is taken holds up no other one, until very much waits.
   */
  takeIncrement(): number {
    const overdue = Math.max(0, this.heldBytes - HELD_BYTES_FREE);
    const increment = CONNECTION_WINDOW_BYTES - overdue - this.receiveWindow;
    if (increment * 2 < CONNECTION_WINDOW_BYTES) return 0;
    this.receiveWindow += increment;
    return increment;
  }

  // --- what is sent ---

  /** How much of a body may be sent on this stream now. */
  roomFor({ sendWindow }: StreamState<Owner>): number {
    return Math.max(0, Math.min(sendWindow, this.sendWindow));
  }

  noteSent(stream: StreamState<Owner>, bytes: number): void {
    stream.sendWindow -= bytes;
    this.sendWindow -= bytes;
    this.totalBytes += FRAME_HEADER_BYTES + bytes;
    this.carriedBytes += bytes;
    this.windowFramesEarned += WINDOW_FRAMES_PER_DATA;
  }

  /** WINDOW_UPDATE. TAKEN: what waits for it may go on. */
  handleWindow(id: number, increment: number, fault: number, now: number): Verdict {
    if (this.windowFramesEarned > 0) this.windowFramesEarned--;
    else if (!this.idleFrames.take(1, now)) return this.end(IDLE_FLOOD);
    this.stream = null;
    if (id === 0) {
      this.sendWindow += increment;
      return this.sendWindow > INT31_MAX ? this.end(WINDOW_OVERFLOW) : TAKEN;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) return id > this.lastId ? this.end(IDLE_STREAM) : IGNORED;
    if (fault !== 0) return this.reset(id, faultOf(fault).code, now);
    stream.sendWindow += increment;
    if (stream.sendWindow > INT31_MAX) return this.reset(id, FLOW_CONTROL_ERROR, now);
    this.stream = stream;
    return TAKEN;
  }

  // --- settings, and frames that are about no request ---

  /** Returns a FAULT_, which ends the connection, or 0. */
  handleSetting(id: number, value: number): number {
    const before = this.peer.initialWindowBytes;
    const fault = this.peer.apply(id, value, this.isServer);
    if (fault !== 0 || id !== SETTING_INITIAL_WINDOW_SIZE) return fault;
    for (const stream of this.streams.values()) stream.sendWindow += value - before;
    return 0;
  }

  /** A SETTINGS frame is complete, of so many settings. */
  handleSettingsEnd(count: number, now: number): Verdict {
    for (const stream of this.streams.values()) if (stream.sendWindow > INT31_MAX) return this.end(WINDOW_OVERFLOW);
    return this.idleFrames.take(SETTINGS_COST * (1 + count), now) ? TAKEN : this.end(IDLE_FLOOD);
  }

  /** PRIORITY says nothing here. If it is wrong its stream ends, and the connection where there is none: an idle one is not reset (section 6.4). */
  handlePriority(id: number, fault: number, now: number): Verdict {
    if (fault === 0) return this.handleIdleFrame(now);
    if (this.streams.has(id)) return this.reset(id, faultOf(fault).code, now);
    return this.end({ ...faultOf(fault), isFlood: false });
  }

  /** PING, a frame of an unknown type, an acknowledgement. */
  handleIdleFrame(now: number): Verdict {
    return this.idleFrames.take(1, now) ? TAKEN : this.end(IDLE_FLOOD);
  }

  /** GOAWAY: above `lastId` the peer has worked on nothing, which only says something of a server. */
  handleGoaway(_lastId: number, now: number): Verdict {
    return this.handleIdleFrame(now);
  }

  /** RST_STREAM. TAKEN: the stream is over. */
  handleReset(id: number, now: number): Verdict {
    if (id > this.lastId) return this.end(IDLE_STREAM);
    if (!this.resets.take(1, now)) return this.end(RESET_FLOOD);
    const stream = this.streams.get(id);
    if (stream === undefined) return IGNORED;
    // whoever has reset a stream has nothing of it on its way: what comes is a mistake
    this.forget(stream, false);
    this.stream = stream;
    return TAKEN;
  }

  /** A frame of that many bytes has come, of which it carries so many for a message. */
  noteFrame(bytes: number, carriedBytes: number): Verdict {
    this.totalBytes += FRAME_HEADER_BYTES + bytes;
    this.carriedBytes += carriedBytes;
    const isFlood = this.totalBytes / OVERHEAD_RATIO > this.carriedBytes + OVERHEAD_BYTES_FREE;
    return isFlood ? this.end(OVERHEAD_FLOOD) : TAKEN;
  }

  // --- ends ---

  /** Our side of the stream is complete. False: its peer's is not, and the stream is still there. */
  finish(stream: StreamState<Owner>): boolean {
    stream.isSent = true;
    if (stream.hasEnded) this.forget(stream, false);
    return stream.hasEnded;
  }

  /** We reset it. What the peer did is no reason for that. */
  abort(stream: StreamState<Owner>): void {
    this.forget(stream, true);
  }

  protected forget(stream: StreamState<Owner>, isReset: boolean): void {
    if (!this.streams.delete(stream.id)) return;
    this.heldBytes -= stream.heldBytes;
    stream.heldBytes = 0;
    this.recent[this.recentAt++ & RECENT_MASK] = 2 * stream.id + (isReset ? 1 : 0);
  }

  /** The peer has done something for which this stream is to be reset. */
  protected reset(id: number, code: number, now: number): Verdict {
    if (!this.resets.take(1, now)) return this.end(RESET_FLOOD);
    this.stream = this.streams.get(id) ?? null;
    if (this.stream !== null) this.forget(this.stream, true);
    else this.recent[this.recentAt++ & RECENT_MASK] = 2 * id + 1;
    this.code = code;
    return RESET;
  }

  protected end(violation: Violation): Verdict {
    this.violation = violation;
    return ENDED;
  }
}
