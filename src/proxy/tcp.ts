/**
 * TCP listeners: each connection is joined to one of the upstream's servers.
 *
 * Nothing is read from the client until a server has taken the connection, so that a failed try loses no byte and another
 * server can be tried. Without any server the client gets a reset at once.
 */
import { hashWords } from '../base/hash.ts';
import { PICK_FULL, PICK_TRIED } from '../core/balance/balancer.ts';
import {
  type ConnectFailure,
  FAILED_CONNECT_TIMEOUT,
  FAILED_WITHDRAWN,
  FAILED_NO_RESOURCE,
  isLocalFailure,
} from '../core/retry.ts';
import type { ListenerPlan } from '../config/plan.ts';
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { connectFailure } from './connect-failure.ts';
import type { Context } from './context.ts';
import { Listener } from './listener.ts';
import { redialAt } from './redial.ts';
import { kindOfFailure, NO_SERVER, QUEUE_FULL, QUEUE_TIMEOUT } from './tcp-failures.ts';
import { Relay, type RelayOwner } from './relay.ts';
import { Waiter, type Server, type Upstream } from './upstream.ts';

/** Servers tried for one connection before it is given up. */
const TRIES_MAX = 3;

export class TcpListener extends Listener {
  private upstream!: Upstream;

  constructor(context: Context, plan: ListenerPlan, upstreams: readonly Upstream[]) {
    super(context, plan);
    this.configure(upstreams);
  }

  protected override configure(upstreams: readonly Upstream[]): void {
    this.upstream = upstreams[this.plan.upstream];
  }

  protected override begin(socket: Socket): void {
    new TcpSession(this, this.upstream, socket).connect();
  }
}

const NO_BYTES = new Uint8Array(0);
const addressBytes = new Uint8Array(16);
const addressWords = new DataView(addressBytes.buffer);

/** A client's connection until it is joined to a server's. */
class TcpSession extends Waiter implements SocketHandler, RelayOwner {
  private readonly listener: TcpListener;
  private readonly context: Context;
  private readonly upstream: Upstream;
  private readonly downstream: Socket;
  private server: Server | null = null;
  private serverSocket: Socket | null = null;
  /** When the server was picked. */
  private takenAt = 0;
  /** When its connection has to stand. */
  private connectDeadline = 0;
  /** Of the last try: a kind of answer. */
  private failure = NO_SERVER;
  private isOver = false;

  constructor(listener: TcpListener, upstream: Upstream, downstream: Socket) {
    super();
    this.listener = listener;
    this.context = listener.context;
    this.upstream = upstream;
    this.downstream = downstream;
    downstream.handler = this;
    downstream.pause();
    downstream.resetIfKilled();
    if (upstream.plan.balance === 'source-hash') this.key = addressKey(downstream);
  }

  connect(): void {
    this.handlePicked(this.upstream.pick(this));
  }

  override handlePicked(picked: number): void {
    const { context, upstream } = this;
    if (picked === PICK_FULL && upstream.enqueue(this)) {
      context.timers.arm(this, context.transport.now + upstream.plan.timeouts.queueMs);
      return;
    }
    if (picked < 0) {
      this.refuse(picked === PICK_FULL ? QUEUE_FULL : picked === PICK_TRIED ? this.failure : NO_SERVER);
      return;
    }
    this.server = upstream.servers[picked];
    upstream.take(this.server);
    this.takenAt = context.transport.now;
    this.connectDeadline = this.takenAt + upstream.plan.timeouts.connectMs;
    this.dial(this.server);
  }

  private dial(server: Server): void {
    const { context } = this;
    this.serverSocket = context.transport.connect(server.preparedAddress, this);
    if (this.serverSocket === null) this.tryAnother(FAILED_NO_RESOURCE);
    else context.timers.arm(this, this.connectDeadline);
  }

  // --- events: of the server's socket while it connects, and of the client's if it breaks meanwhile ---

  handleConnect(): void {
    this.context.timers.remove(this);
    const socket = this.serverSocket as Socket;
    const { keepAlive } = this.upstream.plan;
    if (keepAlive !== null) socket.setKeepAlive(keepAlive);
    Relay.join(this.context, this.downstream, socket, this.upstream.plan.timeouts, this);
  }

  handleClose(socket: Socket, reason: CloseReason): void {
    if (socket === this.downstream) {
      this.giveUp();
      return;
    }
    this.serverSocket = null;
    const { timers, transport } = this.context;
    const dialAt = redialAt(reason, transport.now, this.connectDeadline);
    if (dialAt > 0) timers.arm(this, dialAt);
    else this.tryAnother(connectFailure(reason));
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot);
  }

  handleEnd(): void {
    // Neither side is read before they are joined.
  }

  handleDrain(): void {
    // nothing was sent yet
  }

  override handleExpiry(now: number): void {
    if (this.isQueued) {
      this.refuse(QUEUE_TIMEOUT);
    } else if (now < this.connectDeadline && (this.server as Server).isUsable) {
      this.dial(this.server as Server);
    } else {
      this.closeServerSocket();
      this.tryAnother(now < this.connectDeadline ? FAILED_WITHDRAWN : FAILED_CONNECT_TIMEOUT);
    }
  }

  relayRetireAt(): number {
    return Math.min(this.listener.retireAt, (this.server as Server).retireAt);
  }

  handleRelayEnd(): void {
    this.upstream.giveServed(this.server as Server, this.context.transport.now - this.takenAt);
    this.server = null;
    this.end();
  }

  private tryAnother(how: ConnectFailure): void {
    const server = this.server as Server;
    this.server = null;
    if (isLocalFailure(how)) this.upstream.give(server);
    else this.upstream.giveFailed(server, this.context.transport.now - this.takenAt);
    this.context.noteFailure(server, how, 0);
    this.markTried(server);
    this.failure = kindOfFailure(how);
    if (this.triedCount >= TRIES_MAX) this.refuse(this.failure);
    else this.handlePicked(this.upstream.pick(this));
  }

  private closeServerSocket(): void {
    const socket = this.serverSocket;
    this.serverSocket = null;
    if (socket !== null) socket.close();
  }

  private giveBack(): void {
    const server = this.server;
    this.server = null;
    if (server !== null) this.upstream.give(server);
  }

  /** No server, for this reason: a kind of answer. */
  private refuse(kind: number): void {
    this.context.answers.note(this.upstream.plan.name, kind, NO_BYTES, 0, 0);
    this.giveUp();
  }

  /** The client is to know at once. */
  private giveUp(): void {
    this.upstream.dequeue(this);
    this.closeServerSocket();
    this.giveBack();
    this.downstream.reset();
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.context.timers.remove(this);
    this.listener.release();
  }
}

function addressKey(socket: Socket): number {
  socket.remoteAddress(addressBytes, 0);
  return hashWords(
    addressWords.getInt32(0),
    addressWords.getInt32(4),
    addressWords.getInt32(8),
    addressWords.getInt32(12),
  );
}
