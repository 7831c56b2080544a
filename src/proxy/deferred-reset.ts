/**
 * Resets a socket, behind its last byte. A reset drops what the peer has not taken yet, as a server's reset to a client does not:
 * what arrived before can still be read. So it waits until the peer has acknowledged everything, as long as that moves; what
 * the peer sends meanwhile is dropped.
 */
import { TICK_MS } from '../base/limits.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';

export class DeferredReset extends Expiring implements SocketHandler {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly stallMs: number;
  private readonly onGone: () => void;
  private waitingBytes = Infinity;
  private movedAt: number;

  /** Takes over the socket and calls `onGone`, perhaps at once, when it is gone. `stallMs`: longest wait without progress. */
  static begin(context: Context, socket: Socket, stallMs: number, onGone: () => void): void {
    const reset = new DeferredReset(context, socket, stallMs, onGone);
    socket.handler = reset;
    socket.resume();
    reset.look(context.transport.now);
  }

  private constructor(context: Context, socket: Socket, stallMs: number, onGone: () => void) {
    super();
    this.context = context;
    this.socket = socket;
    this.stallMs = stallMs;
    this.onGone = onGone;
    this.movedAt = context.transport.now;
  }

  private look(now: number): void {
    const { socket } = this;
    const bytes = socket.pendingSegments > 0 ? Infinity : socket.unacknowledgedBytes;
    if (bytes !== this.waitingBytes) this.movedAt = now;
    this.waitingBytes = bytes;
    if (bytes > 0 && now - this.movedAt < this.stallMs) {
      this.context.timers.arm(this, now + TICK_MS);
      return;
    }
    socket.reset();
    this.handleClose();
  }

  override handleExpiry(now: number): void {
    this.look(now);
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot);
  }

  handleEnd(): void {
    // the peer may still read
  }

  handleDrain(): void {
    this.look(this.context.transport.now);
  }

  handleClose(): void {
    this.context.timers.remove(this);
    this.onGone();
  }
}
