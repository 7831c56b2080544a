/**
 * What both ends of an exchange do with incoming bytes: hold the segment that is being worked on, put a head together that
 * came in pieces, and pass a body on to the other side while watching for its end.
 *
 * A reader owns one reference of the slot it holds. Bodies are passed on in the slot they were received in; only chunk
 * framing is added or taken away, in place.
 */
import { PLENTY } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import { MEDIUM_SLOT_BYTES, TAILROOM, TRAILER_BYTES_MAX } from '../../base/limits.ts';
import type { Socket } from '../../port/transport.ts';
import { ChunkScanner } from '../../wire/http1/chunked.ts';
import { emitCrlf, emitHex, emitLastChunk } from '../../wire/http1/emit.ts';
import { ERR_TRAILER_TOO_LARGE } from '../../wire/http1/errors.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type FieldTable } from '../../wire/http1/head.ts';
import { parseTrailers } from '../../wire/http1/trailers.ts';
import type { Context } from '../context.ts';
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

/** How a body is framed for the receiver. */
export const FRAME_AS_IS = 0;
/** Chunks are taken apart: the receiver speaks HTTP/1.0. */
export const FRAME_DECODE = 1;
/** A body that ends with the connection is put into chunks. */
export const FRAME_ENCODE = 2;

/** Fields of a trailer section; a section is at most TRAILER_BYTES_MAX long anyway. */
const TRAILER_FIELDS_MAX = 100;

