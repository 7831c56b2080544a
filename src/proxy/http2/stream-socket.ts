/**
 * A stream as a socket, for what has become a tunnel (RFC 8441): whoever joins two sockets need not know that one of them is none. The stream's end is
 * FIN, and a reset is a reset, in both directions (section 5).
 *
 * It is paused until somebody has taken it over; what comes until then, as much as the stream's window at most, is kept.
 */
import type { Socket, SocketHandler } from '../../port/transport.ts';
import type { Context } from '../context.ts';
import type { Delayed } from '../later.ts';
import { HeldBody } from './held-body.ts';

/** What it sends by. */
export interface SocketWriter {
  readonly isFull: boolean;
  readonly isWaiting: boolean;
  readonly keepsScarce: boolean;
  readonly sentBytes: number;
  send(slot: number, offset: number, length: number): boolean;
  resume(): boolean;
  finish(): boolean;
}

/** The stream below it. */
export interface StreamBelow {
  /** So much of what came was taken, or dropped. */
  took(bytes: number): void;
  /** There is more to send than the peer takes: `handleRoom` has to follow. */
  awaitRoom(): void;
  /** Both sides have said what they had to say, or we want nothing more. */
  endTunnelStream(): void;
  resetTunnelStream(): void;
  remoteAddress(into: Uint8Array, at: number): number;
  localAddress(into: Uint8Array, at: number): number;
}

/** Nobody has taken it over yet. */
const NOBODY: SocketHandler = {
  handleConnect: () => undefined,
  handleData: () => undefined,
  handleEnd: () => undefined,
  handleDrain: () => undefined,
  handleClose: () => undefined,
};

export class StreamSocket implements Socket, Delayed {
  /** Whoever takes it over sets it before `resume`. */
  handler: SocketHandler = NOBODY;
  private readonly context: Context;
  private readonly below: StreamBelow;
  private readonly writer: SocketWriter;
  private readonly received: HeldBody;
  /** Slot, offset and length of each part that has not gone. */
  private readonly parts: number[] = [];
  private isPaused = true;
  private isGone = false;
  /** The peer's end is here, and the handler knows of it. */
  private hasEnded = false;
  private isEndTold = false;
  private isEnding = false;
  private isLater = false;
  /** There was no slot for what was to be sent. */
  private hasFailed = false;

  constructor(context: Context, below: StreamBelow, writer: SocketWriter) {
    this.context = context;
    this.below = below;
    this.writer = writer;
    this.received = new HeldBody(context.arena);
  }

  // --- what the stream says ---

  /** A part is here, in a slot of which the caller keeps its reference. */
  receive(slot: number, offset: number, length: number): void {
    if (this.isGone) this.below.took(length);
    else if (this.isPaused || !this.received.isEmpty) {
      if (!this.received.add(slot, offset, length)) this.breakOff();
    } else {
      this.context.arena.retain(slot);
      this.hand(slot, offset, length);
    }
  }

  receiveEnd(): void {
    this.hasEnded = true;
    this.deliver();
  }

  /** The peer takes more. */
  handleRoom(): void {
    this.writer.resume();
    this.push();
    if (!this.isGone && this.pendingSegments === 0) this.handler.handleDrain(this);
  }

  /** The stream is over. */
  handleReset(): void {
    if (this.isGone) return;
    this.leave();
    this.handler.handleClose(this, 'reset');
  }

  /** There is no memory for it. */
  private breakOff(): void {
    this.below.resetTunnelStream();
    this.handleReset();
  }

  private hand(slot: number, offset: number, length: number): void {
    this.handler.handleData(this, slot, offset, length);
    this.below.took(length);
  }

  private deliver(): void {
    const { received } = this;
    while (!this.isGone && !this.isPaused && !received.isEmpty) {
      const { length, offset, slot } = received;
      received.shift();
      this.hand(slot, offset, length);
    }
    if (this.isGone || this.isPaused || !this.hasEnded || this.isEndTold) return;
    this.isEndTold = true;
    this.handler.handleEnd(this);
  }

  // --- as a socket ---

  send(slot: number, offset: number, length: number): void {
    if (this.isGone) {
      this.context.arena.release(slot);
      return;
    }
    this.parts.push(slot, offset, length);
    this.push();
  }

  /** Hands on as much as the stream takes. */
  private push(): void {
    const { parts, writer } = this;
    while (parts.length > 0 && !writer.isFull) {
      const [slot, offset, length] = parts.splice(0, 3);
      if (writer.send(slot, offset, length)) continue;
      this.context.arena.release(slot);
      this.breakOffLater();
      return;
    }
    if (this.pendingSegments > 0) this.below.awaitRoom();
    else if (this.isEnding) writer.finish();
  }

  get pendingSegments(): number {
    return this.parts.length / 3 + (this.writer.isWaiting ? 1 : 0);
  }

  /** What the connection has is on its way, as far as anybody can tell. */
  readonly unacknowledgedBytes = 0;

  get acknowledgedBytes(): number {
    return this.writer.sentBytes;
  }

  get keepsScarce(): boolean {
    const { arena } = this.context;
    for (let i = 0; i < this.parts.length; i += 3) if (arena.isScarce(this.parts[i])) return true;
    return this.received.keepsScarce || this.writer.keepsScarce;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (!this.received.isEmpty || this.hasEnded) this.later();
  }

  passTo(): void {
    // what comes in here is in frames
  }

  end(): void {
    if (this.isGone || this.isEnding) return;
    this.isEnding = true;
    if (this.pendingSegments === 0) this.writer.finish();
  }

  close(): void {
    if (this.isGone) return;
    const isComplete = this.pendingSegments === 0;
    if (isComplete) this.writer.finish();
    this.leave();
    if (isComplete) this.below.endTunnelStream();
    else this.below.resetTunnelStream();
  }

  reset(): void {
    if (this.isGone) return;
    this.leave();
    this.below.resetTunnelStream();
  }

  get isStanding(): boolean {
    return !this.isGone && !this.hasEnded;
  }

  setKeepAlive(): void {
    // the connection's matter
  }

  resetIfKilled(): void {
    // a stream without END_STREAM is not taken for whole
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.below.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.below.localAddress(into, at);
  }

  // --- later: a socket calls no handler while it is called itself ---

  private later(): void {
    if (this.isLater) return;
    this.isLater = true;
    this.context.later.add(this);
  }

  private breakOffLater(): void {
    this.hasFailed = true;
    this.later();
  }

  handleLater(): void {
    this.isLater = false;
    if (this.isGone) return;
    if (this.hasFailed) this.breakOff();
    else this.deliver();
  }

  /** Nothing more passes here. */
  leave(): void {
    this.isGone = true;
    this.received.clear();
    for (let i = 0; i < this.parts.length; i += 3) this.context.arena.release(this.parts[i]);
    this.parts.length = 0;
  }
}
