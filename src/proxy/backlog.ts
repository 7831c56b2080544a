/**
 * Clients that were accepted when there was no room for them: io_uring accepts everything that waits in the kernel's queue in one
 * go. They wait here as they would have waited there, unread, and at most as many as the kernel's queues hold.
 */
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';

export class Backlog implements SocketHandler {
  private readonly context: Context;
  /** Oldest first. */
  private readonly sockets = new Set<Socket>();

  constructor(context: Context) {
    this.context = context;
  }

  add(socket: Socket): void {
    socket.handler = this;
    socket.pause();
    socket.resetIfKilled();
    this.sockets.add(socket);
    this.context.liveSessions++;
    this.context.waitingClients++;
  }

  /** The one that has waited for longest, or null. It has no handler yet. */
  take(): Socket | null {
    if (this.sockets.size === 0) return null;
    for (const socket of this.sockets) {
      this.remove(socket);
      socket.resume();
      return socket;
    }
    return null;
  }

  handleClose(socket: Socket): void {
    this.remove(socket);
  }

  handleConnect(): void {
    // accepted, never connected
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot);
  }

  handleEnd(): void {
    // not read
  }

  handleDrain(): void {
    // nothing was sent
  }

  private remove(socket: Socket): void {
    this.sockets.delete(socket);
    this.context.liveSessions--;
    this.context.waitingClients--;
  }
}
