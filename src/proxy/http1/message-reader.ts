/**
 * What both ends of an exchange do with incoming bytes: hold the segment that is being worked on, read a head, also one that
 * came in pieces, pass a body on to a sink while watching for its end, and read no more than can be passed on.
 *
 * A reader owns one reference of the slot it holds. Bodies are passed on in the slot they were received in; only chunk
 * framing is added or taken away, in place.
 */
import { PLENTY } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import { MEDIUM_SLOT_BYTES, TAILROOM, TRAILER_BYTES_MAX } from '../../base/limits.ts';
import { ChunkScanner } from '../../wire/http1/chunked.ts';
import type { Socket } from '../../port/transport.ts';
import { ERR_HEAD_TOO_LARGE, ERR_TRAILER_FIELD, ERR_TRAILER_TOO_LARGE } from '../../wire/http1/errors.ts';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_UNTIL_CLOSE,
  type FieldTable,
  type HeadLimits,
} from '../../wire/http1/head.ts';
import { parseTrailers } from '../../wire/http1/trailers.ts';
import type { Context } from '../context.ts';
import type { HeaderEdit } from '../http/header-edit.ts';
import type { BodySink } from '../http/sides.ts';
import { Stash, STASH_NO_MEMORY } from '../stash.ts';

/** The body goes on; of what input is left, more may be passed on at once. */
export const READ_MORE = 0;
/** The body is complete; what follows it is still in the input. */
export const READ_DONE = 1;
/** The receiver has enough for now: nothing was sent. */
export const READ_BLOCKED = 2;
/** No slot was free. */
export const READ_NO_MEMORY = 3;
/** The content is larger than the configured limit. */
export const READ_TOO_LARGE = 4;
// Negative: an ERR_ code of wire/http1/errors.

/** Of a head: more of it has to come. */
export const HEAD_MORE = 0;
/** No slot was free for the part that came. No ERR_ code. */
export const HEAD_NO_MEMORY = -1000;

/** `parseRequestHead` or `parseResponseHead`. */
type HeadParser<Head> = (bytes: Uint8Array, from: number, to: number, limits: HeadLimits, head: Head) => number;

/** Fields of a trailer section; a section is at most TRAILER_BYTES_MAX long anyway. */
const TRAILER_FIELDS_MAX = 100;

const CR = 13;
const LF = 10;

/** Scanners are needed only while a chunked body passes. */
const spareScanners: ChunkScanner[] = [];
const SPARE_SCANNERS_MAX = 1024;

export class MessageReader {
  private readonly context: Context;
  /** The segment being worked on; length 0: none. */
  slot = -1;
  offset = 0;
  length = 0;
  /** The part of a head or trailer section that came in earlier segments. */
  stash: Stash | null = null;
  /** Of the head that was read last: how long it is, and whether it stands in the stash or at the start of the input. */
  headLength = 0;
  private isHeadStashed = false;
  /** Of the input: a head, or what cannot be one, that has been read and not dropped. */
  private readBytes = 0;
  /** Of it, a body behind that head. */
  private skippedBytes = 0;

  /** BODY_... */
  private bodyKind = BODY_NONE;
  private remainingBytes = 0;
  private scanner: ChunkScanner | null = null;
  private isInTrailers = false;
  /** Of the input, after `measure`. */
  private usedBytes = 0;
  private sentBytes = 0;
  /** Bytes of content a chunked body may have. */
  private contentBytesMax = Infinity;

  constructor(context: Context) {
    this.context = context;
  }

  /** No part of a head is held. */
  get isBetweenMessages(): boolean {
    return this.stash === null || this.stash.isEmpty;
  }

  /** Takes over a received segment. The one before must have been used up. */
  accept(slot: number, offset: number, length: number): void {
    assert(this.length === 0, 'a segment came in while another was waiting');
    this.slot = slot;
    this.offset = offset;
    this.length = length;
  }

  /** The first `count` bytes of the input were used. */
  consume(count: number): void {
    this.offset += count;
    this.length -= count;
    if (this.length === 0) {
      this.context.arena.release(this.slot);
      this.slot = -1;
    }
  }

  /** Sends all of the input as it is; there is no head that waits. */
  sendAll(to: BodySink): void {
    to.send(this.slot, this.offset, this.length);
    this.length = 0;
    this.slot = -1;
  }

  /** What of the input nobody has looked at. */
  get unreadBytes(): number {
    return this.length - this.readBytes;
  }

  /** Drops the input and everything begun. */
  clear(): void {
    this.readBytes = 0;
    this.skippedBytes = 0;
    if (this.length > 0) this.consume(this.length);
    if (this.stash !== null) this.stash.clear(this.context.arena);
    this.endBody();
  }

  /** Whether it keeps a slot of a size that is scarce. */
  get keepsScarce(): boolean {
    const { arena } = this.context;
    if (this.length > 0 && arena.isScarce(this.slot)) return true;
    return this.stash !== null && this.stash.slot >= 0 && arena.isScarce(this.stash.slot);
  }

