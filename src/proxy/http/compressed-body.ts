/**
 * A response's body on its way through an encoder: takes content as it comes and hands on what it is encoded as, which is framed as something
 * whose end nobody knows. A segment is worked on slice by slice, the first one at once; as long as there is more of it, nothing is taken.
 *
 * What has come is handed on by the time that its server pauses: at the end of a segment that was not filled. A body whose length is known
 * ends soon enough.
 */
import { Arena } from '../../base/arena.ts';
import type { CodingName } from '../../config/plan/response.ts';
import { ENCODE_END, ENCODE_FLUSH, ENCODE_MORE, type Encoder, type EncodeStep } from '../../port/compression.ts';
import {
  type Compressors,
  type Slicing,
  type Waiting,
  WAITS_FOR_MEMORY,
  WAITS_FOR_OTHERS,
  WAITS_FOR_TURN,
} from './compressors.ts';
import type { BodySink } from './sides.ts';

export interface CompressedBodyOwner {
  /** The client has to take what it was sent before more is worked on: then `resume` is to be called. */
  handleClientFull(): void;
  /** More of the body can be taken, or all of it has been handed on. */
  handleWorkedOn(): void;
}

/** A body whose length nobody knows. */
export const UNTOLD = -1;
const NONE = -1;
/** A body that is as short as most is not worth a turn of its own. */
const SMALL_BYTES = 4096;
/** A segment that is longer came in the middle of more, without a pause of the server. */
const FILLED_BYTES = (3 * Arena.receiveBytes) >> 2;

export class CompressedBody implements BodySink, Slicing {
  /** Content alone is encoded. */
  readonly takesChunks = false;
  private readonly arena: Arena;
  private readonly compressors: Compressors;
  private readonly coding: CodingName;
  private readonly level: number;
  /** Null: not begun, or over. */
  private encoder: Encoder | null = null;
  private readonly sink: BodySink;
  private readonly owner: CompressedBodyOwner;
  /** By its head, what of the body has not come; or UNTOLD. */
  private leftBytes: number;
  /** The head waits in front of the first bytes. */
  private hasHead = true;
  /** The segment that is worked on. */
  private slot = NONE;
  private offset = 0;
  private length = 0;
  private pauses = false;
  /** What the encoder was told last, and that it has more to say to that. */
  private step: EncodeStep = ENCODE_MORE;
  private hasMore = false;
  /** Encoded, and not handed on because the client is full, or no slot was free for its frame. */
  private outSlot = NONE;
  private outLength = 0;
  /** No more of it comes. */
  private isEnding = false;
  private isEncoded = false;
  private isInRing = false;
  /** All of it has been handed on. */
  isDone = false;

  /** Of a body that has entered `compressors`. `bytes`: how long it is, or UNTOLD. */
  constructor(
    arena: Arena,
    compressors: Compressors,
    coding: CodingName,
    level: number,
    sink: BodySink,
    owner: CompressedBodyOwner,
    bytes: number,
  ) {
    this.arena = arena;
    this.compressors = compressors;
    this.coding = coding;
    this.level = level;
    this.sink = sink;
    this.owner = owner;
    this.leftBytes = bytes;
  }

  get isFull(): boolean {
    return this.hasWork || this.sink.isFull;
  }

  get keepsScarce(): boolean {
    const { arena, outSlot, slot } = this;
    return (slot >= 0 && arena.isScarce(slot)) || (outSlot >= 0 && arena.isScarce(outSlot));
  }

  /** Something is here that is not handed on yet, and need not wait for the server. */
  private get hasWork(): boolean {
    return this.slot >= 0 || this.outSlot >= 0 || this.hasMore || (this.isEnding && !this.isDone);
  }

  send(slot: number, offset: number, length: number): boolean {
    this.slot = slot;
    this.offset = offset;
    this.length = length;
    if (this.leftBytes !== UNTOLD) this.leftBytes -= length;
    if (this.leftBytes === 0) this.isEnding = true;
    this.pauses = this.leftBytes === UNTOLD && length < FILLED_BYTES;
    const isWell = this.encodeFirst() && (!this.hasHead || this.sink.flush());
    if (!isWell && this.hasHead) {
      this.slot = NONE;
      return false;
    }
    this.hasHead = false;
    this.settle();
    return true;
  }

  sendLast(slot: number, offset: number, length: number): boolean {
    this.isEnding = true;
    return this.send(slot, offset, length);
  }

  flush(): boolean {
    if (!this.sink.flush()) return false;
    this.hasHead = false;
    return true;
  }

