/**
 * What a connection sends, in the order of its frames. Small frames of one turn, of whatever stream, are put together, so that they leave with
 * one operation and in one record of TLS; a larger part of a body leaves from where it was received, its frame's header in front of it.
 *
 *   filling      `slot`: frames that nothing has been sent of
 *   waiting      segments for which the socket has no room: it has so many as `segmentsEnough` says, and gets no more
 */
import { assert } from '../../base/assert.ts';
import type { Socket } from '../../port/transport.ts';
import { FLAG_END_STREAM, FRAME_DATA, FRAME_HEADER_BYTES } from '../../wire/http2/frame.ts';
import { emitFrameHeader } from '../../wire/http2/frame-writer.ts';
import type { Context } from '../context.ts';

/** A part of a body that is not larger is copied: an operation of its own costs more. */
const COPY_BYTES_MAX = 4096;

/** So many segments that wait are more than a peer in order needs. */
const CLOGGED_SEGMENTS = 8;

export class Output {
  private readonly context: Context;
  private readonly socket: Socket;
  private slot = -1;
  private start = 0;
  private at = 0;
  private end = 0;
  /** Slot, offset and length of each; those before `waitingAt` have gone. */
  private readonly waiting: number[] = [];
  private waitingAt = 0;
  /** Where the flags of the frame stand that was written last, if nothing of it has left. -1: it has. */
  private lastFlags = -1;
  private lastStream = 0;
  private isLater = false;
  /** Whoever has set it calls `flush`. */
  isHeld = false;

  constructor(context: Context, socket: Socket) {
    this.context = context;
    this.socket = socket;
  }

  /** There is enough for now: no more than what has to be said. */
  get isFull(): boolean {
    return this.socket.pendingSegments + this.waitingCount >= this.context.segmentsEnough;
  }

  /** Nothing is here that has not left. */
  get isEmpty(): boolean {
    return this.slot < 0 && this.waitingCount === 0 && this.socket.pendingSegments === 0;
  }

  /** Very much waits. */
  get isClogged(): boolean {
    return this.waitingCount >= CLOGGED_SEGMENTS;
  }

  get keepsScarce(): boolean {
    const { arena } = this.context;
    if (this.slot >= 0 && arena.isScarce(this.slot)) return true;
    for (let i = this.waitingAt; i < this.waiting.length; i += 3) if (arena.isScarce(this.waiting[i])) return true;
    return false;
  }

  private get waitingCount(): number {
    return (this.waiting.length - this.waitingAt) / 3;
  }

  // --- frames ---

  /** Where `bytes` bytes may be written, behind what was. -1: no slot is free. `commit` follows. */
  reserve(bytes: number): number {
    if (this.slot >= 0 && this.end - this.at >= bytes) return this.at;
    const { arena } = this.context;
    let slot = arena.allocateLarge();
    if (slot >= 0 && arena.capacity(slot) < bytes) {
      arena.release(slot);
      slot = -1;
    }
    if (slot < 0) slot = arena.allocate(bytes);
    if (slot < 0) return -1;
    this.seal();
    this.slot = slot;
    this.start = this.at = arena.start(slot);
    this.end = arena.end(slot);
    return this.at;
  }

  /** What was reserved is written, up to here. */
  commit(end: number): void {
    assert(end <= this.end, 'a frame is longer than the room that was reserved for it');
    this.at = end;
    this.lastFlags = -1;
    this.schedule();
  }

  /** The frame that begins here, and was just committed, is the stream's last so far. */
  noteFrame(at: number, streamId: number): void {
    this.lastFlags = at + 4;
    this.lastStream = streamId;
  }

  /**
   * A DATA frame for a stream, of at most the peer's frame size; takes the reference of the slot. False: no slot was free, and nothing is
   * taken.
   */
  sendData(slot: number, offset: number, length: number, streamId: number, endsStream: boolean): boolean {
    const { arena, memory } = this.context;
    const flags = endsStream ? FLAG_END_STREAM : 0;
    const filled = this.slot < 0 ? 0 : this.at - this.start;
    const before = FRAME_HEADER_BYTES + filled;
    if (length <= COPY_BYTES_MAX) {
      const at = this.reserve(FRAME_HEADER_BYTES + length);
      if (at < 0) return false;
      const behind = emitFrameHeader(memory, at, length, FRAME_DATA, flags, streamId);
      memory.copyWithin(behind, offset, offset + length);
      arena.release(slot);
      this.commit(behind + length);
      this.noteFrame(at, streamId);
      return true;
    }
    let header = offset - FRAME_HEADER_BYTES;
    if (arena.isLarge(slot) && !arena.isShared(slot) && offset - arena.start(slot) >= before) {
      memory.copyWithin(offset - before, this.start, this.start + filled);
      this.drop();
      this.push(slot, offset - before, before + length);
    } else {
      header = this.reserve(FRAME_HEADER_BYTES);
      if (header < 0) return false;
      this.commit(header + FRAME_HEADER_BYTES);
      this.seal();
      this.push(slot, offset, length);
    }
    emitFrameHeader(memory, header, length, FRAME_DATA, flags, streamId);
    this.noteFrame(header, streamId);
    this.schedule();
    return true;
  }

  /** The stream's side is complete. False: no slot was free for saying so. */
  endStream(streamId: number): boolean {
    const { memory } = this.context;
    if (this.lastFlags >= 0 && this.lastStream === streamId) {
      memory[this.lastFlags] |= FLAG_END_STREAM;
      return true;
    }
    const at = this.reserve(FRAME_HEADER_BYTES);
    if (at < 0) return false;
    this.commit(emitFrameHeader(memory, at, 0, FRAME_DATA, FLAG_END_STREAM, streamId));
    return true;
  }

  // --- segments ---

  private push(slot: number, offset: number, length: number): void {
    this.waiting.push(slot, offset, length);
  }

  /** What is being filled waits for the socket. */
  private seal(): void {
    const { slot } = this;
    this.slot = -1;
    if (slot < 0) return;
    if (this.at > this.start) this.push(slot, this.start, this.at - this.start);
    else this.context.arena.release(slot);
  }

  /** What is being filled stands elsewhere. */
  private drop(): void {
    if (this.slot >= 0) this.context.arena.release(this.slot);
    this.slot = -1;
  }

  private schedule(): void {
    if (this.isHeld || this.isLater) return;
    this.isLater = true;
    this.context.later.add(this);
  }

  /** The turn is over. */
  handleLater(): void {
    this.isLater = false;
    this.flush();
  }

  /** Hands to the socket what it takes. */
  flush(): void {
    const { context, socket, waiting } = this;
    if (this.slot < 0 && waiting.length === 0) return;
    this.lastFlags = -1;
    let room = context.segmentsEnough - socket.pendingSegments;
    if (this.waitingCount < room) this.seal();
    while (room > 0 && this.waitingAt < waiting.length) {
      const at = this.waitingAt;
      this.waitingAt += 3;
      room--;
      const more = room > 0 && this.waitingAt < waiting.length;
      socket.send(waiting[at], waiting[at + 1], waiting[at + 2], more);
    }
    if (this.waitingAt < waiting.length) return;
    waiting.length = this.waitingAt = 0;
  }

  /** Whatever has not left never will. */
  clear(): void {
    const { arena } = this.context;
    this.drop();
    for (let i = this.waitingAt; i < this.waiting.length; i += 3) arena.release(this.waiting[i]);
    this.waiting.length = this.waitingAt = 0;
    this.lastFlags = -1;
  }
}
