/**
 * An upstream as one proxy sees it: its servers (one per address), who is next, and who waits because all are full.
 *
 * The status board says which servers are up, where they are and how much they weigh; `readSlot` and `refreshed` take that
 * over when it changed. Connection counts go to this proxy's row on the board, so that limits and least-connections hold
 * for all proxies together.
 */
import type { Address } from '../base/address.ts';
import { formatIP } from '../base/address.ts';
import { SERVER_DRAINING, SERVER_EMPTY, type ServerSlot } from '../base/board.ts';
import { hashWords } from '../base/hash.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { type Balancer, NO_KEY, PICK_FULL } from '../core/balance/balancer.ts';
import { createBalancer } from '../core/balance/create.ts';
import { ServiceTime } from '../core/balance/service-time.ts';
import { canWork } from '../core/balance/tier.ts';
import { HashKey } from '../core/route/hash-key.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { type IpWords, isV4 } from '../wire/ip-text.ts';
import type { Context } from './context.ts';
import { HeldPlace } from './held-place.ts';
import type { MakeServerLayer } from './layer.ts';
import { Server } from './server.ts';
import { StickyCookie } from './http/sticky-cookie.ts';
import { NamedServers, type Stickiness } from './stickiness.ts';
import { Learning } from './learning.ts';
import type { StickyAnswer } from './http/sticky-answer.ts';
import type { Waiter } from './waiter.ts';

/** Places of one server that failed tries hold, at most: more say nothing more about it. */
const HELD_PLACES_MAX = 1024;

/** Where each request goes, of an upstream that leaves that to the request. */
export interface Choice {
  /** The upstreams that it may name, by text. */
  link(known: ReadonlyMap<string, Upstream>): void;
  /** For the request in the view, which says from here on where it goes. Null: it names nothing. */
  choose(view: RequestView): Upstream | null;
  /** What the request that was chosen for last says of its path and query holds. False: it cannot. */
  applyTarget(view: RequestView): boolean;
  /** An answer to what it has asked. */
  handleNews(hostname: string, news: NameNews): void;
  /** Nobody comes any more. Who waits for a name gets the answer still. What is under way goes on until `at`. */
  leave(at: number): void;
  /** Nothing of it is left. */
  readonly isEmpty: boolean;
}

/** What a name stands for. */
export interface NameNews {
  /** Without port. Empty: there is no answer. */
  readonly addresses: readonly { readonly family: 4 | 6; readonly host: string }[];
  /** As long as they count. */
  readonly ttlMs: number;
}

/** How its clients keep their servers. */
interface StickyParts {
  /** Null: no client belongs to a server. */
  readonly stickiness: Stickiness | null;
  /** Null: nothing is done with responses because of it. */
  readonly stickyAnswer: StickyAnswer | null;
}

export class Upstream {
  plan: UpstreamPlan;
  servers: readonly Server[] = [];
  /** Set if and only if it is balanced by a part of the request. */
  hashKey: HashKey | null;
  sticky: StickyParts;
  /** When what began here has to have ended, because no plan has this upstream any more. */
  retireAt = Infinity;
  /** Null: its servers are those of the plan. */
  choice: Choice | null = null;
  /** The one before, by an earlier plan. */
  formerChoice: Choice | null = null;
  private readonly makeLayer: MakeServerLayer;
  private readonly context: Context;
  private balancer: Balancer;
  private firstWaiter: Waiter | null = null;
  private lastWaiter: Waiter | null = null;
  private waiterCount = 0;
  private isServing = false;
  private readonly serviceTime = new ServiceTime();

  constructor(context: Context, plan: UpstreamPlan, makeLayer: MakeServerLayer = () => null) {
    this.context = context;
    this.plan = plan;
    this.makeLayer = makeLayer;
    this.hashKey = hashKeyOf(plan);
    this.sticky = stickyPartsOf(context, plan);
    this.balancer = balancerFor(plan, context);
    this.replaceServers(plan, Infinity);
  }

  /**
   * Goes on by another plan of this upstream. True: a server is gone, and what is under way there has to end by `retireAt`.
   * `readSlot` for every server and `refreshed` must follow.
   */
  apply(plan: UpstreamPlan, retireAt: number): boolean {
    if (plan.balance !== this.plan.balance || queues(plan) !== queues(this.plan))
      this.balancer = balancerFor(plan, this.context);
    this.hashKey = hashKeyOf(plan);
    if (JSON.stringify(plan.sticky) !== JSON.stringify(this.plan.sticky))
      this.sticky = stickyPartsOf(this.context, plan);
    if (plan.proxyProtocol !== this.plan.proxyProtocol || plan.protocol !== this.plan.protocol)
      for (const server of this.servers) server.renewPool();
    if (this.choice !== null && JSON.stringify(plan) !== JSON.stringify(this.plan)) this.endChoice(retireAt);
    const isTlsNew = JSON.stringify(plan.tls) !== JSON.stringify(this.plan.tls);
    this.plan = plan;
    const isServerGone = this.replaceServers(plan, retireAt);
    if (isTlsNew) {
      for (const server of this.servers) {
        server.setLayer(this.makeLayer(plan, server.plan));
        server.renewPool();
      }
    }
    return isServerGone;
  }

