/** A socket on a stage: what the proxy sends goes to whoever is at the other end, at once, and what they say comes in the next turn. */
import type { Address } from '../base/address.ts';
import type { Arena } from '../base/arena.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import { writeAddress } from './address-bytes.ts';

/** Whoever is at the other end of a socket. `bytes` are theirs. */
export interface End {
  handleBytes(bytes: Uint8Array, socket: StageSocket): void;
  /** The proxy has said all that it had to say, or closed the connection; `isReset`: with a reset. */
  handleEnd(isReset: boolean): void;
}

/** The stage, to a socket. */
export interface Ground {
  readonly arena: Arena;
  socketCount: number;
  /** Happens in the next turn. */
  later(event: () => void): void;
  /** The bytes in slots of the arena, one after the other. */
  fill(bytes: Uint8Array, give: (slot: number, offset: number, length: number) => void): void;
}

export class StageSocket implements Socket {
  handler!: SocketHandler;
  pendingSegments = 0;
  isGone = false;
  readonly unacknowledgedBytes = 0;
  readonly keepsScarce = false;
  readonly acknowledgedBytes = 0;
  private readonly stage: Ground;
  private readonly other: End;
  private readonly remote: Address;
  private readonly local: Address;
  private isPaused = false;
  private isEnded = false;
  private readonly waiting: Uint8Array[] = [];

  constructor(stage: Ground, other: End, remote: Address, local: Address) {
    this.stage = stage;
    this.other = other;
    this.remote = remote;
    this.local = local;
  }

  /** The other end says this. */
  receive(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    this.stage.later(() => this.deliver());
  }

  private deliver(): void {
    if (this.isPaused) return;
    for (let bytes = this.waiting.shift(); bytes !== undefined; bytes = this.waiting.shift()) {
      this.stage.fill(bytes, (slot, offset, length) => {
        if (this.isGone) this.stage.arena.release(slot);
        else this.handler.handleData(this, slot, offset, length);
      });
    }
  }

  send(slot: number, offset: number, length: number): void {
    const { arena } = this.stage;
    const bytes = arena.memory.slice(offset, offset + length);
    arena.release(slot);
    this.pendingSegments++;
    this.other.handleBytes(bytes, this);
    this.stage.later(() => {
      this.pendingSegments--;
      if (!this.isGone && this.pendingSegments === 0) this.handler.handleDrain(this);
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.waiting.length > 0) this.stage.later(() => this.deliver());
  }

  passTo(): void {
    // nothing is bulk here
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.other.handleEnd(false);
  }

  close(): void {
    this.leave(false);
  }

  reset(): void {
    this.leave(true);
  }

  private leave(isReset: boolean): void {
    if (this.isGone) return;
    this.isGone = true;
    this.stage.socketCount--;
    if (!this.isEnded || isReset) this.other.handleEnd(isReset);
    this.isEnded = true;
  }

  get isStanding(): boolean {
    return !this.isGone;
  }

  setKeepAlive(): void {
    // nobody is silent here
  }

  resetIfKilled(): void {
    // nobody is killed here
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return writeAddress(this.remote, into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return writeAddress(this.local, into, at);
  }
}
