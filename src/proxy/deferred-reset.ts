/**
 * Resets a socket, behind its last byte. A reset drops what the peer has not taken yet, as a server's reset to a client does not:
 * what arrived before can still be read. So it waits until the peer has acknowledged everything, as long as that goes on at a
 * pace that somebody who reads has; what the peer sends meanwhile is dropped.
 */
import { TICK_MS } from '../base/limits.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';

/** On average over each wait: less than the slowest link, and more than who takes a byte now and then to keep the connection. */
const BYTES_PER_S_MIN = 256;

export class DeferredReset extends Expiring implements SocketHandler {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly stallMs: number;
  private readonly onGone: () => void;
  /** What had not been acknowledged when this wait began; Infinity: more than can be told. */
  private waitingBytes: number;
  private waitEndsAt: number;

  /** Takes over the socket and calls `onGone`, perhaps at once, when it is gone. `stallMs`: how long the peer is waited for at a time. */
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
    this.waitEndsAt = context.transport.now + stallMs;
    this.waitingBytes = this.unacknowledgedBytes();
  }

  private look(now: number): void {
    const bytes = this.unacknowledgedBytes();
    if (bytes > 0 && (now < this.waitEndsAt || this.hasMoved(now, bytes))) {
      this.context.timers.arm(this, now + TICK_MS);
      return;
    }
    this.socket.reset();
    this.handleClose();
  }

  private unacknowledgedBytes(): number {
    return this.socket.pendingSegments > 0 ? Infinity : this.socket.unacknowledgedBytes;
  }

  /** A wait is over, with so many bytes left; the next one begins. */
  private hasMoved(now: number, bytes: number): boolean {
    const taken = this.waitingBytes - bytes;
    this.waitingBytes = bytes;
    this.waitEndsAt = now + this.stallMs;
    return taken >= (BYTES_PER_S_MIN * this.stallMs) / 1000;
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
