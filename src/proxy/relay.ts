/**
 * Two sockets joined: what one sends, the other gets. For TCP sessions, and for what follows a 101 response.
 *
 * Each direction ends by itself: a FIN is passed on behind the last byte, and the other direction goes on, unless it has no time for
 * that at all: then both end with the first. A reset is passed on as a reset, also behind the last byte.
 *
 * A side whose counterpart does not read is not read from: at most `segmentsEnough` segments of each direction are held here.
 */
import { CLIENT_LEFT, MOVED, RETIRED, SERVED, SERVER_LEFT, SHED, SILENCE } from '../core/endings.ts';
import type { PassWatcher, Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import { DeferredReset } from './deferred-reset.ts';
import { KEEPS_NOTHING, Session } from './session.ts';
import type { PassedBytes } from './session-counter.ts';

/** Longest silence in both directions, and when one side has sent FIN. 0: both end when what came before that FIN is delivered. */
export interface RelayTimes {
  readonly idleMs: number;
  readonly halfClosedMs: number;
}

export interface RelayOwner {
  /** Both sockets are gone. `ending`: of core/endings.ts. */
  handleRelayEnd(ending: number): void;
  /** As `Session.retireAt`. */
  relayRetireAt(): number;
}

/** What is counted as it passes: from the client, and to it. */
export interface RelayBytes {
  readonly received: PassedBytes;
  readonly sent: PassedBytes;
}

/** Is told what passes: of the client, and to it. */
export interface RelayMeter {
  countReceived(bytes: number): void;
  countSent(bytes: number): void;
}

export class Relay extends Session {
  readonly context: Context;
  private readonly owner: RelayOwner;
  /** Longest silence from here on. */
  private idleMs: number;
  private readonly halfClosedMs: number;
  private readonly downstream: RelaySide;
  private readonly upstream: RelaySide;
  private isOver = false;

  /** Takes over both connected sockets and reads from them. */
  static join(
    context: Context,
    downstream: Socket,
    upstream: Socket,
    times: RelayTimes,
    owner: RelayOwner,
    bytes: RelayBytes | null = null,
    meter: RelayMeter | null = null,
  ): Relay {
    const relay = new Relay(context, downstream, upstream, times, owner, bytes, meter);
    // Nothing but its end tells where a stream ends.
    downstream.resetIfKilled();
    upstream.resetIfKilled();
    downstream.resume();
    upstream.resume();
    return relay;
  }

  private constructor(
    context: Context,
    downstream: Socket,
    upstream: Socket,
    times: RelayTimes,
    owner: RelayOwner,
    bytes: RelayBytes | null,
    meter: RelayMeter | null,
  ) {
    super();
    this.context = context;
    this.owner = owner;
    this.idleMs = times.idleMs;
    this.halfClosedMs = times.halfClosedMs;
    const received = bytes === null ? null : bytes.received;
    const sent = bytes === null ? null : bytes.sent;
    if (meter === null) {
      this.downstream = new RelaySide(this, downstream, received);
      this.upstream = new RelaySide(this, upstream, sent);
    } else {
      this.downstream = new MeteredClient(this, downstream, received, meter);
      this.upstream = new MeteredServer(this, upstream, sent, meter);
    }
    this.downstream.peer = this.upstream;
    this.upstream.peer = this.downstream;
    this.downstream.begin();
    this.upstream.begin();
    this.touch();
    context.timers.arm(this, this.deadline);
    context.sessions.add(this);
  }

  /** Something moved. Only moves the deadline to a later time. */
  touch(): void {
    this.deadline = this.context.transport.now + this.idleMs;
  }

  override handleExpiry(): void {
    this.abort(SILENCE);
  }

  // --- for the memory guard ---

  override progress(): number {
    const downstream = this.downstream.socket;
    const upstream = this.upstream.socket;
    if (!downstream.keepsScarce && !upstream.keepsScarce) return KEEPS_NOTHING;
    return (downstream.acknowledgedBytes + upstream.acknowledgedBytes) >>> 0;
  }

  override quietSince(): number {
    return this.deadline - this.idleMs;
  }

  override shed(): void {
    this.abort(SHED);
  }

  override retireAt(): number {
    return this.owner.relayRetireAt();
  }

  override retire(): void {
    this.abort(RETIRED);
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.downstream.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.abort(MOVED);
  }

  /** Everything is to end now: the peers get resets. */
  private abort(ending: number): void {
    if (this.isOver) return;
    this.downstream.socket.reset();
    this.upstream.socket.reset();
    this.end(ending);
  }

  /** One side broke: the other gets what it is owed, then a reset. */
  handleBroken(side: RelaySide): void {
    this.isOver = true;
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    const ending = side === this.downstream ? CLIENT_LEFT : SERVER_LEFT;
    DeferredReset.begin(this.context, side.peer.socket, this.idleMs, () => this.owner.handleRelayEnd(ending));
  }

  /** One side has said all that it had to say. Whether it is still there, or has left for good, TCP does not tell. */
  handleHalfClosed(): void {
    if (this.halfClosedMs === 0) return;
    this.idleMs = Math.min(this.idleMs, this.halfClosedMs);
    this.context.timers.arm(this, this.context.transport.now + this.idleMs);
  }

  /** The client had sent FIN before the sockets were joined. */
  endDownstream(): void {
    this.downstream.handleEnd();
  }

  /** Closes both sockets if every byte is in the kernel's hands. */
  finishIfDone(): void {
    if (this.isOver || !this.isDone) return;
    this.downstream.socket.close();
    this.upstream.socket.close();
    this.end(SERVED);
  }

  /** Both directions have ended, or one if that is enough. */
  private get isDone(): boolean {
    const { downstream, upstream } = this;
    if (this.halfClosedMs === 0) return downstream.isDelivered || upstream.isDelivered;
    return downstream.isFinished && upstream.isFinished;
  }

  private end(ending: number): void {
    this.isOver = true;
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    this.owner.handleRelayEnd(ending);
  }
}

class RelaySide implements SocketHandler, PassWatcher {
  readonly socket: Socket;
  peer!: RelaySide;
  private readonly relay: Relay;
  /** Null: nobody counts. */
  private readonly bytes: PassedBytes | null;
  /** The peer behind this socket has sent FIN. */
  private hasEnded = false;

  constructor(relay: Relay, socket: Socket, bytes: PassedBytes | null) {
    this.relay = relay;
    this.socket = socket;
    this.bytes = bytes;
  }

  /** Both sides know each other. */
  begin(): void {
    this.socket.handler = this;
    this.socket.passTo(this.peer.socket, this);
  }

  /** Nothing more comes in here, and nothing waits to go out. */
  get isFinished(): boolean {
    return this.hasEnded && this.socket.pendingSegments === 0;
  }

  /** Nothing more comes in here, and all that came has gone to the peer. */
  get isDelivered(): boolean {
    return this.hasEnded && this.peer.socket.pendingSegments === 0;
  }

  handleConnect(): void {
    // connected before it was joined
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.relay.touch();
    if (this.bytes !== null) this.bytes.add(length);
    const to = this.peer.socket;
    to.send(slot, offset, length, false);
    if (to.pendingSegments >= this.relay.context.segmentsEnough) this.socket.pause();
  }

  handlePassed(bytes: number): void {
    this.relay.touch();
    if (this.bytes !== null) this.bytes.add(bytes);
  }

  handleEnd(): void {
    this.relay.handleHalfClosed();
    this.hasEnded = true;
    this.peer.socket.end();
    this.relay.finishIfDone();
  }

  handleDrain(): void {
    this.relay.touch();
    this.peer.socket.resume();
    this.relay.finishIfDone();
  }

  handleClose(): void {
    this.relay.handleBroken(this);
  }
}

class MeteredClient extends RelaySide {
  private readonly meter: RelayMeter;

  constructor(relay: Relay, socket: Socket, bytes: PassedBytes | null, meter: RelayMeter) {
    super(relay, socket, bytes);
    this.meter = meter;
  }

  override handleData(socket: Socket, slot: number, offset: number, length: number): void {
    this.meter.countReceived(length);
    super.handleData(socket, slot, offset, length);
  }

  override handlePassed(bytes: number): void {
    this.meter.countReceived(bytes);
    super.handlePassed(bytes);
  }
}

class MeteredServer extends RelaySide {
  private readonly meter: RelayMeter;

  constructor(relay: Relay, socket: Socket, bytes: PassedBytes | null, meter: RelayMeter) {
    super(relay, socket, bytes);
    this.meter = meter;
  }

  override handleData(socket: Socket, slot: number, offset: number, length: number): void {
    this.meter.countSent(length);
    super.handleData(socket, slot, offset, length);
  }

  override handlePassed(bytes: number): void {
    this.meter.countSent(bytes);
    super.handlePassed(bytes);
  }
}