  /** Where requests go is to be chosen by another one. What is under way there goes on until `at`. */
  endChoice(at: number): void {
    if (this.choice === null) return;
    this.choice.leave(at);
    this.formerChoice = this.choice.isEmpty ? null : this.choice;
    this.choice = null;
  }

  /** No plan has it any more. Who waits here is served still, until `leave`. */
  retire(at: number): void {
    this.retireAt = at;
    this.choice?.leave(at);
    for (const server of this.servers) server.retire(at);
  }

  /** What was under way has had its time, and nobody waits. */
  leave(): void {
    for (const server of this.servers) {
      server.leave();
      server.setLayer(null);
    }
    this.refreshed();
  }

  /** A server that was there stays what it is: its connections, its pool, its turn. */
  private replaceServers(plan: UpstreamPlan, retireAt: number): boolean {
    const former = new Map(this.servers.map((server) => [server.slot, server]));
    const servers: Server[] = [];
    for (const serverPlan of plan.servers) {
      for (let slot = serverPlan.firstSlot; slot < serverPlan.firstSlot + serverPlan.slotCount; slot++) {
        let server = former.get(slot);
        if (server?.epoch !== serverPlan.epoch) {
          server = new Server(this.context, serverPlan, slot, plan, this.makeLayer(plan, serverPlan));
        } else {
          former.delete(slot);
          server.apply(serverPlan, plan);
        }
        server.number = servers.push(server) - 1;
      }
    }
    for (const gone of former.values()) {
      gone.isGone = true;
      gone.retire(retireAt);
      gone.leave();
      gone.setLayer(null);
    }
    this.servers = servers;
    return former.size > 0;
  }

  // --- what the board says ---

  /** One server's line of the board. `refreshed` must follow when all were read. */
  readSlot(server: Server, line: ServerSlot): void {
    server.weight = line.weight;
    server.isStandIn = line.isBackup;
    server.setState(line.state);
    server.keepsKeys = line.state === SERVER_DRAINING && (this.isHashed || this.sticky.stickiness !== null);
    const address = addressOf(server.plan, line);
    if (address === null) server.leave();
    else server.setAddress(address, this.plan.sources);
    if (!server.isUsable && !server.keepsKeys) server.idle.closeAll();
  }

  private get isHashed(): boolean {
    return this.plan.balance === 'hash' || this.plan.balance === 'source-hash';
  }

  refreshed(): void {
    this.sticky.stickiness?.update(this.servers);
    this.balancer.update(this.servers);
    this.serveWaiters();
  }

  // --- choosing ---

  /** What the request in the view is balanced by; 0 where that is nothing of it. */
  keyFor(view: RequestView): number {
    const { hashKey, plan } = this;
    const { client } = view;
    if (plan.balance === 'nginx-ip-hash') return (isV4(client) ? client.ip3 : hashOf(client)) >>> 8;
    if (hashKey === null) return plan.balance === 'source-hash' ? hashOf(client) : 0;
    return hashKey.of(view, plan.balance === 'hash' ? hashOf(client) : NO_KEY);
  }

  /** The number of a server for `waiter`, or a PICK_ code. A server that was picked must be taken. */
  pick(waiter: Waiter): number {
    if (waiter.bound !== null) return this.pickBound(waiter, waiter.bound);
    return this.balancer.pick(this.context.board, waiter.key, waiter.tried, waiter.triedCount);
  }

  /** A server that `waiter` belongs to, of the backups where those are picked; else as for everybody. */
  private pickBound(waiter: Waiter, bound: readonly Server[]): number {
    const own = this.firstOf(bound, false, waiter);
    if (own >= 0) return own;
    const picked = this.balancer.pick(this.context.board, waiter.key, waiter.tried, waiter.triedCount);
    const isPrimary = picked === PICK_FULL || (picked >= 0 && !this.servers[picked].isBackup);
    const backup = isPrimary ? -1 : this.firstOf(bound, true, waiter);
    return backup >= 0 ? backup : picked;
  }

  private firstOf(bound: readonly Server[], isBackup: boolean, waiter: Waiter): number {
    for (const server of bound) {
      if (server.isBackup === isBackup && server.takesBound && !waiter.hasTried(server)) return server.number;
    }
    return -1;
  }

  /** Whether there is a server that takes work besides `used` and those that `waiter` has tried. */
  hasOther(waiter: Waiter, used: Server): boolean {
    for (const server of this.servers) {
      if (server !== used && canWork(server) && !waiter.hasTried(server)) return true;
    }
    return false;
  }

