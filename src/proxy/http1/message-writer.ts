/**
 * What both ends of an exchange do with outgoing bodies: puts a head in front of the first bytes of its body, in the body's own
 * slot where there is room, and frames what the receiver could not find the end of.
 */
import { emitCrlf } from '../../wire/http1/emit.ts';
import type { Socket } from '../../port/transport.ts';
import type { Context } from '../context.ts';
import { emitChunkStart, emitLastChunk, LAST_CHUNK_BYTES } from '../http/chunks.ts';
import type { BodySink } from '../http/sides.ts';

/** How a body is framed for the receiver. */
export const FRAME_AS_IS = 0;
/** Without its chunks: the receiver speaks HTTP/1.0. */
export const FRAME_DECODED = 1;
/** What ends with the sender's connection is put into chunks. */
export const FRAME_ENCODED = 2;
export type Framing = typeof FRAME_AS_IS | typeof FRAME_DECODED | typeof FRAME_ENCODED;

const CRLF_BYTES = 2;
/** Behind a head, a part of a body that is not larger is copied where its own slot has no room for the head: an operation of its own costs more. */
const COPY_BYTES_MAX = 4096;

export class MessageWriter implements BodySink {
  private readonly context: Context;
  /** Null: there is none yet, or no more. */
  socket: Socket | null;
  private framing: Framing = FRAME_AS_IS;
  /** Handed to the socket so far. */
  sentBytes = 0;
  /** Of these, heads. */
  headBytes = 0;
  /** Of a head at the start of the scratch slot that waits for the first bytes of its body. */
  private headLength = 0;
  /** With FRAME_ENCODED: one was sent. */
  private hasChunks = false;

  constructor(context: Context, socket: Socket | null) {
    this.context = context;
    this.socket = socket;
  }

  get isFull(): boolean {
    return (this.socket as Socket).pendingSegments >= this.context.segmentsEnough;
  }

  get takesChunks(): boolean {
    return this.framing !== FRAME_DECODED;
  }

  /** A message whose head of `headLength` bytes stands at the start of the scratch slot; 0: was sent. */
  begin(headLength: number, framing: Framing): void {
    this.headLength = headLength;
    this.headBytes += headLength;
    this.framing = framing;
    this.hasChunks = false;
  }

  /** Sends a whole message, or a head without body, of `length` bytes that stands at the start of the scratch slot. `bodyBytes`: of them. */
  sendScratch(length: number, bodyBytes = 0): boolean {
    this.begin(length, FRAME_AS_IS);
    this.headBytes -= bodyBytes;
    return this.flush();
  }

  send(slot: number, offset: number, length: number): boolean {
    if (this.framing === FRAME_ENCODED) return this.sendChunk(slot, offset, length);
    const { headLength } = this;
    if (headLength > 0) return this.sendBehindHead(slot, offset, length);
    this.pass(slot, offset, length, false);
    return true;
  }

  sendLast(slot: number, offset: number, length: number): boolean {
    if (this.framing !== FRAME_ENCODED) return this.send(slot, offset, length);
    const { memory } = this.context;
    const end = emitCrlf(memory, emitLastChunk(memory, offset + length, false));
    return this.sendChunk(slot, offset, length, end - offset);
  }

  flush(): boolean {
    const { headLength } = this;
    if (headLength === 0) return true;
    const slot = this.copyHead();
    if (slot < 0) return false;
    this.pass(slot, this.context.arena.start(slot), headLength, false);
    return true;
  }

  /** Without chunks there is no place for them. */
  sendTrailers(offset: number, length: number): boolean {
    return this.framing !== FRAME_ENCODED || this.endChunks(offset, length);
  }

  finish(): boolean {
    return this.framing !== FRAME_ENCODED || this.endChunks(0, 0);
  }

  /** `length` 0: there is no trailer section. */
  private endChunks(offset: number, length: number): boolean {
    const { arena, memory } = this.context;
    const slot = arena.allocate(LAST_CHUNK_BYTES + CRLF_BYTES + length);
    if (slot < 0) return false;
    const start = arena.start(slot);
    const end = emitLastChunk(memory, start, !this.hasChunks);
    if (length > 0) memory.copyWithin(end, offset, offset + length);
    else emitCrlf(memory, end);
    this.framing = FRAME_AS_IS;
    this.pass(slot, start, end + (length > 0 ? length : CRLF_BYTES) - start, false);
    return true;
  }

  private pass(slot: number, offset: number, length: number, more: boolean): void {
    this.sentBytes += length;
    (this.socket as Socket).send(slot, offset, length, more);
  }

  /**
   * What begins the chunk stands behind the head, or alone, with what ends the chunk before: behind content, there may be more content. `bytes`: of the
   * chunk and what stands behind it.
   */
  private sendChunk(slot: number, offset: number, length: number, bytes = length): boolean {
    const { arena, memory, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    this.headLength = emitChunkStart(memory, start + this.headLength, length, !this.hasChunks) - start;
    this.hasChunks = true;
    return this.sendBehindHead(slot, offset, bytes);
  }

  private sendBehindHead(slot: number, offset: number, length: number): boolean {
    const { arena, memory, scratchSlot } = this.context;
    const { headLength } = this;
    if (arena.isLarge(slot) && !arena.isShared(slot) && offset - arena.start(slot) >= headLength) {
      const head = arena.start(scratchSlot);
      memory.copyWithin(offset - headLength, head, head + headLength);
      this.headLength = 0;
      this.pass(slot, offset - headLength, headLength + length, false);
      return true;
    }
    const isCopied = length <= COPY_BYTES_MAX;
    const headSlot = this.copyHead(isCopied ? length : 0);
    if (headSlot < 0) return false;
    if (isCopied) {
      const start = arena.start(headSlot);
      memory.copyWithin(start + headLength, offset, offset + length);
      arena.release(slot);
      this.pass(headSlot, start, headLength + length, false);
      return true;
    }
    this.pass(headSlot, arena.start(headSlot), headLength, true);
    this.pass(slot, offset, length, false);
    return true;
  }

  /** Puts the head that waits into a slot of its own, with room behind it; -1: none is free. It waits no more in either case. */
  private copyHead(room = 0): number {
    const { arena, memory, scratchSlot } = this.context;
    const { headLength } = this;
    this.headLength = 0;
    const slot = arena.allocate(headLength + room);
    if (slot < 0) return slot;
    const head = arena.start(scratchSlot);
    memory.copyWithin(arena.start(slot), head, head + headLength);
    return slot;
  }
}
