/** One server of an upstream as one proxy sees it: where it is, in what state, and the connections to it that wait to be used again. */
import type { Address } from '../base/address.ts';
import { addressText } from '../base/address.ts';
import { type Board, SERVER_DOWN, SERVER_EJECTED, SERVER_EMPTY, SERVER_UP } from '../base/board.ts';
import { preparedText } from '../base/source-ring.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import type { Endpoint } from '../core/balance/balancer.ts';
import type { Transport } from '../port/transport.ts';
import type { Context } from './context.ts';
import { IdlePool } from './http/idle-pool.ts';
import type { ServerLayer } from './layer.ts';

const NO_ID = new Uint8Array(0);

/** One address of one configured server. */
export class Server implements Endpoint {
  readonly slot: number;
  readonly epoch: number;
  plan: ServerPlan;
  private readonly context: Context;
  private readonly transport: Transport;
  /** Idle keep-alive connections of this proxy. A connection goes back to the pool that was there when it was begun. */
  idle: IdlePool;
  /** What `preparedAddress` is, or was last, made of. */
  identity = '';
  /** Where it is, or was last. */
  addressText = '';
  weight = 0;
  /** The board says that it is a backup, whatever the plan does. */
  isStandIn = false;
  isUsable = false;
  /** It was found to be down. */
  private isDown = false;
  keepsKeys = false;
  /** What `Transport.connect` takes; -1: no address. */
  preparedAddress = -1;
  /** When what is under way here has to have ended. */
  retireAt = Infinity;
  /** Its upstream has it no more, and another one may have its slot. */
  isGone = false;
  /** Where it stands among the servers of its upstream. */
  number = 0;
  /** What clients that belong to it say. Empty: it has none. */
  stickyId: Uint8Array = NO_ID;
  /** What it is in what is learned (learning.ts); 0: nothing is. */
  stickyNumber = 0;
  /** Connections that have ended and still count. */
  heldPlaces = 0;
  /** When it last answered a datagram of anybody's. */
  datagramAnsweredAt = -Infinity;
  /** What connections to it go through; null: nothing. */
  layer: ServerLayer | null;

  private readonly board: Board;

  constructor(context: Context, plan: ServerPlan, slot: number, upstream: UpstreamPlan, layer: ServerLayer | null) {
    this.layer = layer;
    this.plan = plan;
    this.slot = slot;
    this.epoch = plan.epoch;
    this.context = context;
    this.transport = context.transport;
    this.board = context.board;
    this.idle = new IdlePool(context, idleMax(upstream), upstream.timeouts.idleMs);
  }

  get isBackup(): boolean {
    return this.plan.backup || this.isStandIn;
  }

  get maxConnections(): number {
    return this.plan.maxConnections;
  }

  /** Whether it takes one more request of who belongs to it. */
  get takesBound(): boolean {
    if (!this.isUsable && !this.keepsKeys) return false;
    return this.maxConnections === 0 || this.board.serverConnections(this.slot) < this.maxConnections;
  }

  /** Goes on by another plan of it and its upstream. */
  apply(plan: ServerPlan, upstream: UpstreamPlan): void {
    this.plan = plan;
    this.idle.configure(idleMax(upstream), upstream.timeouts.idleMs);
  }

  setState(state: number): void {
    this.isUsable = state === SERVER_UP;
    this.isDown = state === SERVER_DOWN || state === SERVER_EJECTED || state === SERVER_EMPTY;
  }

  /** Nothing that is sent there is of use any more: it is down, or its time after a reload is over. */
  isLost(now: number): boolean {
    return this.isDown || this.retireAt <= now;
  }

  /** Why the last TLS handshake with it failed, for people. */
  get tlsFailure(): string {
    return this.layer?.failure ?? '';
  }

  /** New connections go through this one. */
  setLayer(layer: ServerLayer | null): void {
    this.layer?.release();
    this.layer = layer;
  }

  /** Where it is from now on. */
  setAddress(address: Address, sources: readonly Address[]): void {
    const identity = preparedText(address, sources);
    if (identity === this.identity && this.preparedAddress >= 0) return;
    this.forgetAddress();
    this.identity = identity;
    this.addressText = addressText(address);
    this.preparedAddress = this.transport.prepareAddress(address, sources);
    this.renewPool();
  }

  /** What is connected from now on is another thing than what was: that is not used again, also what is under way now. */
  renewPool(): void {
    const { limit, keepMs } = this.idle;
    this.idle.closeAll();
    this.idle.retire();
    this.idle = new IdlePool(this.context, limit, keepMs);
  }

  /** Its connections go on. */
  private forgetAddress(): void {
    if (this.preparedAddress >= 0) this.transport.forgetAddress(this.preparedAddress);
    this.preparedAddress = -1;
  }

  /** It may be that it serves no more connections than it may be sent requests at a time: those here count, and one that is done. */
  get hasRoomForIdle(): boolean {
    const { maxConnections, idle } = this;
    return maxConnections === 0 || this.board.serverConnections(this.slot) + idle.count <= maxConnections;
  }

  /** No plan has it any more: what is under way may finish until `at`, nothing is kept for later. */
  retire(at: number): void {
    this.retireAt = at;
    this.idle.retire();
  }

  /** Nobody is to be sent there any more. */
  leave(): void {
    this.isUsable = false;
    this.keepsKeys = false;
    this.forgetAddress();
  }
}

/** A connection that has begun with a PROXY protocol header is its client's, and no other's. */
function idleMax({ poolIdle, proxyProtocol }: UpstreamPlan): number {
  return proxyProtocol === null ? (poolIdle ?? Infinity) : 0;
}