  /** One more connection of `server` is in use. */
  take(server: Server): void {
    this.context.row.addServerConnections(server.slot, 1);
    this.context.row.countServerRequest(server.slot);
  }

  /** One less; a waiting request may have it. */
  give(server: Server): void {
    this.context.row.addServerConnections(server.slot, -1);
    if (this.firstWaiter !== null) this.serveWaiters();
  }

  /** As `give`, of one that served what it was taken for in so long, and began to after `answeredMs`. */
  giveServed(server: Server, answeredMs: number, tookMs: number): void {
    this.serviceTime.note(tookMs);
    this.balancer.noteServed(server.slot, answeredMs, tookMs);
    this.give(server);
  }

  /** As `give`, of one that has failed after `tookMs`: so that failing soon draws no more, it counts as long as others do. */
  giveFailed(server: Server, tookMs: number): void {
    const holdMs = this.serviceTime.holdMs(tookMs);
    if (holdMs > 0 && server.heldPlaces < HELD_PLACES_MAX && HeldPlace.begin(this.context, this, server, holdMs)) {
      server.heldPlaces++;
    } else {
      this.give(server);
    }
  }

  giveHeld(server: Server): void {
    server.heldPlaces--;
    this.give(server);
  }

  // --- waiting ---

  /** Puts it at the end of the queue; false: the queue is full. The waiter minds its own timeout. */
  enqueue(waiter: Waiter): boolean {
    if (this.waiterCount >= this.plan.queueMax) return false;
    waiter.isQueued = true;
    waiter.previousWaiter = this.lastWaiter;
    waiter.nextWaiter = null;
    if (this.lastWaiter === null) this.firstWaiter = waiter;
    else this.lastWaiter.nextWaiter = waiter;
    this.lastWaiter = waiter;
    this.waiterCount++;
    this.tellWaiting(this.waiterCount);
    return true;
  }

  /** Takes it out of the queue. Idempotent. */
  dequeue(waiter: Waiter): void {
    if (!waiter.isQueued) return;
    waiter.isQueued = false;
    if (waiter.previousWaiter === null) this.firstWaiter = waiter.nextWaiter;
    else waiter.previousWaiter.nextWaiter = waiter.nextWaiter;
    if (waiter.nextWaiter === null) this.lastWaiter = waiter.previousWaiter;
    else waiter.nextWaiter.previousWaiter = waiter.previousWaiter;
    waiter.nextWaiter = null;
    waiter.previousWaiter = null;
    this.waiterCount--;
    this.tellWaiting(this.waiterCount);
  }

  protected tellWaiting(count: number): void {
    this.context.row.setWaiting(this.servers[0].slot, count);
  }

  /**
   * Serves the queue as far as there are free servers. Called when one became free here, and now and then because one may
   * have become free in another proxy. What a served waiter gives back at once is seen by this same loop: no recursion.
   */
  serveWaiters(): void {
    if (this.isServing) return;
    this.isServing = true;
    while (this.firstWaiter !== null) {
      const waiter = this.firstWaiter;
      const picked = this.pick(waiter);
      if (picked === PICK_FULL) break;
      this.dequeue(waiter);
      waiter.handlePicked(picked);
    }
    this.isServing = false;
  }

  get hasWaiters(): boolean {
    return this.firstWaiter !== null;
  }
}

/** Null: the slot has no address now. A Unix socket's path does not fit on the board; it is fixed in the plan. */
function addressOf(plan: ServerPlan, line: ServerSlot): Address | null {
  if (line.family === 0) return line.state !== SERVER_EMPTY && 'host' in plan.target ? plan.target : null;
  const bytes = line.family === 4 ? line.address.subarray(0, 4) : line.address;
  return { family: line.family, host: formatIP(bytes), port: line.port };
}

function queues({ queueMax }: UpstreamPlan): boolean {
  return queueMax > 0;
}

function balancerFor(plan: UpstreamPlan, { prng, isAlone, transport }: Context): Balancer {
  return createBalancer(plan.balance, prng, isAlone, !queues(plan), transport);
}

function stickyPartsOf(context: Context, { name, sticky }: UpstreamPlan): StickyParts {
  if (sticky === undefined) return { stickiness: null, stickyAnswer: null };
  if (sticky.learn !== undefined) {
    const learning = new Learning(context, sticky.learn, name);
    return { stickiness: learning, stickyAnswer: learning };
  }
  return {
    stickiness: new NamedServers(sticky),
    stickyAnswer: sticky.cookie === null ? null : new StickyCookie(sticky.cookie),
  };
}

function hashOf({ ip0, ip1, ip2, ip3 }: IpWords): number {
  return hashWords(ip0, ip1, ip2, ip3);
}

/** Our own balancing by `hash` has a key of its own; the others are nginx's, and so are their keys. */
function hashKeyOf({ hash, balance }: UpstreamPlan): HashKey | null {
  return hash === null ? null : new HashKey(hash, balance !== 'hash');
}
