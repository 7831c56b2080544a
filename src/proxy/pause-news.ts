/**
 * What the keeper is told of a listener that does not accept. At its limit it pauses and resumes with every connection that comes
 * and goes; that is one pause, until it has accepted for a whole second.
 */
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';

const CALM_MS = 1_000;

export class PauseNews extends Expiring {
  private readonly context: Context;
  private readonly listener: string;
  private isTold = false;

  constructor(context: Context, listener: string) {
    super();
    this.context = context;
    this.listener = listener;
  }

  handlePause(reason: string): void {
    this.deadline = 0;
    if (this.isTold) return;
    this.isTold = true;
    this.context.report({ kind: 'accept-paused', listener: this.listener, reason });
  }

  handleResume(): void {
    const { timers, transport } = this.context;
    timers.arm(this, transport.now + CALM_MS);
  }

  handleExpiry(): void {
    this.isTold = false;
    this.context.report({ kind: 'accept-resumed', listener: this.listener });
  }
}
