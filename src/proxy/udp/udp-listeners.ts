/** The UDP listeners of a proxy, and the sockets that they receive from. Beside what proxy.ts has for streams. */
import type { Correspondents } from '../../base/correspondents.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import { OwnAddresses } from '../../core/own-addresses.ts';
import type { DatagramHandler, DatagramSocket, DropReason } from '../../port/datagram.ts';
import type { Context } from '../context.ts';
import type { SessionChannel } from '../../port/session-channel.ts';
import type { Upstream } from '../upstream.ts';
import { SessionGiving } from './session-giving.ts';
import { SessionTaking } from './session-taking.ts';
import { UdpListener } from './udp-listener.ts';

/** A bound socket of a plan, and whose it is. */
export interface PlannedUdpSocket {
  readonly id: number;
  readonly descriptor: number;
  readonly listener: ListenerPlan;
}

export class UdpListeners {
  private readonly context: Context;
  private readonly own = new OwnAddresses();
  private listeners: readonly UdpListener[] = [];
  /** Those that no plan has any more, as long as they have sessions. */
  private leaving: UdpListener[] = [];
  /** By the keeper's number of the socket. */
  private points = new Map<number, UdpPoint>();
  /** Those that no plan has any more, as long as they have sessions, here or on their way to another process. */
  private parting: UdpPoint[] = [];
  /** For sockets that another process still receives from, by their numbers. */
  private incoming = new Map<number, SessionChannel>();

  /** Sessions are on their way, to here or from here. */
  isHandingOver = false;

  constructor(context: Context) {
    this.context = context;
  }

  /** Descriptors of the sockets that it receives from. They stay its own. */
  get listening(): readonly number[] {
    return Array.from(this.points.values(), ({ descriptor }) => descriptor);
  }

  apply(plans: readonly ListenerPlan[], upstreams: readonly Upstream[], sockets: readonly PlannedUdpSocket[]): void {
    this.own.configure(plans.flatMap(({ binds }) => binds.map(({ address }) => address)));
    const former = new Map(this.listeners.map((listener) => [listener.plan.name, listener]));
    this.listeners = plans.map((plan) => {
      const known = former.get(plan.name);
      if (known === undefined)
        return new UdpListener(this.context, plan, upstreams, this.own, (asking, of) => this.displace(asking, of));
      former.delete(plan.name);
      known.apply(plan, upstreams);
      return known;
    });
    this.leaving.push(...former.values());
    this.applySockets(sockets);
  }

  /** The next plan has this socket, which another process receives from until it has sent its sessions. */
  take(id: number, channel: SessionChannel): void {
    this.incoming.get(id)?.close();
    this.incoming.set(id, channel);
  }

  /** Another process gets this socket, with its sessions, when this one is to have it no longer. */
  offer(id: number, channel: SessionChannel): void {
    const point = this.points.get(id);
    if (point === undefined) channel.close();
    else point.offer(channel);
  }

  handleTick(now: number): void {
    let isChanging = false;
    for (const point of this.parting) if (point.handleTick(now)) isChanging = true;
    for (const point of this.points.values()) if (point.handleTick(now)) isChanging = true;
    this.isHandingOver = isChanging;
    for (const listener of this.listeners) listener.handleTick(now, isChanging);
    if (this.parting.length > 0) this.closeParted();
    if (this.leaving.length === 0) return;
    this.leaving = this.leaving.filter(({ sessionCount }) => sessionCount > 0);
    for (const listener of this.leaving) listener.handleTick(now, isChanging);
  }

  abandon(addresses: readonly string[]): void {
    for (const listener of [...this.listeners, ...this.leaving]) listener.abandon(addresses);
  }

  /** Receives no more: whoever else has the sockets does. Answers still go out. */
  stop(): void {
    for (const point of this.points.values()) point.part();
  }

