/**
 * Accepts clients, counts them, and stops accepting at the connection limit, or while descriptors are short. What is done for
 * a client is its service's matter; what has to be done on the connection before that, its layer's.
 */
import type { ListenerPlan } from '../config/plan/listener.ts';
import { answerKind } from '../core/answers/kinds.ts';
import { closingsDue } from '../core/spread.ts';
import type { ListenSocket, Socket } from '../port/transport.ts';
import { Backlog } from './backlog.ts';
import { Arrival } from './arrival.ts';
import type { Context } from './context.ts';
import type { RouteSet } from './http/route-set.ts';
import { IdleClients } from './idle-clients.ts';
import type { Layer } from './layer.ts';
import { PauseNews } from './pause-news.ts';
import type { Service } from './service.ts';
import type { Upstream } from './upstream.ts';

const CLIENT_TOO_SLOW = answerKind('client-too-slow');

/**
 * At the limit a client makes room for a new one when it has been idle for so long, and at the end it is let go. One that has
 * just come, or goes from request to request, is not idle: its next request may be on the way.
 */
const IDLE_MIN_MS = 1000;
/** How often it is told, at most. */
const TELL_MS = 60_000;

const AT_LIMIT = 'connection limit reached';
const FEW_DESCRIPTORS = 'what file descriptors are left is kept for connections to servers';

export class Listener {
  readonly context: Context;
  plan: ListenerPlan;
  /** Null: it has none. */
  routes: RouteSet | null;
  readonly service: Service;
  /** Who has not asked for anything yet, or again. */
  readonly idle = new IdleClients();
  /** Who is in the middle of a head. To a client that waits for room they are worth no more. */
  readonly unfinished = new IdleClients();
  private layer: Layer | null;
  /** When what began here has to have ended, because no plan has this listener any more. */
  retireAt = Infinity;
  /** No client is kept for another request. */
  private isLeaving: boolean;
  private readonly sockets = new Set<ListenSocket>();
  /** Who was accepted and has to wait. */
  private readonly backlog: Backlog;
  private connectionCount = 0;
  private isHeld = false;
  private isPaused = false;
  private isSettling = false;
  /** Draining with its proxy: when clients that are idle have to be gone, and when some were last sent away. */
  private leaveBy = Infinity;
  private leftAt = 0;
  /** By the reason. */
  private readonly toldRoomAt = new Map<string, number>();
  private readonly news: PauseNews;

  constructor(
    context: Context,
    plan: ListenerPlan,
    upstreams: readonly Upstream[],
    routes: RouteSet | null,
    service: (listener: Listener) => Service,
    layer: Layer | null = null,
  ) {
    this.context = context;
    this.plan = plan;
    this.routes = routes;
    this.layer = layer;
    this.isLeaving = plan.intake !== 'open';
    this.backlog = new Backlog(context);
    this.news = new PauseNews(context, plan.name);
    this.service = service(this);
    this.service.configure(upstreams, routes);
  }

  /** No later use of its connections is waited for. */
  get isDraining(): boolean {
    return this.isLeaving || this.isGone;
  }

  /** It accepts no more, and never will. */
  private get isGone(): boolean {
    return this.context.isDraining || this.retireAt < Infinity;
  }

  /** Goes on by another plan of this listener. What is under way ends as it began. */
  apply(plan: ListenerPlan, upstreams: readonly Upstream[], routes: RouteSet | null, layer: Layer | null): void {
    this.plan = plan;
    this.layer = layer;
    this.isLeaving = plan.intake !== 'open';
    this.routes = routes;
    this.service.configure(upstreams, routes);
    this.settle();
  }

  /**
   * The proxy is to end: whoever waits to be served is served now. Clients between requests go one after the other within
   * `leaveMs`; one that sends a request before is answered, and told that the connection ends.
   */
  drain(leaveMs: number): void {
    this.leftAt = this.context.transport.now;
    this.leaveBy = this.leftAt + leaveMs;
    this.settle();
  }

  get hasConnections(): boolean {
    return this.connectionCount > 0;
  }

  /** No plan has it any more. What began here has to have ended by then. */
  retire(at: number): void {
    this.retireAt = at;
    this.settle();
  }

