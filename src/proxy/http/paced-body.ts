/**
 * A response's body on its way at a bounded rate: what has come and may not go on yet is held, one segment at most, and as long as there is
 * something held nothing is taken. So it is the server who waits, and the wheel of timers says for how long.
 */
import type { Arena } from '../../base/arena.ts';
import { TICK_MS } from '../../base/limits.ts';
import type { Pace } from '../../core/bandwidth/pace.ts';
import type { Context } from '../context.ts';
import { Expiring } from '../expiring.ts';
import type { BodySink } from './sides.ts';

export interface PacedBodyOwner {
  /** The client has to take what it was sent: then `resume` is to be called. */
  handleClientFull(): void;
  /** Time has passed: more can be taken, or all of it has been handed on. */
  handlePaced(): void;
}

const NONE = -1;

export class PacedBody extends Expiring implements BodySink {
  private readonly context: Context;
  private readonly arena: Arena;
  private readonly pace: Pace;
  private readonly sink: BodySink;
  private readonly owner: PacedBodyOwner;
  /** The head waits in front of the first bytes. */
  private hasHead = true;
  /** The segment that is held. */
  private slot = NONE;
  private offset = 0;
  private length = 0;
  /** For the timer. */
  private waits = false;
  /** No more of it comes. */
  private isEnding = false;
  /** All of it has been handed on. */
  isDone = false;

  constructor(context: Context, pace: Pace, sink: BodySink, owner: PacedBodyOwner) {
    super();
    this.context = context;
    this.arena = context.arena;
    this.pace = pace;
    this.sink = sink;
    this.owner = owner;
  }

  get isFull(): boolean {
    return this.waits || this.slot >= 0 || this.sink.isFull;
  }

  get takesChunks(): boolean {
    return this.sink.takesChunks;
  }

  get keepsScarce(): boolean {
    return this.slot >= 0 && this.arena.isScarce(this.slot);
  }

  send(slot: number, offset: number, length: number): boolean {
    this.slot = slot;
    this.offset = offset;
    this.length = length;
    if (this.passOn() || !this.hasHead) return true;
    this.slot = NONE;
    this.isEnding = false;
    this.waits = false;
    this.deadline = 0;
    return false;
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

  /** Nothing is held: it would not have been taken. */
  sendTrailers(offset: number, length: number): boolean {
    return this.sink.sendTrailers(offset, length);
  }

  finish(): boolean {
    this.isEnding = true;
    if (this.slot < 0) this.isDone = this.sink.finish();
    return this.isDone || this.slot >= 0;
  }

  /** The client takes more. False: it is the server's turn. */
  resume(): boolean {
    if (!this.waits) this.passOn();
    return this.waits || this.slot >= 0;
  }

  override handleExpiry(): void {
    this.waits = false;
    this.passOn();
    this.owner.handlePaced();
  }

  /** It is over, however it ended. */
  release(): void {
    this.context.timers.remove(this);
    if (this.slot >= 0) this.arena.release(this.slot);
    this.slot = NONE;
    this.isDone = true;
  }

  /** As far as the rate and the client allow. False: no slot was free for it. */
  private passOn(): boolean {
    const { arena, pace, sink } = this;
    const { now } = this.context.transport;
    while (this.slot >= 0) {
      const room = pace.room(now);
      if (room === 0) break;
      if (sink.isFull) {
        this.owner.handleClientFull();
        return true;
      }
      const count = Math.min(room, this.length);
      const isLast = count === this.length;
      if (!isLast) arena.retain(this.slot);
      if (!sink.send(this.slot, this.offset, count)) {
        if (!isLast) arena.release(this.slot);
        this.waitUntil(now + TICK_MS);
        return false;
      }
      this.hasHead = false;
      pace.pass(count);
      this.offset += count;
      this.length -= count;
      if (isLast) this.slot = NONE;
    }
    if (this.slot < 0 && this.isEnding) {
      this.isDone ||= sink.finish();
      if (!this.isDone) this.waitUntil(now + TICK_MS);
    } else if (pace.room(now) === 0) this.waitUntil(pace.dueAt);
    return true;
  }

  private waitUntil(time: number): void {
    this.waits = true;
    this.context.timers.arm(this, time);
  }
}
