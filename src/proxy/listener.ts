/** What all listeners do: accept, count, and stop accepting at the connection limit. */
import type { ListenerPlan } from '../config/plan.ts';
import type { ListenHandler, ListenSocket, Socket } from '../port/transport.ts';
import type { Context } from './context.ts';

export abstract class Listener implements ListenHandler {
  readonly context: Context;
  readonly plan: ListenerPlan;
  private readonly index: number;
  private readonly sockets: ListenSocket[] = [];
  private connectionCount = 0;
  private isPaused = false;

  constructor(context: Context, plan: ListenerPlan, index: number) {
    this.context = context;
    this.plan = plan;
    this.index = index;
  }

  /** Serves these listening descriptors, one per bind. */
  start(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) this.sockets.push(this.context.transport.listen(descriptor, this));
  }

  handleAccept(socket: Socket): void {
    this.connectionCount++;
    this.context.liveSessions++;
    this.context.row.countListenerAccepted(this.index);
    this.context.row.addListenerConnections(this.index, 1);
    this.begin(socket);
    if (this.connectionCount >= this.plan.limits.connections && !this.isPaused) {
      this.isPaused = true;
      for (const listening of this.sockets) listening.pause();
      this.context.report({ kind: 'accept-paused', listener: this.plan.name, reason: 'connection limit reached' });
    }
  }

  /** A client's connection is gone. Called exactly once for each. */
  release(): void {
    this.connectionCount--;
    this.context.liveSessions--;
    this.context.row.addListenerConnections(this.index, -1);
    if (this.isPaused && this.connectionCount < this.plan.limits.connections && !this.context.isDraining) {
      this.isPaused = false;
      for (const listening of this.sockets) listening.resume();
      this.context.report({ kind: 'accept-resumed', listener: this.plan.name });
    }
  }

  /** Accepts no more, and lets what is idle go. */
  drain(): void {
    for (const listening of this.sockets) listening.close();
    this.drainConnections();
  }

  /** Sets up a session for an accepted socket. It calls `release` when it ends. */
  protected abstract begin(socket: Socket): void;
  protected abstract drainConnections(): void;
}
