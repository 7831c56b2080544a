/** The UDP listeners of a proxy, and the sockets that they receive from. Beside what proxy.ts has for streams. */
import type { Correspondents } from '../../base/correspondents.ts';
import type { ListenerPlan } from '../../config/plan.ts';
import { OwnAddresses } from '../../core/datagram/own-addresses.ts';
import type { DatagramHandler, DatagramSocket, DropReason } from '../../port/datagram.ts';
import type { Context } from '../context.ts';
import type { Upstream } from '../upstream.ts';
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

  handleTick(now: number): void {
    for (const listener of this.listeners) listener.handleTick(now);
    if (this.leaving.length === 0) return;
    this.leaving = this.leaving.filter(({ sessionCount }) => sessionCount > 0);
    for (const listener of this.leaving) listener.handleTick(now);
  }

  abandon(addresses: readonly string[]): void {
    for (const listener of [...this.listeners, ...this.leaving]) listener.abandon(addresses);
  }

  /** Receives no more: whoever else has the sockets does. Answers still go out. */
  stop(): void {
    for (const point of this.points.values()) point.socket.stop();
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
      this.points.set(id, known ?? new UdpPoint(this.context, descriptor, owner));
    }
    // Nobody is to hear of this address any more.
    for (const gone of former.values()) {
      for (const listener of [...this.listeners, ...this.leaving]) listener.endAt(gone.socket);
      gone.socket.close();
    }
  }
}

/** One bound socket, for a listener that may be another one by the next plan. */
class UdpPoint implements DatagramHandler {
  readonly descriptor: number;
  readonly socket: DatagramSocket;
  owner: UdpListener;

  /** Owns `descriptor`. */
  constructor(context: Context, descriptor: number, owner: UdpListener) {
    this.descriptor = descriptor;
    this.owner = owner;
    this.socket = context.transport.datagrams.bind(descriptor, this);
  }

  handleDatagram(socket: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void {
    this.owner.handleDatagram(socket, bytes, offset, length);
  }

  handleDropped(socket: DatagramSocket, reason: DropReason): void {
    this.owner.handleDropped(socket, reason);
  }
}