const CR = 13;
const LF = 10;
/** `0 CR LF CR LF` */
const LAST_CHUNK_BYTES = 5;

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

  /** BODY_... */
  private bodyKind = BODY_NONE;
  private framing = FRAME_AS_IS;
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

  /** Sends all of the input as it is. */
  sendAll(to: Socket): void {
    to.send(this.slot, this.offset, this.length, false);
    this.length = 0;
    this.slot = -1;
  }

  /** Drops the input and everything begun. */
  clear(): void {
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
  settle(): void {
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

  /** Adds input to the stash; READ_MORE when used up, READ_DONE when the stash holds a whole section. */
  fillStash(limitBytes: number): number {
    this.stash ??= new Stash();
    const taken = this.stash.take(this.context.arena, this.offset, this.offset + this.length, limitBytes);
    if (taken === STASH_NO_MEMORY) return READ_NO_MEMORY;
    if (taken > 0) this.consume(taken);
    return this.stash.isComplete || this.stash.length >= limitBytes ? READ_DONE : READ_MORE;
  }

  // --- bodies ---

  /** A body of this kind follows. `length` counts for BODY_LENGTH, `contentBytesMax` for BODY_CHUNKED. */
  beginBody(kind: number, length: number, framing: number, contentBytesMax: number): void {
    this.bodyKind = kind;
    this.framing = framing;
    this.isInTrailers = false;
    if (kind === BODY_LENGTH) {
      this.remainingBytes = length;
    } else if (kind === BODY_CHUNKED) {
      this.contentBytesMax = contentBytesMax;
      this.scanner = spareScanners.pop() ?? new ChunkScanner();
      this.scanner.reset();
    }
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
   * Passes on what the input has of the body, behind the `prefixLength` bytes (a head) at the start of the scratch slot.
   * READ_... or an ERR_ code; in the error and READ_NO_MEMORY cases nothing was sent, the prefix neither. `trailers` is
   * scratch.
   */
  relay(to: Socket, trailers: FieldTable, prefixLength: number): number {
    if (to.pendingSegments >= this.context.segmentsEnough) return READ_BLOCKED;
    if (this.isInTrailers) return this.relayTrailers(to, trailers);
    const measured = this.measure();
    if (measured < 0 || measured === READ_TOO_LARGE) return measured;
    if (!this.ship(to, prefixLength)) return READ_NO_MEMORY;
    if (measured === READ_DONE) {
      this.endBody();
    } else if (this.isInTrailers && this.length > 0) {
      // not READ_BLOCKED, which says that nothing was sent: the caller finds that out by asking again
      return to.pendingSegments >= this.context.segmentsEnough ? READ_MORE : this.relayTrailers(to, trailers);
    }
    return measured;
  }

  /** Finds how much of the input is the body's (`usedBytes`) and how much of that is to be sent (`sentBytes`). */
  private measure(): number {
    switch (this.bodyKind) {
      case BODY_LENGTH: {
        const count = this.length < this.remainingBytes ? this.length : this.remainingBytes;
        this.remainingBytes -= count;
        this.usedBytes = count;
        this.sentBytes = count;
        return this.remainingBytes === 0 ? READ_DONE : READ_MORE;
      }
      case BODY_CHUNKED:
        return this.measureChunks();
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

  private measureChunks(): number {
    const memory = this.context.memory;
    const scanner = this.scanner as ChunkScanner;
    const end = this.offset + this.length;
    const isDecoded = this.framing === FRAME_DECODE;
    let used = isDecoded ? scanner.decode(memory, this.offset, end) : scanner.scan(memory, this.offset, end);
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
    this.sentBytes = isDecoded ? scanner.dataEnd - this.offset : this.usedBytes;
    return result;
  }

  /** Sends what was measured, behind the prefix. False: no slot was free. */
  private ship(to: Socket, prefixLength: number): boolean {
    const arena = this.context.arena;
    const slot = this.slot;
    const offset = this.offset;
    const isLast = this.usedBytes === this.length;
    let sent = this.sentBytes;
    let prefix = prefixLength;
    if (sent === 0) {
      if (prefix > 0 && !sendHeadAndBody(this.context, to, prefix, -1, 0, 0)) return false;
      if (this.usedBytes > 0) this.consume(this.usedBytes);
      return true;
    }
    if (this.framing === FRAME_ENCODE) {
      const memory = this.context.memory;
      const scratch = arena.start(this.context.scratchSlot);
      prefix = emitCrlf(memory, emitHex(memory, scratch + prefix, sent)) - scratch;
      emitCrlf(memory, offset + sent); // into the slot's tail room
      sent += 2;
    }
    if (!isLast) arena.retain(slot);
    if (prefix === 0) {
      to.send(slot, offset, sent, false);
    } else if (!sendHeadAndBody(this.context, to, prefix, slot, offset, sent)) {
      if (!isLast) arena.release(slot);
      return false;
    }
    this.offset = offset + this.usedBytes;
    this.length -= this.usedBytes;
    if (isLast) this.slot = -1;
    return true;
  }

  private beginTrailers(): void {
    this.isInTrailers = true;
    this.stash ??= new Stash();
    this.stash.beginAfterLine();
  }

  private relayTrailers(to: Socket, trailers: FieldTable): number {
    const arena = this.context.arena;
    const filled = this.fillStash(TRAILER_BYTES_MAX);
    if (filled === READ_NO_MEMORY) return filled;
    const stash = this.stash as Stash;
    const start = arena.start(stash.slot);
    // Also of a part: what is wrong is wrong at once, not when its peer sends more or the time is up.
    const parsed = parseTrailers(this.context.memory, start, start + stash.length, trailers, TRAILER_FIELDS_MAX);
    if (parsed < 0) return parsed;
    if (filled === READ_MORE) return READ_MORE;
    if (!stash.isComplete) return ERR_TRAILER_TOO_LARGE;
    assert(parsed === stash.length, 'a complete trailer section was not read to its end');
    if (this.framing === FRAME_AS_IS) {
      arena.retain(stash.slot);
      to.send(stash.slot, start, stash.length, false);
    }
    stash.clear(arena);
    this.endBody();
    return READ_DONE;
  }

  /** The connection a BODY_UNTIL_CLOSE body came on has ended: sends what ends it for the receiver. False: no memory. */
  finishUntilClose(to: Socket): boolean {
    const wasEncoded = this.framing === FRAME_ENCODE;
    this.endBody();
    if (!wasEncoded) return true;
    const arena = this.context.arena;
    const slot = arena.allocate(LAST_CHUNK_BYTES);
    if (slot < 0) return false;
    const start = arena.start(slot);
    to.send(slot, start, emitLastChunk(this.context.memory, start) - start, false);
    return true;
  }
}

/**
 * Sends `headLength` bytes that stand at the start of the scratch slot, followed by `length` bytes of `slot`, whose one
 * reference it takes. In front of the body in the body's own slot where there is room, else in a slot of its own. With
 * length 0, `slot` is not looked at. False: no slot was free, and nothing was sent or released.
 */
export function sendHeadAndBody(
  context: Context,
  to: Socket,
  headLength: number,
  slot: number,
  offset: number,
  length: number,
): boolean {
  const arena = context.arena;
  const memory = context.memory;
  const head = arena.start(context.scratchSlot);
  if (length > 0 && arena.isLarge(slot) && !arena.isShared(slot) && offset - arena.start(slot) >= headLength) {
    memory.copyWithin(offset - headLength, head, head + headLength);
    to.send(slot, offset - headLength, headLength + length, false);
    return true;
  }
  const headSlot = arena.allocate(headLength);
  if (headSlot < 0) return false;
  const start = arena.start(headSlot);
  memory.copyWithin(start, head, head + headLength);
  to.send(headSlot, start, headLength, length > 0);
  if (length > 0) to.send(slot, offset, length, false);
  return true;
}
