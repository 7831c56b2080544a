/**
 * What of a response a stream sends. A head waits in the scratch slot, as lines, until it is known what follows it. A part of a body for which the
 * client has no window yet waits here, one at most.
 */
import type { ConnectionState } from '../../core/http2/connection-state.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES } from '../../wire/http2/frame.ts';
import type { Context } from '../context.ts';
import type { BodySink } from '../http/sides.ts';
import type { BlockWriter } from './block-writer.ts';
import type { Output } from './output.ts';

const EMPTY_LINE_BYTES = 2;

/** Whose it is. */
export interface WriterUser {
  /** A part waits: `resume` has to follow when the peer takes more. */
  handleWaiting(): void;
}

export class StreamWriter<Owner> implements BodySink {
  readonly takesChunks = false;
  private readonly context: Context;
  private readonly machine: ConnectionState<Owner>;
  private readonly output: Output;
  private readonly blocks: BlockWriter;
  private readonly state: StreamState<Owner>;
  private readonly user: WriterUser;
  /** Of the lines at the start of the scratch slot that wait; 0: none do. */
  private headLength = 0;
  /** Nothing follows the head. */
  private isBare = false;
  /** Of a part that waits. -1: none does. */
  private slot = -1;
  private offset = 0;
  private length = 0;
  /** The end follows what waits. */
  private isEnding = false;
  /** The stream's end has been said. */
  isEnded = false;
  /** Handed to the connection so far, and of these, heads. */
  sentBytes = 0;
  headBytes = 0;

  constructor(
    context: Context,
    machine: ConnectionState<Owner>,
    output: Output,
    blocks: BlockWriter,
    state: StreamState<Owner>,
    user: WriterUser,
  ) {
    this.context = context;
    this.machine = machine;
    this.output = output;
    this.blocks = blocks;
    this.state = state;
    this.user = user;
  }

  get isFull(): boolean {
    return this.slot >= 0 || this.output.isFull;
  }

  /** A part waits for the peer. */
  get isWaiting(): boolean {
    return this.slot >= 0;
  }

  get keepsScarce(): boolean {
    return this.slot >= 0 && this.context.arena.isScarce(this.slot);
  }

  /**
   * A head waits whose lines, the status line first, are so long. `isBare`: nothing follows it. That a body is complete is for `finish` to say, whatever
   * its length: trailers may be behind it.
   */
  begin(headLength: number, isBare: boolean): void {
    this.headLength = headLength;
    this.isBare = isBare;
  }

  /** Sends a head of an interim response, whose lines stand there. */
  sendInterim(length: number): boolean {
    return this.sendBlock(length, false);
  }

  send(slot: number, offset: number, length: number): boolean {
    if (!this.flush()) return false;
    this.slot = slot;
    this.offset = offset;
    this.length = length;
    if (!this.resume()) this.user.handleWaiting();
    return true;
  }

  sendLast(slot: number, offset: number, length: number): boolean {
    this.isEnding = true;
    return this.send(slot, offset, length);
  }

  flush(): boolean {
    const { headLength, isBare } = this;
    if (headLength === 0) return true;
    this.headLength = 0;
    if (!this.sendBlock(headLength, isBare)) return false;
    if (isBare) this.isEnded = true;
    return true;
  }

  private sendBlock(length: number, endsStream: boolean): boolean {
    const { arena, scratchSlot } = this.context;
    const bytes = this.blocks.send(arena.start(scratchSlot), length, this.state.id, endsStream);
    if (bytes < 0) return false;
    this.sentBytes += bytes;
    this.headBytes += bytes;
    return true;
  }

  finish(): boolean {
    if (this.isEnded) return true;
    if (this.slot >= 0) {
      this.isEnding = true;
      return true;
    }
    this.isEnded = true;
    return this.output.endStream(this.state.id);
  }

  sendTrailers(offset: number, length: number): boolean {
    // nothing follows a response without a body
    if (length <= EMPTY_LINE_BYTES || this.isEnded) return true;
    const bytes = this.blocks.sendTrailers(offset, length, this.state.id);
    if (bytes < 0) return false;
    this.sentBytes += bytes;
    this.isEnded = true;
    return true;
  }

  /** Sends what waits, as far as the client has a window for it. False: some of it still waits. */
  resume(): boolean {
    while (this.slot >= 0 && this.step());
    return this.slot < 0;
  }

  private step(): boolean {
    const { arena } = this.context;
    const { machine, output, state } = this;
    const count = Math.min(this.length, machine.roomFor(state), FRAME_BYTES_MAX);
    if (count === 0) return false;
    const isLast = count === this.length;
    const endsStream = isLast && this.isEnding;
    if (!isLast) arena.retain(this.slot);
    if (!output.sendData(this.slot, this.offset, count, state.id, endsStream)) {
      if (!isLast) arena.release(this.slot);
      return false;
    }
    machine.noteSent(state, count);
    this.sentBytes += FRAME_HEADER_BYTES + count;
    this.offset += count;
    this.length -= count;
    if (isLast) this.slot = -1;
    if (endsStream) this.isEnded = true;
    return !isLast;
  }

  /** What waits is for nobody. */
  clear(): void {
    if (this.slot >= 0) this.context.arena.release(this.slot);
    this.slot = -1;
    this.headLength = 0;
  }
}
