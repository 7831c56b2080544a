/**
 * The idle keep-alive connections of one proxy to one server. The last one given back is the first taken, so those that nobody
 * has needed for the pool's time are those that the demand of that time did not need: they are let go, a few at each tick.
 * So the pool keeps what was in use at one time, whatever that is.
 */
import { TICK_MS } from '../../base/limits.ts';
import { closingsDue } from '../../core/spread.ts';
import type { Context, Pool } from '../context.ts';
import { Expiring } from '../expiring.ts';
import type { Pooled, ServerSide, Shared } from './sides.ts';

/** What nobody needs any more is let go so fast that all of it would be gone in so long; less and less is left. */
const LET_GO_MS = 5000;

export class IdlePool extends Expiring implements Pool {
  private readonly context: Context;
  /** At most so many. */
  limit: number;
  /** How long one is kept that nobody needs. */
  keepMs: number;
  private newest: Pooled | null = null;
  private oldest: Pooled | null = null;
  private connectionCount = 0;
  /** Of the connections in use that have room for more exchanges: the one that was full last. */
  private firstShared: Shared | null = null;

  constructor(context: Context, limit: number, keepMs: number) {
    super();
    this.context = context;
    this.limit = limit;
    this.keepMs = keepMs;
    context.pools.add(this);
  }

  get count(): number {
    return this.connectionCount;
  }

  /** Since when the one has been idle that has been so for longest; Infinity: there is none. */
  get idleSince(): number {
    return this.oldest === null ? Infinity : this.oldest.idleSince;
  }

  /** Goes on with other bounds. */
  configure(limit: number, keepMs: number): void {
    this.limit = limit;
    if (keepMs < this.keepMs) this.context.timers.arm(this, this.context.transport.now + TICK_MS);
    this.keepMs = keepMs;
    this.context.pools.add(this);
  }

  /** Nothing is kept any more; what is there is let go little by little. */
  retire(): void {
    this.configure(0, 0);
    if (this.oldest === null) this.context.pools.delete(this);
  }

  /**
   * What is in use and has room, so that there are few connections, or else the connection that was used last; null: none. `isToStand`: what is
   * sent on it cannot be sent again, so it must not be one that the server has closed already.
   */
  take(isToStand: boolean): ServerSide | null {
    if (this.firstShared !== null) return this.firstShared.join();
    const { now } = this.context.transport;
    for (;;) {
      const connection = this.newest;
      if (connection === null || connection.idleSince + this.keepMs <= now) return null;
      this.remove(connection);
      if (!isToStand || connection.isStanding) return connection.join();
      connection.close();
    }
  }

  /** Keeps it; the oldest goes when there are too many. */
  put(connection: Pooled): void {
    const { isDraining, socketsMax, transport } = this.context;
    // Few descriptors are left: who may need this one goes to another server.
    if (this.limit === 0 || isDraining || transport.socketCount > socketsMax) {
      connection.close();
      return;
    }
    const { now } = transport;
    connection.idleSince = now;
    connection.older = this.newest;
    connection.newer = null;
    if (this.newest === null) this.oldest = connection;
    else this.newest.newer = connection;
    this.newest = connection;
    this.connectionCount++;
    if (this.connectionCount > this.limit) this.closeOldest();
    if (this.deadline === 0) this.context.timers.arm(this, now + this.keepMs);
  }

  /** It is in use, and has room for more. It is the next to be taken, so that those behind it come to rest. */
  share(connection: Shared): void {
    const { firstShared } = this;
    connection.sharedBefore = null;
    connection.sharedBehind = firstShared;
    if (firstShared !== null) firstShared.sharedBefore = connection;
    this.firstShared = connection;
  }

  /** It has none any more. */
  unshare(connection: Shared): void {
    const { sharedBefore, sharedBehind } = connection;
    if (sharedBefore === null) this.firstShared = sharedBehind;
    else sharedBefore.sharedBehind = sharedBehind;
    if (sharedBehind !== null) sharedBehind.sharedBefore = sharedBefore;
    connection.sharedBefore = connection.sharedBehind = null;
  }

  remove(connection: Pooled): void {
    if (connection.newer === null) this.newest = connection.older;
    else connection.newer.older = connection.older;
    if (connection.older === null) this.oldest = connection.newer;
    else connection.older.newer = connection.newer;
    connection.newer = null;
    connection.older = null;
    this.connectionCount--;
  }

  override handleExpiry(now: number): void {
    for (let due = closingsDue(this.connectionCount, TICK_MS, LET_GO_MS); due > 0; due--) {
      if (this.idleSince + this.keepMs > now) break;
      this.closeOldest();
    }
    if (this.oldest !== null) this.context.timers.arm(this, Math.max(this.idleSince + this.keepMs, now + TICK_MS));
    else if (this.limit === 0) this.context.pools.delete(this);
  }

  /** Closes the one that was not used for the longest time. */
  closeOldest(): void {
    const { oldest } = this;
    if (oldest === null) return;
    this.remove(oldest);
    oldest.close();
  }

  /** The same, so that its local port is free at once: closed in the usual way, it would be in TIME_WAIT for a minute. */
  resetOldest(): void {
    const { oldest } = this;
    if (oldest === null) return;
    this.remove(oldest);
    oldest.reset();
  }

  closeAll(): void {
    while (this.oldest !== null) this.closeOldest();
  }
}
