/** Ends what is still under way where no plan has its listener or server any more, when the time for it is over. */
import { closingsDue } from '../core/spread.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

/** Those that are left are ended one after the other within this part of the time that they had. */
const SPREAD = 0.1;

interface Retirement {
  readonly at: number;
  readonly spreadMs: number;
}

export class Retirements {
  private readonly context: Context;
  private waiting: Retirement[] = [];
  /** Whose time is over, and until when they are ended. */
  private ending: Session[] = [];
  private endBy = 0;
  private lookedAt = 0;

  constructor(context: Context) {
    this.context = context;
  }

  /** In `withinMs`, the time of some sessions is over. */
  add(withinMs: number): void {
    this.waiting.push({ at: this.context.transport.now + withinMs, spreadMs: withinMs * SPREAD });
  }

  /** At every tick. */
  handleTick(now: number): void {
    if (this.waiting.length === 0 && this.ending.length === 0) return;
    const due = this.waiting.filter(({ at }) => at <= now);
    if (due.length > 0) {
      this.waiting = this.waiting.filter(({ at }) => at > now);
      this.collect(now);
      this.lookedAt = now;
      this.endBy = now + Math.min(...due.map(({ spreadMs }) => spreadMs));
    }
    if (this.ending.length > 0) this.endSome(now);
  }

  private endSome(now: number): void {
    for (let due = closingsDue(this.ending.length, now - this.lookedAt, this.endBy - this.lookedAt); due > 0; due--) {
      const session = this.ending.pop()!;
      if (this.context.sessions.has(session) && session.retireAt() <= now) session.retire();
    }
    this.lookedAt = now;
    // Meanwhile a request may have become a tunnel, which is another session.
    if (this.ending.length === 0) this.collect(now);
  }

  private collect(now: number): void {
    this.ending = this.context.sessions.all().filter((session) => session.retireAt() <= now);
  }
}
