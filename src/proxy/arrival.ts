/**
 * A client's connection while its listener's layer is at work on it. It has as long as a handshake has, or a request's head, and until
 * it is through, it is idle: it makes room for one that is.
 */
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Socket } from '../port/transport.ts';
import type { Context } from './context.ts';
import type { IdleClient, IdleClients } from './idle-clients.ts';
import type { ConnectionInfo, Layer, LayerUser, Opening } from './layer.ts';
import type { Service } from './service.ts';
import { KEEPS_NOTHING, Session } from './session.ts';

/** A listener, for those that arrive there. */
interface Destination {
  readonly context: Context;
  readonly plan: ListenerPlan;
  readonly service: Service;
  readonly idle: IdleClients;
  readonly retireAt: number;
  release(): void;
}

export class Arrival extends Session implements LayerUser, IdleClient {
  private readonly listener: Destination;
  private readonly socket: Socket;
  private readonly since: number;
  private opening: Opening | null = null;
  private isOver = false;
  // The list of idle clients' own.
  idleIn: IdleClients | null = null;
  idleSince = 0;
  idleBefore: IdleClient | null = null;
  idleAfter: IdleClient | null = null;

  /** The listener's service gets what `layer` makes of the socket. */
  static begin(listener: Destination, layer: Layer, socket: Socket): void {
    const arrival = new Arrival(listener, socket);
    const opening = layer.open(socket, arrival);
    if (!arrival.isOver) arrival.opening = opening;
  }

  private constructor(listener: Destination, socket: Socket) {
    super();
    const { sessions, timers, transport } = listener.context;
    this.listener = listener;
    this.socket = socket;
    this.since = transport.now;
    sessions.add(this);
    listener.idle.add(this, this.since);
    const { timeouts, tls } = listener.plan;
    timers.arm(this, this.since + (tls?.handshakeMs ?? timeouts.headMs));
  }

  handleOpen(socket: Socket, info: ConnectionInfo): void {
    this.leaveListener();
    this.listener.service.serve(socket, info);
  }

  handleOpenFailed(): void {
    this.leaveListener();
    this.listener.release();
  }

  private leaveListener(): void {
    const { sessions, timers } = this.listener.context;
    this.isOver = true;
    this.opening = null;
    timers.remove(this);
    sessions.delete(this);
    this.listener.idle.remove(this);
  }

  private giveUp(): void {
    const { opening } = this;
    this.leaveListener();
    opening?.cancel();
    this.listener.release();
  }

  override handleExpiry(): void {
    this.giveUp();
  }

  closeIdle(): void {
    this.giveUp();
  }

  endIdle(): void {
    this.giveUp();
  }

  override progress(): number {
    const isKeeping = this.socket.keepsScarce || this.opening?.keepsScarce === true;
    return isKeeping ? this.socket.acknowledgedBytes : KEEPS_NOTHING;
  }

  override quietSince(): number {
    return this.since;
  }

  override shed(): void {
    this.giveUp();
  }

  override retireAt(): number {
    return this.listener.retireAt;
  }

  override retire(): void {
    this.giveUp();
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.giveUp();
  }
}
