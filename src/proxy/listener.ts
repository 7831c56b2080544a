/** What all listeners do: accept, count, and stop accepting at the connection limit, or while descriptors are short. */
import type { ListenerPlan } from '../config/plan.ts';
import type { ListenSocket, Socket } from '../port/transport.ts';
import type { Context } from './context.ts';
import { PauseNews } from './pause-news.ts';
import type { Upstream } from './upstream.ts';

/**
 * At the limit a client makes room for a new one when it has been idle for so long. One that has just come, or goes from
 * request to request, is not idle: its next request may be on the way.
 */
const IDLE_MIN_MS = 1000;
/** How often it is told, at most. */
const TELL_MS = 60_000;

export abstract class Listener {
  readonly context: Context;
  plan: ListenerPlan;
  /** When what began here has to have ended, because no plan has this listener any more. */
  retireAt = Infinity;
  private readonly sockets = new Set<ListenSocket>();
  private connectionCount = 0;
  private isAtLimit = false;
  private isHeld = false;
  private isPaused = false;
  private toldRoomAt = -Infinity;
  private readonly news: PauseNews;

  constructor(context: Context, plan: ListenerPlan) {
    this.context = context;
    this.plan = plan;
    this.news = new PauseNews(context, plan.name);
  }

  /** No later use of its connections is waited for. */
  get isDraining(): boolean {
    return this.context.isDraining || this.retireAt < Infinity;
  }

  /** Goes on by another plan of this listener. What is under way ends as it began. */
  apply(plan: ListenerPlan, upstreams: readonly Upstream[]): void {
    this.plan = plan;
    this.configure(upstreams);
    this.setAtLimit(this.connectionCount >= plan.limits.connections);
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
    this.connectionCount++;
    this.context.liveSessions++;
    this.context.row.countListenerAccepted(this.plan.slot);
    this.context.row.addListenerConnections(this.plan.slot, 1);
    if (this.connectionCount > this.plan.limits.connections && this.canCloseIdle) this.makeRoom();
    if (this.context.transport.socketCount >= this.context.socketsMax) this.context.makeRoom();
    this.begin(socket);
    this.setAtLimit(this.connectionCount >= this.plan.limits.connections);
  }

  /** A client's connection is gone. Called exactly once for each. */
  release(): void {
    this.connectionCount--;
    this.context.liveSessions--;
    this.context.row.addListenerConnections(this.plan.slot, -1);
    if (this.connectionCount < this.plan.limits.connections) this.setAtLimit(false);
  }

  /** Descriptors are short: what there is is kept for servers. */
  setHeld(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.settleAccepting('what file descriptors are left is kept for connections to servers');
  }

  /** Time has passed: clients may now be idle for long enough. */
  handleTick(): void {
    if (this.isPaused && this.isAtLimit) this.setAtLimit(true);
  }

  /** Somebody here has been idle for so long that it may be closed for a new client. */
  get canCloseIdle(): boolean {
    return this.idleSince + IDLE_MIN_MS <= this.context.transport.now;
  }

  /** Since when the client has been idle that has been so for longest; Infinity: nobody is. */
  get idleSince(): number {
    return Infinity;
  }

  /** Closes the client that has been idle for longest. */
  makeRoom(): void {
    const { now } = this.context.transport;
    if (now - this.toldRoomAt >= TELL_MS) {
      this.toldRoomAt = now;
      this.context.report({ kind: 'idle-closed', listener: this.plan.name });
    }
    this.closeIdle();
  }

  /** Closes the connection of that client. */
  protected closeIdle(): void {
    // nobody is idle
  }

  private setAtLimit(isAtLimit: boolean): void {
    this.isAtLimit = isAtLimit;
    this.settleAccepting('connection limit reached');
  }

  private settleAccepting(reason: string): void {
    const isToPause = (this.isAtLimit && !this.canCloseIdle) || this.isHeld;
    if (isToPause === this.isPaused || (this.isPaused && this.isDraining)) return;
    this.isPaused = isToPause;
    for (const listening of this.sockets) {
      if (isToPause) listening.pause();
      else listening.resume();
    }
    if (isToPause) this.news.handlePause(reason);
    else this.news.handleResume();
  }

  /** Sets up a session for an accepted socket. It calls `release` when it ends. */
  protected abstract begin(socket: Socket): void;
  /** Prepares what `plan` says. */
  protected abstract configure(upstreams: readonly Upstream[]): void;
}
