/** What the limits of its route (core/limit) hold of one request: the cells of the table that count it, and how long it has to wait. */
import {
  giveBack,
  type LimitCounting,
  type Refusal,
  type RouteLimits,
  Verdict,
} from '../../core/limit/route-limits.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Context } from '../context.ts';
import { LimitedTunnel } from './limited-tunnel.ts';
import { DRY_LIMIT } from './own-responses.ts';
import type { Tunnel } from './sides.ts';

const verdict = new Verdict();

export class LimitHold {
  private readonly context: Context;
  /** Empty: nothing counts it. */
  private readonly cells: number[] = [];
  /** Once is enough, wherever it goes on. */
  private isJudged = false;
  /** The limiter that has refused it; empty: none. */
  limiter = '';
  /** Until then no server is looked for; 0: it need not wait. */
  delayedUntil = 0;

  constructor(context: Context) {
    this.context = context;
  }

  /** They do not concern it. */
  waive(): void {
    this.isJudged = true;
  }

  /** Null: the request in the view is let in, now or after a delay. `listener`: by its name. */
  judge(limits: RouteLimits, view: RequestView, listener: string): Refusal | null {
    if (this.isJudged) return null;
    this.isJudged = true;
    const { answers, limitCounting, sharedClockMs, transport } = this.context;
    const counting = limitCounting();
    if (counting === null) return null;
    limits.judge(view, counting, transport.now + sharedClockMs, verdict);
    if (verdict.isDry) answers.note(listener, DRY_LIMIT);
    if (verdict.refusal !== null) {
      this.limiter = verdict.refusal.limiter;
      return verdict.refusal;
    }
    for (const cell of verdict.cells) this.cells.push(cell);
    this.delayedUntil = verdict.delayMs === 0 ? 0 : transport.now + verdict.delayMs;
    return null;
  }

  /** Ends the delay. Whether there was one. */
  endDelay(): boolean {
    const wasDelayed = this.delayedUntil > 0;
    this.delayedUntil = 0;
    return wasDelayed;
  }

  /** The tunnel that the request has become, which still counts when the request is over. */
  over(tunnel: Tunnel): Tunnel {
    if (this.cells.length === 0) return tunnel;
    const cells = [...this.cells];
    this.cells.length = 0;
    return new LimitedTunnel(tunnel, this.context.limitCounting() as LimitCounting, cells);
  }

  /** The request is over. */
  release(): void {
    this.isJudged = false;
    this.limiter = '';
    this.delayedUntil = 0;
    if (this.cells.length === 0) return;
    giveBack(this.context.limitCounting() as LimitCounting, this.cells);
    this.cells.length = 0;
  }
}
