/**
 * What of a server's response has come and its client does not take yet: a head, and the body behind it, in the slots that they came in; as much as the
 * stream's window at most.
 */
import type { Arena } from '../../base/arena.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { BodySink } from '../http/sides.ts';
import { HeldBody } from './held-body.ts';
import { parseKeptResponse } from './kept-head.ts';

export class WaitingResponse {
  private readonly arena: Arena;
  /** The head, as lines. -1: it is not here, or has been handed on. */
  private headSlot = -1;
  private headLength = 0;
  private readonly body: HeldBody;

  constructor(arena: Arena) {
    this.arena = arena;
    this.body = new HeldBody(arena);
  }

  get isEmpty(): boolean {
    return this.headSlot < 0 && this.body.isEmpty;
  }

  get hasHead(): boolean {
    return this.headSlot >= 0;
  }

  get keepsScarce(): boolean {
    return this.body.keepsScarce || (this.headSlot >= 0 && this.arena.isScarce(this.headSlot));
  }

  /** The first `length` bytes of this slot, of which the caller keeps its reference. An interim head that waits is given up for it. */
  keepHead(slot: number, length: number): void {
    this.dropHead();
    this.arena.retain(slot);
    this.headSlot = slot;
    this.headLength = length;
  }

  /** Reads the head into `context.responseHead`. Returns its slot, whose reference the caller has from here. */
  readHead(context: Context, limits: HeadLimits): number {
    const { headSlot: slot } = this;
    const start = this.arena.start(slot);
    parseKeptResponse(context, start, start + this.headLength, limits);
    this.headSlot = -1;
    return slot;
  }

  dropHead(): void {
    if (this.headSlot >= 0) this.arena.release(this.headSlot);
    this.headSlot = -1;
  }

  /** A part of the body, in a slot of which the caller keeps its reference. False: no slot is free. */
  keepBody(slot: number, offset: number, length: number): boolean {
    return this.body.add(slot, offset, length);
  }

  /** Hands the first part of the body on. How long it was; -1: no slot was free, and it is gone. */
  sendBody(sink: BodySink): number {
    const { length, offset, slot } = this.body;
    this.body.shift();
    if (sink.send(slot, offset, length)) return length;
    this.arena.release(slot);
    return -1;
  }

  /** It is for nobody. */
  drop(): void {
    this.body.clear();
    this.dropHead();
  }
}
