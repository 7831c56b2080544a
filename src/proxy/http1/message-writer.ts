/**
 * What both ends of an exchange do with outgoing bodies: puts a head in front of the first bytes of its body, in the body's own
 * slot where there is room, and frames what the receiver could not find the end of.
 */
import { emitCrlf, emitHex, emitLastChunk } from '../../wire/http1/emit.ts';
import type { Socket } from '../../port/transport.ts';
import type { Context } from '../context.ts';
import type { BodySink } from '../http/sides.ts';

/** How a body is framed for the receiver. */
export const FRAME_AS_IS = 0;
/** Without its chunks: the receiver speaks HTTP/1.0. */
export const FRAME_DECODED = 1;
/** What ends with the sender's connection is put into chunks. */
export const FRAME_ENCODED = 2;
export type Framing = typeof FRAME_AS_IS | typeof FRAME_DECODED | typeof FRAME_ENCODED;

/** `0 CR LF CR LF` */
const LAST_CHUNK_BYTES = 5;

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

  flush(): boolean {
    const { headLength } = this;
    if (headLength === 0) return true;
    const slot = this.copyHead();
    if (slot < 0) return false;
    this.pass(slot, this.context.arena.start(slot), headLength, false);
    return true;
  }

  /** HTTP/1.0 has none. */
  sendTrailers(): boolean {
    return true;
  }

  finish(): boolean {
    if (this.framing !== FRAME_ENCODED) return true;
    const { arena, memory } = this.context;
    const slot = arena.allocate(LAST_CHUNK_BYTES);
    if (slot < 0) return false;
    const start = arena.start(slot);
    this.pass(slot, start, emitLastChunk(memory, start) - start, false);
    return true;
  }

  private pass(slot: number, offset: number, length: number, more: boolean): void {
    this.sentBytes += length;
    (this.socket as Socket).send(slot, offset, length, more);
  }

  /** The length of the chunk stands behind the head, or alone, and the line's end in the slot's tail room. */
  private sendChunk(slot: number, offset: number, length: number): boolean {
    const { arena, memory, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    this.headLength = emitCrlf(memory, emitHex(memory, start + this.headLength, length)) - start;
    emitCrlf(memory, offset + length);
    return this.sendBehindHead(slot, offset, length + 2);
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
    const headSlot = this.copyHead();
    if (headSlot < 0) return false;
    this.pass(headSlot, arena.start(headSlot), headLength, true);
    this.pass(slot, offset, length, false);
    return true;
  }

  /** Puts the head that waits into a slot of its own; -1: none is free. It waits no more in either case. */
  private copyHead(): number {
    const { arena, memory, scratchSlot } = this.context;
    const { headLength } = this;
    this.headLength = 0;
    const slot = arena.allocate(headLength);
    if (slot < 0) return slot;
    const head = arena.start(scratchSlot);
    memory.copyWithin(arena.start(slot), head, head + headLength);
    return slot;
  }
}
