/** A connection of a server that has ended, and counts on for a while: see core/balance/service-time.ts. */
import { TICK_MS } from '../base/limits.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';

interface Owner<Server> {
  /** A held place is over. */
  giveHeld(server: Server): void;
}

/** Timers go off at a tick: on average this long after their time. */
const LATE_MS = TICK_MS / 2;

export class HeldPlace<Server> extends Expiring {
  private readonly owner: Owner<Server>;
  private readonly server: Server;

  private constructor(owner: Owner<Server>, server: Server) {
    super();
    this.owner = owner;
    this.server = server;
  }

  /**
   * Gives the place back after `holdMs`. What is shorter than the timers can tell is held for a tick or not at all, so that it is
   * right on average. False: not at all.
   */
  static begin<Server>(context: Context, owner: Owner<Server>, server: Server, holdMs: number): boolean {
    if (holdMs < LATE_MS && context.prng.below(LATE_MS) >= holdMs) return false;
    const { timers, transport } = context;
    timers.arm(new HeldPlace(owner, server), transport.now + Math.max(1, holdMs - LATE_MS));
    return true;
  }

  override handleExpiry(): void {
    this.owner.giveHeld(this.server);
  }
}
