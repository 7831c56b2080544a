/**
 * A client's connection of which nothing more is wanted: sends FIN behind what is queued, drops what the client sends, and
 * closes when the client has closed, or will send nothing. Closing at once would reset the connection under the response
 * where the client still sends (RFC 9112 section 9.6).
 */
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import type { RateWindow } from './rate-window.ts';
import { KEEPS_NOTHING, Session } from './session.ts';

/** A client that was told to go and sends no more has this long to close; one that does, `bodyMs` in all. */
const SILENCE_MS = 2000;

export interface LingeringClient {
  /** How many bytes a second it has to take of what is queued, on average over how long. */
  readonly bodyRate: number;
  readonly bodyMs: number;
  /** The client has sent FIN. */
  readonly hasEnded: boolean;
  /** It has said that it sends nothing more: closed without FIN and waiting, as soon as everything has left. */
  readonly closesAtOnce: boolean;
  /** What is queued ends with the connection: FIN behind a part of it would make the part look whole. */
  readonly isEndedByClose: boolean;
}

/** The client's listener. */
interface LingeringOwner {
  noteCutOff(): void;
  release(): void;
}

export class Lingering extends Session implements SocketHandler {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly taking: RateWindow;
  private readonly bodyMs: number;
  private readonly bodyRate: number;
  private readonly isEndedByClose: boolean;
  private readonly owner: LingeringOwner;
  private hasEnded: boolean;
  private closesAtOnce: boolean;
  /** Once everything has left: until when what the client sends is taken and dropped; 0: not yet. */
  private endBy = 0;

  /** Takes over the socket and calls `release`, perhaps at once, when it is gone. */
  static begin(
    context: Context,
    socket: Socket,
    taking: RateWindow,
    client: LingeringClient,
    owner: LingeringOwner,
  ): void {
    const lingering = new Lingering(context, socket, taking, client, owner);
    context.sessions.add(lingering);
    socket.handler = lingering;
    if (!lingering.closesAtOnce) socket.end();
    socket.resume();
    lingering.proceed();
  }

  private constructor(
    context: Context,
    socket: Socket,
    taking: RateWindow,
    client: LingeringClient,
    owner: LingeringOwner,
  ) {
    super();
    this.context = context;
    this.socket = socket;
    this.taking = taking;
    this.bodyMs = client.bodyMs;
    this.bodyRate = client.bodyRate;
    this.hasEnded = client.hasEnded;
    this.closesAtOnce = client.closesAtOnce;
    this.isEndedByClose = client.isEndedByClose;
    this.owner = owner;
  }

  private proceed(): void {
    const { timers, transport } = this.context;
    const { now } = transport;
    if (this.socket.pendingSegments > 0) {
      this.taking.openLater(now, this.bodyMs);
      timers.arm(this, this.taking.endsAt);
      return;
    }
    this.taking.close();
    if (this.endBy === 0) this.endBy = now + this.bodyMs;
    if (this.hasEnded || this.closesAtOnce) this.close();
    else timers.arm(this, Math.min(now + SILENCE_MS, this.endBy));
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot);
    if (this.closesAtOnce) {
      // The client sends more than it said: closing under that would take the response from it.
      this.closesAtOnce = false;
      this.socket.end();
    }
    if (this.endBy > 0) this.proceed();
  }

  handleEnd(): void {
    this.hasEnded = true;
    this.proceed();
  }

  handleDrain(): void {
    this.proceed();
  }

  handleClose(): void {
    this.close();
  }

  handleConnect(): void {
    // it is connected
  }

  override handleExpiry(now: number): void {
    const { socket, taking } = this;
    if (taking.endsAt === 0) {
      this.close();
    } else if (taking.isOver(now) && taking.judge(now, this.bodyMs, socket.acknowledgedBytes, this.bodyRate)) {
      this.owner.noteCutOff();
      this.close();
    } else {
      this.context.timers.arm(this, taking.endsAt);
    }
  }

  private close(): void {
    const { sessions, timers } = this.context;
    if (!sessions.delete(this)) return;
    timers.remove(this);
    if (this.isEndedByClose && this.socket.pendingSegments > 0) this.socket.reset();
    else this.socket.close();
    this.owner.release();
  }

  override progress(): number {
    const { socket } = this;
    if (!socket.keepsScarce) return KEEPS_NOTHING;
    return socket.pendingSegments > 0 ? socket.acknowledgedBytes : 0;
  }

  override quietSince(): number {
    return this.taking.quietSince(this.context.transport.now);
  }

  /** At once: what waits to be sent is what is wanted back. */
  override shed(): void {
    this.socket.reset();
    this.close();
  }

  /** It ends by itself. */
  override retireAt(): number {
    return Infinity;
  }

  override retire(): void {
    this.close();
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.close();
  }
}
