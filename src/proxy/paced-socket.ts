/**
 * What comes in from a socket, at a bounded rate: what has come and may not go on yet is held, one segment at most, and meanwhile nothing is read. All
 * else is the socket's own. It stands where one side of a relay would have the socket itself.
 */
import type { KeepAlive } from '../base/keep-alive.ts';
import type { Pace } from '../core/bandwidth/pace.ts';
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';

const NONE = -1;

export class PacedSocket extends Expiring implements Socket, SocketHandler {
  handler: SocketHandler;
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly pace: Pace;
  /** What is held. */
  private slot = NONE;
  private offset = 0;
  private length = 0;
  /** For the timer. */
  private waits = false;
  /** Its handler takes no more for now. */
  private isPaused = true;
  /** Behind what is held: the peer has sent FIN, or the socket broke. */
  private hasEnded = false;
  private brokenFor: CloseReason | null = null;
  private isClosed = false;

  /** Takes over the socket. Nothing comes before `resume`. */
  constructor(context: Context, socket: Socket, pace: Pace) {
    super();
    this.context = context;
    this.socket = socket;
    this.pace = pace;
    this.handler = socket.handler;
    socket.handler = this;
  }

  // --- events of the socket ---

  handleConnect(): void {
    this.handler.handleConnect(this);
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    if (this.isClosed) {
      this.context.arena.release(slot);
      return;
    }
    this.slot = slot;
    this.offset = offset;
    this.length = length;
    this.passOn();
  }

  handleEnd(): void {
    if (this.slot < 0) this.handler.handleEnd(this);
    else this.hasEnded = true;
  }

  handleDrain(): void {
    this.handler.handleDrain(this);
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.brokenFor = reason;
    if (this.slot < 0) this.break();
  }

  // --- the rate ---

  override handleExpiry(): void {
    this.waits = false;
    this.passOn();
  }

  /** As far as the rate and the handler allow. */
  private passOn(): void {
    const { arena, transport } = this.context;
    while (this.slot >= 0 && !this.isPaused) {
      const room = this.pace.room(transport.now);
      if (room === 0) break;
      const { length, offset, slot } = this;
      const count = Math.min(room, length);
      this.pace.pass(count);
      if (count === length) this.slot = NONE;
      else arena.retain(slot);
      this.offset += count;
      this.length -= count;
      this.handler.handleData(this, slot, offset, count);
    }
    if (this.isClosed) return;
    if (this.slot < 0) this.sayEnd();
    this.regulate();
  }

  /** What came behind what was held. */
  private sayEnd(): void {
    const { hasEnded } = this;
    this.hasEnded = false;
    if (hasEnded) this.handler.handleEnd(this);
    if (this.brokenFor !== null && !this.isClosed) this.break();
  }

  private break(): void {
    const reason = this.brokenFor as CloseReason;
    this.forget();
    this.handler.handleClose(this, reason);
  }

  /** Reads on, or waits until more may go on. */
  private regulate(): void {
    if (this.isClosed || this.waits || this.isPaused) return;
    if (this.pace.room(this.context.transport.now) > 0) {
      this.socket.resume();
      return;
    }
    this.socket.pause();
    this.waits = true;
    this.context.timers.arm(this, this.pace.dueAt);
  }

  /** Nothing more is passed on. */
  private forget(): void {
    this.isClosed = true;
    if (this.slot >= 0) this.context.arena.release(this.slot);
    this.slot = NONE;
    this.context.timers.remove(this);
  }

  // --- what its user does with it ---

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused || this.isClosed) return;
    this.isPaused = false;
    if (!this.waits) this.passOn();
  }

  /** Its bytes do not go on by themselves. */
  passTo(): void {
    // `handleData` has them
  }

  send(slot: number, offset: number, length: number, more: boolean): void {
    this.socket.send(slot, offset, length, more);
  }

  get pendingSegments(): number {
    return this.socket.pendingSegments;
  }

  get unacknowledgedBytes(): number {
    return this.socket.unacknowledgedBytes;
  }

  get keepsScarce(): boolean {
    return (this.slot >= 0 && this.context.arena.isScarce(this.slot)) || this.socket.keepsScarce;
  }

  get acknowledgedBytes(): number {
    return this.socket.acknowledgedBytes;
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.forget();
    this.socket.close();
  }

  reset(): void {
    this.forget();
    this.socket.reset();
  }

  get isStanding(): boolean {
    return this.socket.isStanding;
  }

  setKeepAlive(keepAlive: KeepAlive): void {
    this.socket.setKeepAlive(keepAlive);
  }

  resetIfKilled(): void {
    this.socket.resetIfKilled();
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.socket.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }
}