  /** The input has to wait. When large slots are scarce, and it is short, it waits in a smaller one. */
  private settle(): void {
    const { arena } = this.context;
    const from = this.slot;
    const bytes = this.length + TAILROOM;
    if (bytes > MEDIUM_SLOT_BYTES || arena.pressure === PLENTY || !arena.isLarge(from)) return;
    const slot = arena.allocate(bytes);
    if (slot < 0) return;
    const start = arena.start(slot);
    arena.memory.copyWithin(start, this.offset, this.offset + this.length);
    arena.release(from);
    this.slot = slot;
    this.offset = start;
  }

  /** Reads on from `socket` unless input waits, or what was passed on has to leave first. True: it does. */
  regulate(socket: Socket, isReceiverFull: boolean): boolean {
    const reads = this.length === 0 && !isReceiverFull;
    if (reads) {
      socket.resume();
    } else {
      if (this.length > 0) this.settle();
      socket.pause();
    }
    return reads;
  }

  // --- heads ---

  /**
   * Reads a head, in place or put together. Its length: it is in `head`, and `dropHead` has to follow. HEAD_MORE: all input was
   * taken, or what was taken is not the end yet. HEAD_NO_MEMORY or an ERR_ code: it cannot be read.
   */
  readHead<Head>(parse: HeadParser<Head>, limits: HeadLimits, head: Head): number {
    const { arena, memory } = this.context;
    if (this.isBetweenMessages) {
      const used = parse(memory, this.offset, this.offset + this.length, limits, head);
      this.headLength = used;
      this.isHeadStashed = false;
      this.readBytes = used < 0 ? this.length : used;
      if (used !== 0) return used;
    }
    const filled = this.fillStash(limits.headBytes);
    if (filled === READ_MORE) return HEAD_MORE;
    if (filled !== READ_DONE) return HEAD_NO_MEMORY;
    const stash = this.stash as Stash;
    const start = arena.start(stash.slot);
    const used = parse(memory, start, start + stash.length, limits, head);
    this.headLength = used;
    this.isHeadStashed = true;
    if (used !== 0) return used;
    if (stash.length >= limits.headBytes) return ERR_HEAD_TOO_LARGE;
    stash.continue();
    return HEAD_MORE;
  }

  /** The head that was read is used up, with the body that was skipped behind it. */
  dropHead(): void {
    this.readBytes = 0;
    const { skippedBytes } = this;
    this.skippedBytes = 0;
    if (this.isHeadStashed) (this.stash as Stash).clear(this.context.arena);
    else this.consume(this.headLength);
    if (skippedBytes > 0) this.consume(skippedBytes);
  }

  /** Nobody wants the body behind the head that was read, and has not been dropped: skips it if all of it is in the input. False: it is not. */
  skipBody(kind: number, length: number): boolean {
    const at = this.offset + (this.isHeadStashed ? 0 : this.headLength);
    const rest = this.offset + this.length - at;
    const bytes = kind === BODY_CHUNKED ? this.chunkedBytes(at) : length;
    if (bytes <= 0 || bytes > rest) return false;
    this.skippedBytes = bytes;
    this.readBytes += bytes;
    return true;
  }

  /** How long a chunked body without trailers is that begins there; 0: all of it is not here, or it is none. */
  private chunkedBytes(at: number): number {
    const { memory } = this.context;
    const end = this.offset + this.length;
    const scanner = new ChunkScanner();
    const last = scanner.scan(memory, at, end);
    const isWhole =
      scanner.error === 0 && scanner.done && end - last >= 2 && memory[last] === CR && memory[last + 1] === LF;
    return isWhole ? last + 2 - at : 0;
  }

  /** Adds input to the stash; READ_MORE when used up, READ_DONE when the stash holds a whole section. */
  private fillStash(limitBytes: number): number {
    this.stash ??= new Stash();
    const taken = this.stash.take(this.context.arena, this.offset, this.offset + this.length, limitBytes);
    if (taken === STASH_NO_MEMORY) return READ_NO_MEMORY;
    if (taken > 0) this.consume(taken);
    return this.stash.isComplete || this.stash.length >= limitBytes ? READ_DONE : READ_MORE;
  }

  // --- bodies ---

  /** A body of this kind follows. `length` counts for BODY_LENGTH, `contentBytesMax` for BODY_CHUNKED. */
  beginBody(kind: number, length: number, contentBytesMax: number): void {
    this.bodyKind = kind;
    this.isInTrailers = false;
    if (kind === BODY_LENGTH) {
      this.remainingBytes = length;
    } else if (kind === BODY_CHUNKED) {
      this.contentBytesMax = contentBytesMax;
      this.scanner = spareScanners.pop() ?? new ChunkScanner();
      this.scanner.reset();
    }
  }

  get readsChunks(): boolean {
    return this.bodyKind === BODY_CHUNKED;
  }

  get endsWithConnection(): boolean {
    return this.bodyKind === BODY_UNTIL_CLOSE;
  }

  endBody(): void {
    this.bodyKind = BODY_NONE;
    this.isInTrailers = false;
    if (this.scanner !== null) {
      if (spareScanners.length < SPARE_SCANNERS_MAX) spareScanners.push(this.scanner);
      this.scanner = null;
    }
  }

