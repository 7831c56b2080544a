/**
 * What has to let one request in before a server is looked for: the limits of its route, and then its guard, which others are asked for. A request
 * that has neither pays one comparison.
 */
import { ENTERS } from '../../core/guard/verdict.ts';
import type { Refusal } from '../../core/limit/route-limits.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { SavedView } from '../../core/value/saved-view.ts';
import type { Context } from '../context.ts';
import type { Entry, Guard } from './guard.ts';
import { type Asker, Inquiry } from './inquiry.ts';
import { LimitHold } from './limit-hold.ts';
import { notEntered, type OwnResponse } from './own-responses.ts';
import type { Tunnel } from './sides.ts';
import type { Trail } from './trail.ts';

const UNAUTHORIZED = 401;

export class EntryHold<R> {
  private readonly context: Context;
  private readonly asker: Asker;
  private readonly limits: LimitHold;
  /** Its route has limits or a guard, or nothing of that concerns it. */
  isHeld = false;
  /** Null: nobody is to be asked. */
  private inquiry: Inquiry<R> | null = null;
  /** That has just let it in. */
  private passed: Guard<R> | null = null;
  /** What it was when it came to a guard, with what those have said who were asked; null: nobody was. */
  saved: SavedView | null = null;
  /** What it is to be answered with, perhaps when it has waited; null: it goes on. */
  refusal: OwnResponse | null = null;
  private refusedBy: Trail | null = null;
  private refusedUntil = 0;

  constructor(context: Context, asker: Asker) {
    this.context = context;
    this.asker = asker;
    this.limits = new LimitHold(context);
  }

  /** That has refused it; empty: none has. */
  get limiter(): string {
    return this.limits.limiter;
  }

  /** Null: its limits let the request in the view in, now or after a delay. */
  judge({ limits }: Entry<R>, view: RequestView, listener: string): Refusal | null {
    this.isHeld = true;
    return limits === null ? null : this.limits.judge(limits, view, listener);
  }

  /** Whether somebody has to be asked about the request in the view before it is kept for a server. */
  asks({ guard }: Entry<R>, view: RequestView): boolean {
    if (guard === null) return false;
    if (guard === this.passed) {
      // once: wherever it goes on, it is asked about again
      this.passed = null;
      return false;
    }
    this.inquiry = new Inquiry(this.context, this.asker, guard, view);
    this.saved = this.inquiry.saved;
    return true;
  }

  /** It is a question itself, which goes to a route whatever that has for others. */
  waive(entry: Entry<R> | null): void {
    this.isHeld = true;
    this.limits.waive();
    this.passed = entry === null ? null : entry.guard;
  }

  get isAsking(): boolean {
    return this.inquiry !== null;
  }

  /** With the question that is next. */
  get asking(): Inquiry<R> {
    return this.inquiry as Inquiry<R>;
  }

  /** The servers that are asked, or were and have not let it in; null: there are none. */
  get asked(): Trail | null {
    return this.inquiry === null ? this.refusedBy : this.inquiry.tries;
  }

  /** What the guard has said (core/guard): the request enters, or there is a `refusal`. Lines that go with that. */
  settle(verdict: number): Uint8Array | null {
    const { challenge, guard, tries } = this.asking;
    this.inquiry = null;
    if (verdict === ENTERS) {
      this.passed = guard;
      return null;
    }
    this.refusedBy = tries;
    this.refusal = notEntered(verdict);
    if (verdict !== UNAUTHORIZED) return null;
    const { delayMs } = guard.plan;
    if (delayMs > 0) this.refusedUntil = this.context.transport.now + delayMs;
    return challenge;
  }

  /** The `refusal`, which it is answered with now: a page in its place may have a guard of its own. */
  takeRefusal(): OwnResponse | null {
    const { refusal } = this;
    this.refusal = null;
    return refusal;
  }

  /** Until then it waits; 0: it need not. */
  get delayedUntil(): number {
    return this.refusedUntil > 0 ? this.refusedUntil : this.limits.delayedUntil;
  }

  /** Ends the delay. Whether there was one. */
  endDelay(): boolean {
    const wasRefused = this.refusedUntil > 0;
    this.refusedUntil = 0;
    return this.limits.endDelay() || wasRefused;
  }

  /** The tunnel that the request has become, which still counts when the request is over. */
  over(tunnel: Tunnel): Tunnel {
    return this.limits.over(tunnel);
  }

  /** Whatever it waits for is given up: it goes on elsewhere, or is over. */
  abandon(): void {
    const { inquiry } = this;
    this.inquiry = null;
    this.passed = null;
    this.refusal = null;
    this.refusedBy = null;
    this.endDelay();
    inquiry?.cancel();
  }

  /** The request is over. */
  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.saved = null;
    this.abandon();
    this.limits.release();
  }
}
