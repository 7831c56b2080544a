/**
 * Whether a peer of HTTP/2 is still there while something waits for it: after a silence it is asked by PING, and whatever comes is an answer. Nobody is
 * asked for whom nothing waits: servers of gRPC end connections that ping without calls, or more often than every five minutes
 * (gRPC's doc/keepalive.md).
 *
 * Contract: `begin` when the first stream begins, and `look` at the times that both return, as long as there are streams. Times in ms.
 */
import type { PingPlan } from '../../config/plan/upstream.ts';

export const LISTEN = 0;
/** PING is to be sent. */
export const ASK = 1;
/** It has not answered. */
export const DEAD = 2;
export type Silence = 0 | 1 | 2;

export class SilenceWatch {
  private readonly plan: PingPlan;
  private heardAt = 0;
  /** When it was asked; 0: it has said something since. */
  private askedAt = 0;
  /** When `look` is wanted next. */
  lookAt = 0;

  constructor(plan: PingPlan) {
    this.plan = plan;
  }

  /** Something waits for it, for the first time after nothing did. */
  begin(now: number): void {
    this.hear(now);
    this.lookAt = now + this.plan.idleMs;
  }

  /** It has said something, whatever that is. */
  hear(now: number): void {
    this.heardAt = now;
    this.askedAt = 0;
  }

  look(now: number): Silence {
    const { idleMs, timeoutMs } = this.plan;
    if (this.askedAt > 0) {
      this.lookAt = this.askedAt + timeoutMs;
      return now >= this.lookAt ? DEAD : LISTEN;
    }
    this.lookAt = this.heardAt + idleMs;
    if (now < this.lookAt) return LISTEN;
    this.askedAt = now;
    this.lookAt = now + timeoutMs;
    return ASK;
  }
}