  /** Of whom the client would be over its share with, else of the listener with the largest crowd. */
  private displace(asking: UdpListener, of: Correspondents): boolean {
    // Who comes to every listener has its share once.
    const places = this.context.udpSessions / this.listeners.length;
    let crowded: UdpListener | null = asking.hasShare(of, places) ? asking : null;
    let most = crowded === null ? 0 : Infinity;
    for (const listener of this.listeners) {
      const size = listener.crowdSize(places);
      if (size <= most) continue;
      most = size;
      crowded = listener;
    }
    if (crowded === null) {
      for (const listener of this.listeners) {
        const size = listener.excess(of);
        if (size <= most) continue;
        most = size;
        crowded = listener;
      }
    }
    return crowded !== null && crowded.displace(of, places);
  }

  private applySockets(sockets: readonly PlannedUdpSocket[]): void {
    const byPlan = new Map(this.listeners.map((listener) => [listener.plan, listener]));
    const former = this.points;
    this.points = new Map();
    for (const { id, descriptor, listener } of sockets) {
      const owner = byPlan.get(listener) as UdpListener;
      const known = former.get(id);
      former.delete(id);
      if (known !== undefined) known.owner = owner;
      this.points.set(id, known ?? new UdpPoint(this.context, descriptor, owner, this.incoming.get(id)));
      // Who receives from it already goes on.
      if (known !== undefined) this.incoming.get(id)?.close();
    }
    this.incoming.clear();
    // Nobody is to hear of this address any more.
    for (const gone of former.values()) {
      if (gone.part()) {
        this.parting.push(gone);
        continue;
      }
      for (const listener of [...this.listeners, ...this.leaving]) listener.endAt(gone.socket);
      gone.socket.close();
    }
  }

  private closeParted(): void {
    const all = [...this.listeners, ...this.leaving];
    this.parting = this.parting.filter(({ socket, isParted }) => {
      if (!isParted || all.some((listener) => listener.hasSessionsAt(socket))) return true;
      socket.close();
      return false;
    });
  }
}

/** One bound socket, for a listener that may be another one by the next plan. */
class UdpPoint implements DatagramHandler {
  readonly descriptor: number;
  readonly socket: DatagramSocket;
  owner: UdpListener;
  private readonly context: Context;
  private taking: SessionTaking | null = null;
  private giving: SessionGiving | null = null;

  /** Owns `descriptor`. `incoming`: whence its sessions come, before anything is received. */
  constructor(context: Context, descriptor: number, owner: UdpListener, incoming?: SessionChannel) {
    this.context = context;
    this.descriptor = descriptor;
    this.owner = owner;
    this.socket = context.transport.datagrams.bind(descriptor, this);
    if (incoming === undefined) this.socket.start();
    else this.taking = new SessionTaking(incoming, this.socket);
  }

  /** The next process that it is to have would take its sessions from this channel. */
  offer(channel: SessionChannel): void {
    this.giving?.abandonOffer();
    this.giving = new SessionGiving(channel, this.socket);
  }

  /** Receives no more, as soon as somebody else does. False: nobody takes its sessions. */
  part(): boolean {
    const { taking, giving } = this;
    if (giving === null) {
      taking?.abandon();
      this.taking = null;
      this.socket.stop();
      return false;
    }
    // What is still on its way here goes on from here.
    if (taking === null) giving.begin();
    else taking.isForOthers = true;
    return true;
  }

  get isParted(): boolean {
    return this.giving?.isDone === true;
  }

  /** True: sessions are on their way, to here or from here. */
  handleTick(now: number): boolean {
    const { taking, giving, owner } = this;
    if (taking !== null && taking.handleTick(owner)) {
      this.taking = null;
      if (taking.isForOthers) giving?.begin();
      else this.socket.start();
    }
    giving?.handleTick(now, owner);
    if (giving?.isSending === true || this.taking?.isReceiving === true) this.context.transport.requestTurn();
    return this.taking !== null || giving?.isUnderWay === true;
  }

  handleDatagram(socket: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void {
    this.owner.handleDatagram(socket, bytes, offset, length);
  }

  handleDropped(socket: DatagramSocket, reason: DropReason): void {
    this.owner.handleDropped(socket, reason);
  }
}
