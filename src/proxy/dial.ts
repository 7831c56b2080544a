/**
 * A connection to a server until it stands, with its server's layer if that has one. It has to stand in time; where the
 * queue of a Unix socket is full, it is tried again within that time.
 */
import { type ConnectFailure, FAILED_CONNECT_TIMEOUT, FAILED_NO_RESOURCE, FAILED_WITHDRAWN } from '../core/retry.ts';
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { connectFailure } from './connect-failure.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';
import type { ConnectionInfo, Layer, LayerUser, OpenFailure, Opening, ServerLayer } from './layer.ts';
import { redialAt } from './redial.ts';
import { type DialClient, emitServerHeader, SERVER_HEADER_BYTES_MAX } from './server-header.ts';
import type { Server } from './server.ts';
import type { Upstream } from './upstream.ts';

export interface DialOwner extends DialClient {
  /** It stands. The socket is to be given a handler before this returns. `protocol`: as ConnectionInfo has it. */
  handleDialed(socket: Socket, protocol: string | null): void;
  handleDialFailed(how: ConnectFailure): void;
}

export class Dial extends Expiring implements SocketHandler, LayerUser {
  private readonly context: Context;
  private readonly upstream: Upstream;
  private readonly server: Server;
  private readonly owner: DialOwner;
  private readonly layer: Layer | null;
  /** Is not to go while this needs it. */
  private readonly serverLayer: ServerLayer | null;
  private readonly standsBy: number;
  /** Null: it waits to be tried again, or the layer has it. */
  private socket: Socket | null = null;
  private opening: Opening | null = null;
  private isOver = false;

  /** Null: no socket could be made. `layer`: another one than the server's, or over it. */
  static begin(
    context: Context,
    upstream: Upstream,
    server: Server,
    owner: DialOwner,
    layer: Layer | null = server.layer,
  ): Dial | null {
    const dial = new Dial(context, upstream, server, owner, layer);
    if (!dial.connect()) return null;
    dial.serverLayer?.retain();
    return dial;
  }

  private constructor(context: Context, upstream: Upstream, server: Server, owner: DialOwner, layer: Layer | null) {
    super();
    this.layer = layer;
    this.serverLayer = server.layer;
    this.context = context;
    this.upstream = upstream;
    this.server = server;
    this.owner = owner;
    this.standsBy = context.transport.now + upstream.plan.timeouts.connectMs;
  }

  private connect(): boolean {
    const { timers, transport } = this.context;
    this.socket = transport.connect(this.server.preparedAddress, this);
    if (this.socket === null) return false;
    timers.arm(this, this.standsBy);
    return true;
  }

  /** It is not wanted any more. Idempotent. */
  cancel(): void {
    const { opening, socket } = this;
    this.end();
    if (socket !== null) socket.close();
    if (opening !== null) opening.cancel();
  }

  private end(): void {
    if (!this.isOver) this.serverLayer?.release();
    this.isOver = true;
    this.socket = null;
    this.opening = null;
    this.context.timers.remove(this);
  }

  private fail(how: ConnectFailure): void {
    this.cancel();
    this.owner.handleDialFailed(how);
  }

  // --- the socket ---

  handleConnect(socket: Socket): void {
    const { keepAlive, proxyProtocol } = this.upstream.plan;
    if (keepAlive !== null) socket.setKeepAlive(keepAlive);
    if (proxyProtocol !== null && !this.sendHeader(socket)) {
      this.fail(FAILED_NO_RESOURCE);
      return;
    }
    const { layer } = this;
    if (layer === null) {
      this.handleOpen(socket, null);
      return;
    }
    this.socket = null;
    const opening = layer.open(socket, this);
    if (!this.isOver) this.opening = opening;
  }

  /** Says whose connection it is. False: no slot was free. */
  private sendHeader(socket: Socket): boolean {
    const { arena, memory } = this.context;
    const slot = arena.allocate(SERVER_HEADER_BYTES_MAX);
    if (slot < 0) return false;
    const start = arena.start(slot);
    socket.send(slot, start, emitServerHeader(this.upstream.plan, this.owner, memory, start) - start, false);
    return true;
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.socket = null;
    const { timers, transport } = this.context;
    const dialAt = redialAt(reason, transport.now, this.standsBy);
    if (dialAt > 0) timers.arm(this, dialAt);
    else this.fail(connectFailure(reason));
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot); // not before it stands
  }

  handleEnd(): void {
    // not before it stands
  }

  handleDrain(): void {
    // nobody waits for the header to leave
  }

  // --- the layer ---

  handleOpen(socket: Socket, info: ConnectionInfo | null): void {
    this.end();
    this.owner.handleDialed(socket, info === null ? null : info.protocol);
  }

  handleOpenFailed(reason: OpenFailure): void {
    this.opening = null;
    this.fail(connectFailure(reason));
  }

  override handleExpiry(now: number): void {
    if (now >= this.standsBy) this.fail(FAILED_CONNECT_TIMEOUT);
    else if (!this.server.isUsable) this.fail(FAILED_WITHDRAWN);
    else if (!this.connect()) this.fail(FAILED_NO_RESOURCE);
  }
}