  /**
   * Passes on what the input has of the body. READ_... or an ERR_ code; in the error and READ_NO_MEMORY cases nothing was sent,
   * a head that waits in front of it neither. `trailers` is scratch. `edit`: no trailer may be a field
   * that it takes out of the head.
   */
  relay(to: BodySink, trailers: FieldTable, edit: HeaderEdit | null): number {
    if (to.isFull) return READ_BLOCKED;
    if (this.isInTrailers) return this.relayTrailers(to, trailers, edit);
    const measured = this.measure(to);
    if (measured < 0 || measured === READ_TOO_LARGE) return measured;
    if (!this.ship(to)) return READ_NO_MEMORY;
    // trailers are not looked at yet: if they are wrong, nothing may have been sent in this call
    return measured === READ_DONE ? this.finish(to) : measured;
  }

  /** Finds how much of the input is the body's (`usedBytes`) and how much of that is to be sent (`sentBytes`). */
  private measure(to: BodySink): number {
    switch (this.bodyKind) {
      case BODY_LENGTH: {
        const count = this.length < this.remainingBytes ? this.length : this.remainingBytes;
        this.remainingBytes -= count;
        this.usedBytes = count;
        this.sentBytes = count;
        return this.remainingBytes === 0 ? READ_DONE : READ_MORE;
      }
      case BODY_CHUNKED:
        return this.measureChunks(to.takesChunks);
      case BODY_UNTIL_CLOSE:
        this.usedBytes = this.length;
        this.sentBytes = this.length;
        return READ_MORE;
      default:
        this.usedBytes = 0;
        this.sentBytes = 0;
        return READ_DONE;
    }
  }

  private measureChunks(isKept: boolean): number {
    const memory = this.context.memory;
    const scanner = this.scanner as ChunkScanner;
    const end = this.offset + this.length;
    let used = isKept ? scanner.scan(memory, this.offset, end) : scanner.decode(memory, this.offset, end);
    if (scanner.error !== 0) return scanner.error;
    if (scanner.dataBytes > this.contentBytesMax) return READ_TOO_LARGE;
    let result = READ_MORE;
    if (scanner.done) {
      if (end - used >= 2 && memory[used] === CR && memory[used + 1] === LF) {
        used += 2;
        result = READ_DONE;
      } else {
        this.beginTrailers();
      }
    }
    this.usedBytes = used - this.offset;
    this.sentBytes = isKept ? this.usedBytes : scanner.dataEnd - this.offset;
    return result;
  }

  /** Sends what was measured. False: no slot was free. */
  private ship(to: BodySink): boolean {
    const { arena } = this.context;
    const { slot, offset, sentBytes, usedBytes } = this;
    const isLast = usedBytes === this.length;
    if (sentBytes === 0) {
      if (!to.flush()) return false;
      if (usedBytes > 0) this.consume(usedBytes);
      return true;
    }
    if (!isLast) arena.retain(slot);
    if (!to.send(slot, offset, sentBytes)) {
      if (!isLast) arena.release(slot);
      return false;
    }
    this.offset = offset + usedBytes;
    this.length -= usedBytes;
    if (isLast) this.slot = -1;
    return true;
  }

  /** The body is complete. */
  private finish(to: BodySink): number {
    this.endBody();
    return to.finish() ? READ_DONE : READ_NO_MEMORY;
  }

  private beginTrailers(): void {
    this.isInTrailers = true;
    this.stash ??= new Stash();
    this.stash.beginAfterLine();
  }

  private relayTrailers(to: BodySink, trailers: FieldTable, edit: HeaderEdit | null): number {
    const arena = this.context.arena;
    const filled = this.fillStash(TRAILER_BYTES_MAX);
    if (filled === READ_NO_MEMORY) return filled;
    const stash = this.stash as Stash;
    const start = arena.start(stash.slot);
    // Also of a part: what is wrong is wrong at once, not when its peer sends more or the time is up.
    const parsed = parseTrailers(this.context.memory, start, start + stash.length, trailers, TRAILER_FIELDS_MAX);
    if (parsed < 0) return parsed;
    if (edit !== null && edit.dropsAnyOf(this.context.memory, trailers)) return ERR_TRAILER_FIELD;
    if (filled === READ_MORE) return READ_MORE;
    if (!stash.isComplete) return ERR_TRAILER_TOO_LARGE;
    assert(parsed === stash.length, 'a complete trailer section was not read to its end');
    if (to.takesChunks) {
      arena.retain(stash.slot);
      to.send(stash.slot, start, stash.length);
    } else if (!to.sendTrailers(start, stash.length)) return READ_NO_MEMORY;
    stash.clear(arena);
    return this.finish(to);
  }

  /** There is nothing of a body. READ_DONE, or READ_NO_MEMORY: nothing was sent. */
  passEmpty(to: BodySink): number {
    return to.flush() ? this.finish(to) : READ_NO_MEMORY;
  }

  /** The connection that a BODY_UNTIL_CLOSE body came on has ended. False: no slot was free for its end. */
  finishUntilClose(to: BodySink): boolean {
    return this.finish(to) === READ_DONE;
  }
}