  /** Nobody was told that there would be any (core/compress/rule.ts), and they may be left out (RFC 9110 section 6.5.1). */
  sendTrailers(): boolean {
    return true;
  }

  finish(): boolean {
    this.isEnding = true;
    if (!this.isInRing && !this.isDone) {
      this.encodeSlice();
      this.settle();
    }
    return true;
  }

  /** The client takes more. False: it is the server's turn. */
  resume(): boolean {
    if (!this.hasWork) return false;
    this.wait();
    return true;
  }

  workOn(): Waiting {
    this.isInRing = false;
    if (this.sink.isFull) {
      this.owner.handleClientFull();
      return WAITS_FOR_OTHERS;
    }
    const isWell = this.encodeSlice();
    this.finishSlice();
    if (this.hasWork) {
      this.isInRing = true;
      return isWell ? WAITS_FOR_TURN : WAITS_FOR_MEMORY;
    }
    this.owner.handleWorkedOn();
    return WAITS_FOR_OTHERS;
  }

  /** It is over, however it ended. */
  release(): void {
    if (this.isInRing) this.compressors.remove(this);
    this.compressors.leave(this.coding);
    if (this.slot >= 0) this.arena.release(this.slot);
    if (this.outSlot >= 0) this.arena.release(this.outSlot);
    this.slot = this.outSlot = NONE;
    this.isInRing = false;
    this.isDone = true;
    this.endEncoder();
  }

  /** A large segment waits for those that others have begun. */
  private encodeFirst(): boolean {
    return (this.length > SMALL_BYTES && !this.compressors.isIdle) || this.encodeSlice();
  }

  private settle(): void {
    this.finishSlice();
    if (this.hasWork) this.wait();
  }

  private wait(): void {
    if (this.isInRing) return;
    this.isInRing = true;
    this.compressors.add(this);
  }

  private endEncoder(): void {
    if (this.encoder !== null) this.encoder.release();
    this.encoder = null;
  }

  private finishSlice(): void {
    if (this.isEncoded) this.endEncoder();
    if (this.length === 0 && this.slot >= 0) {
      this.arena.release(this.slot);
      this.slot = NONE;
    }
    if (this.isEncoded && this.outSlot < 0 && !this.isDone) this.isDone = this.sink.finish();
  }

  /** The encoder is to be told something, or has something to say. */
  private get hasToEncode(): boolean {
    return this.length > 0 || this.hasMore || (this.isEnding && !this.isEncoded);
  }

  /** As far as the client takes it. False: no slot was free. The rest is to be done later. */
  private encodeSlice(): boolean {
    if (!this.handOn()) return false;
    if (!this.hasToEncode || this.outSlot >= 0) return true;
    this.encoder ??= this.compressors.begin(this.coding, this.level);
    do {
      if (!this.encode() || !this.handOn()) return false;
    } while (this.hasMore && this.outSlot < 0);
    return true;
  }

  /** False: no slot was free. */
  private encode(): boolean {
    const { arena, compressors, encoder } = this;
    const slot = compressors.output;
    if (slot < 0 || encoder === null) return false;
    const count = Math.min(this.length, encoder.sliceBytes);
    // what is being flushed comes out before the end is said
    if (!this.hasMore || this.step !== ENCODE_FLUSH) this.step = this.stepFor(count);
    encoder.encode(this.step, this.offset, count, arena.receiveStart(slot), Arena.receiveBytes);
    this.offset += encoder.consumed;
    this.length -= encoder.consumed;
    this.hasMore = encoder.hasMore;
    this.isEncoded = this.step === ENCODE_END && !this.hasMore;
    if (encoder.produced > 0) {
      this.outSlot = compressors.take();
      this.outLength = encoder.produced;
    }
    return true;
  }

  /** Of the segment, `count` bytes are next. */
  private stepFor(count: number): EncodeStep {
    if (count < this.length) return ENCODE_MORE;
    if (this.isEnding) return ENCODE_END;
    return this.pauses ? ENCODE_FLUSH : ENCODE_MORE;
  }

  /** False: no slot was free. */
  private handOn(): boolean {
    const { arena, isEncoded, outLength, outSlot, sink } = this;
    if (outSlot < 0 || sink.isFull) return true;
    const at = arena.receiveStart(outSlot);
    if (!(isEncoded ? sink.sendLast(outSlot, at, outLength) : sink.send(outSlot, at, outLength))) return false;
    this.isDone = isEncoded;
    this.outSlot = NONE;
    this.hasHead = false;
    return true;
  }
}
