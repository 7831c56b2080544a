/** What all listeners do: accept, count, and stop accepting at the connection limit, or while descriptors are short. */
import type { ListenerPlan } from '../config/plan.ts';
import type { ListenHandler, ListenSocket, Socket } from '../port/transport.ts';
import type { Context } from './context.ts';
import { PauseNews } from './pause-news.ts';

export abstract class Listener implements ListenHandler {
  readonly context: Context;
  readonly plan: ListenerPlan;
  private readonly index: number;
  private readonly sockets: ListenSocket[] = [];
  private readonly descriptors = new Set<number>();
  private connectionCount = 0;
  private isAtLimit = false;
  private isHeld = false;
  private isPaused = false;
  private readonly news: PauseNews;

  constructor(context: Context, plan: ListenerPlan, index: number) {
    this.context = context;
    this.plan = plan;
    this.index = index;
    this.news = new PauseNews(context, plan.name);
  }

  /** Serves these listening descriptors, one per bind. */
  start(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) {
      if (this.descriptors.has(descriptor)) continue;
      this.descriptors.add(descriptor);
      const socket = this.context.transport.listen(descriptor, this);
      this.sockets.push(socket);
      if (this.isPaused) socket.pause();
    }
  }

  handleAccept(socket: Socket): void {
    this.connectionCount++;
    this.context.liveSessions++;
    this.context.row.countListenerAccepted(this.index);
    this.context.row.addListenerConnections(this.index, 1);
    this.begin(socket);
    if (this.connectionCount >= this.plan.limits.connections) this.setAtLimit(true);
    if (this.context.transport.socketCount >= this.context.socketsMax) this.context.holdAccepting();
  }

  /** A client's connection is gone. Called exactly once for each. */
  release(): void {
    this.connectionCount--;
    this.context.liveSessions--;
    this.context.row.addListenerConnections(this.index, -1);
    if (this.connectionCount < this.plan.limits.connections) this.setAtLimit(false);
  }

  /** Descriptors are short: what there is is kept for servers. */
  setHeld(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.settleAccepting('what file descriptors are left is kept for connections to servers');
  }

  private setAtLimit(isAtLimit: boolean): void {
    this.isAtLimit = isAtLimit;
    this.settleAccepting('connection limit reached');
  }

  private settleAccepting(reason: string): void {
    const isToPause = this.isAtLimit || this.isHeld;
    if (isToPause === this.isPaused || (this.isPaused && this.context.isDraining)) return;
    this.isPaused = isToPause;
    for (const listening of this.sockets) {
      if (isToPause) listening.pause();
      else listening.resume();
    }
    if (isToPause) this.news.handlePause(reason);
    else this.news.handleResume();
  }

  /** Accepts no more. */
  close(): void {
    for (const listening of this.sockets) listening.close();
  }

  /** Sets up a session for an accepted socket. It calls `release` when it ends. */
  protected abstract begin(socket: Socket): void;
}