  /** It accepts from this socket too. */
  attach(socket: ListenSocket): void {
    this.sockets.add(socket);
    if (this.isPaused) socket.pause();
    else socket.resume();
  }

  detach(socket: ListenSocket): void {
    this.sockets.delete(socket);
  }

  handleAccept(socket: Socket): void {
    this.context.row.countListenerAccepted(this.plan.slot);
    if (this.isPaused && this.isFull) {
      this.backlog.add(socket);
      return;
    }
    this.serve(socket);
    this.settle();
  }

  /** A client's connection is gone. Called exactly once for each that began. */
  release(): void {
    this.connectionCount--;
    this.context.liveSessions--;
    this.context.row.addListenerConnections(this.plan.slot, -1);
    this.settle();
  }

  /** A client of its that takes what it is sent too slowly is cut off. */
  noteCutOff(): void {
    this.context.answers.note(this.plan.name, CLIENT_TOO_SLOW);
  }

  /** Descriptors are short: what there is is kept for servers. */
  setHeld(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.settle();
  }

  /** Time has passed: clients may now be idle for long enough. */
  handleTick(now: number): void {
    if (this.isPaused) this.settle();
    if (this.leaveBy < Infinity && this.idle.count > 0) this.sendAway(now);
  }

  private sendAway(now: number): void {
    for (let due = closingsDue(this.idle.count, now - this.leftAt, this.leaveBy - this.leftAt); due > 0; due--) {
      if (now < this.leaveBy && !this.canCloseIdle) break;
      this.idle.endLongest();
    }
    this.leftAt = now;
  }

  /** Somebody here has been idle for so long that it may be closed for a new client. */
  get canCloseIdle(): boolean {
    return this.idleSince + IDLE_MIN_MS <= this.context.transport.now;
  }

  /** Since when the client has been idle that has been so for longest; Infinity: nobody is. */
  get idleSince(): number {
    return Math.min(this.idle.idleSince, this.unfinished.idleSince);
  }

  /** Descriptors are short: closes the client that has been idle for longest, for one of this or of another listener. */
  makeRoom(): void {
    this.closeIdleFor(FEW_DESCRIPTORS);
  }

  private closeIdleFor(reason: string): void {
    const { now } = this.context.transport;
    if (now - (this.toldRoomAt.get(reason) ?? -Infinity) >= TELL_MS) {
      this.toldRoomAt.set(reason, now);
      this.context.report({ kind: 'idle-closed', listener: this.plan.name, reason });
    }
    const { idle, unfinished } = this;
    (idle.idleSince <= unfinished.idleSince ? idle : unfinished).closeLongest();
  }

  private get isFull(): boolean {
    if (this.isGone) return false;
    return this.isHeld || (this.connectionCount >= this.plan.limits.connections && !this.canCloseIdle);
  }

  private serve(socket: Socket): void {
    this.connectionCount++;
    this.context.liveSessions++;
    this.context.row.addListenerConnections(this.plan.slot, 1);
    if (this.connectionCount > this.plan.limits.connections && this.canCloseIdle) this.closeIdleFor(AT_LIMIT);
    const { clientsMax, liveSessions, makeRoom, socketsMax, transport, waitingClients } = this.context;
    if (transport.socketCount >= socketsMax || liveSessions - waitingClients >= clientsMax) makeRoom();
    if (this.layer === null) this.service.serve(socket, null);
    else Arrival.begin(this, this.layer, socket);
  }

  /** Serves who waits as far as there is room, then accepts more or stops. What is served may end at once: no recursion. */
  private settle(): void {
    if (this.isSettling) return;
    this.isSettling = true;
    while (!this.isFull) {
      const socket = this.backlog.take();
      if (socket === null) break;
      this.serve(socket);
    }
    this.isSettling = false;
    const isToPause = this.isFull;
    if (isToPause === this.isPaused || this.isGone) return;
    this.isPaused = isToPause;
    for (const listening of this.sockets) {
      if (isToPause) listening.pause();
      else listening.resume();
    }
    if (isToPause) {
      this.news.handlePause(this.isHeld ? FEW_DESCRIPTORS : AT_LIMIT);
    } else {
      this.news.handleResume();
    }
  }
}
