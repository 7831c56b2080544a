/**
 * The servers behind one name or address that a request has named (`server-by`): an upstream whose servers are what the name resolves to,
 * not what the board says. Who comes while the name is being asked for waits in its queue. An answer that is over is asked for anew
 * by who needs it; whatever fails then leaves the last good one in force.
 */
import type { Address } from '../base/address.ts';
import { SERVER_UP, WEIGHT_UNIT } from '../base/board.ts';
import { ADDRESSES_PER_NAME_MAX } from '../base/limits.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { PICK_FULL, PICK_OWN, PICK_UNNAMED } from '../core/balance/balancer.ts';
import { refreshDelayMs } from '../core/health/refresh.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';
import type { MakeServerLayer } from './layer.ts';
import { type NameNews, Upstream } from './upstream.ts';
import type { Waiter } from './waiter.ts';

/** Requests that wait for one name. */
const WAITERS_MAX = 1024;
/** How long who could use the last answer waits for another one. */
const STALE_WAIT_MS = 500;
/** What the keeper needs besides, to say that nobody has answered. */
const KEEPER_MS = 1000;
/** An address may become one of this machine. */
const OWN_MS = 1000;

/** Ends waiting where no answer comes. */
class Patience extends Expiring {
  private readonly onEnd: () => void;

  constructor(onEnd: () => void) {
    super();
    this.onEnd = onEnd;
  }

  override handleExpiry(): void {
    this.deadline = 0;
    this.onEnd();
  }
}

export class NamedUpstream extends Upstream {
  readonly host: string;
  private readonly port: number;
  private readonly world: Context;
  private readonly server: ServerPlan;
  private readonly patience = new Patience(() => this.handlePatienceEnd());
  private isAsking = false;
  /** Nobody waits for another answer than the one that there is. */
  private isSettled = false;
  /** Of the address that it is. Null: it is a name. */
  private fixed: 4 | 6 | null = null;
  /** It has no addresses but those of this proxy's listeners. */
  private isOwn = false;
  /** From when on it is asked for anew. */
  private askAt = 0;
  private failures = 0;

  /** `base`: of the plan. */
  constructor(context: Context, base: UpstreamPlan, host: string, port: number, makeLayer: MakeServerLayer) {
    super(context, withoutServers(base), makeLayer);
    this.world = context;
    this.host = host;
    this.port = port;
    this.server = { ...base.servers[0], name: host, target: { hostname: host, port }, slotCount: 0 };
  }

  /** A request wants it: asks for its name if that is due. */
  want(ask: (hostname: string) => boolean): void {
    const { now } = this.world.transport;
    if (this.isAsking || now < this.askAt) return;
    if (this.fixed !== null) return this.setFixed(this.fixed);
    const hasAnswer = this.servers.length > 0;
    if (!ask(this.host)) {
      this.isSettled = true;
      return;
    }
    this.isAsking = true;
    this.isSettled = false;
    const patienceMs = hasAnswer ? STALE_WAIT_MS : (this.plan.resolver?.timeoutMs ?? 0) + KEEPER_MS;
    this.world.timers.arm(this.patience, now + patienceMs);
  }

  /** It is this address, for good. */
  setFixed(family: 4 | 6): void {
    const { ownListeners, transport } = this.world;
    this.fixed = family;
    this.askAt = ownListeners.hasPort(this.port) ? transport.now + OWN_MS : Infinity;
    this.isSettled = true;
    this.setAddresses([{ family, host: this.host, port: this.port }]);
  }

  handleNews({ addresses, ttlMs }: NameNews): void {
    if (!this.isAsking) return;
    this.isAsking = false;
    this.failures = addresses.length === 0 ? this.failures + 1 : 0;
    // without any answer the next request asks again
    const retryMs = this.servers.length === 0 && !this.isOwn ? 0 : refreshDelayMs(null, this.failures);
    this.askAt = this.world.transport.now + (this.failures === 0 ? ttlMs : retryMs);
    if (addresses.length > 0) {
      const sorted = addresses.slice(0, ADDRESSES_PER_NAME_MAX).sort((a, b) => (a.host < b.host ? -1 : 1));
      this.setAddresses(sorted.map(({ family, host }) => ({ family, host, port: this.port })));
    }
    this.settle();
  }

  private handlePatienceEnd(): void {
    // an answer that comes yet is welcome
    if (this.servers.length === 0) this.isAsking = false;
    this.settle();
  }

  private settle(): void {
    this.world.timers.remove(this.patience);
    this.isSettled = true;
    this.serveWaiters();
  }

  private setAddresses(all: readonly Address[]): void {
    const { ownListeners, transport } = this.world;
    const addresses = all.filter((address) => !ownListeners.has(address, transport.now));
    this.isOwn = addresses.length === 0;
    const servers = [{ ...this.server, slotCount: addresses.length }];
    this.apply({ ...this.plan, servers }, Infinity);
    addresses.forEach((address, i) => {
      const server = this.servers[i];
      server.weight = WEIGHT_UNIT;
      server.setState(SERVER_UP);
      server.setAddress(address, this.plan.sources);
    });
    this.refreshed();
  }

  override pick(waiter: Waiter): number {
    if (!this.isSettled) return PICK_FULL;
    if (this.servers.length > 0) return super.pick(waiter);
    return this.isOwn ? PICK_OWN : PICK_UNNAMED;
  }

  /** It shares its places on the board with others. */
  protected override tellWaiting(): void {
    // nobody is told
  }

  /** Nobody comes any more. What is under way goes on until `at`. */
  forget(at: number): void {
    this.world.timers.remove(this.patience);
    this.retire(at);
    this.leave();
  }
}

function withoutServers(plan: UpstreamPlan): UpstreamPlan {
  const waitMs = (plan.resolver?.timeoutMs ?? 0) + 2 * KEEPER_MS;
  const timeouts = { ...plan.timeouts, queueMs: Math.max(plan.timeouts.queueMs, waitMs) };
  return { ...plan, servers: [], queueMax: WAITERS_MAX, timeouts };
}
