/** A connection of a server that has ended, and counts on for a while: see core/balance/service-time.ts. */
import { TICK_MS } from '../base/limits.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';
import type { Server, Upstream } from './upstream.ts';

/** Timers go off at a tick: on average this long after their time. */
const LATE_MS = TICK_MS / 2;

export class HeldPlace extends Expiring {
  private readonly upstream: Upstream;
  private readonly server: Server;

  private constructor(upstream: Upstream, server: Server) {
    super();
    this.upstream = upstream;
    this.server = server;
  }

  /**
   * Gives the place back after `holdMs`. What is shorter than the timers can tell is held for a tick or not at all, so that it is
   * right on average. False: not at all.
   */
  static begin(context: Context, upstream: Upstream, server: Server, holdMs: number): boolean {
    if (holdMs < LATE_MS && context.prng.below(LATE_MS) >= holdMs) return false;
    const { timers, transport } = context;
    timers.arm(new HeldPlace(upstream, server), transport.now + Math.max(1, holdMs - LATE_MS));
    return true;
  }

  override handleExpiry(): void {
    this.upstream.giveHeld(this.server);
  }
}
