/**
 * UDP as the kernels of this machine and its peers have it: sockets by descriptors, which several processes may hold; bound ones in groups of which
 * one is chosen by who sends (SO_REUSEPORT), connected ones that hear their peer alone; receive queues; and between the machines a network that
 * loses, repeats, delays and overtakes.
 *
 * Local ports are not used again in a run: that a late answer comes to who has the port now is not played.
 */
import { addressText, type Address } from '../../src/base/address.ts';
import { hashWords } from '../../src/base/hash.ts';
import type { World } from '../world.ts';

export interface Datagram {
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/** A datagram's way, each time anew. */
export interface WaySpec {
  readonly delayUs: number;
  /** More than the time between two datagrams, and they overtake each other. */
  readonly jitterUs: number;
  /** One in so many is lost; 0: none. */
  readonly lostOneIn: number;
  /** One in so many comes twice; 0: none. */
  readonly twiceOneIn: number;
}

/** A host that is not this machine. False: nobody listens there, which the sender is told. */
export type Peer = (datagram: Datagram) => boolean;

/** Of a socket that is received from. */
export interface Receiver {
  handleReadable(): void;
}

/** Of rmem_default, in datagrams of some size. */
const QUEUE_MAX = 1000;
const FIRST_PORT = 32_768;
/** The address of this machine that the system chooses where nobody says which. */
export const HOST = '10.0.0.1';

/** What descriptors stand for. */
export class UdpSocket {
  readonly local: Address;
  /** Null: it hears everybody. */
  readonly peer: Address | null;
  readonly queue: Datagram[] = [];
  /** Its peer has said that nobody listens. */
  isRefused = false;
  readonly receivers = new Set<Receiver>();
  descriptors = 1;

  constructor(local: Address, peer: Address | null) {
    this.local = local;
    this.peer = peer;
  }

  wake(): void {
    for (const receiver of this.receivers) receiver.handleReadable();
  }
}

/** Anything that a descriptor may stand for. */
export interface OpenFile {
  descriptors: number;
  /** Nobody has it any more. */
  handleGone?(): void;
}

interface Held {
  readonly file: OpenFile;
  readonly process: number;
}

export class UdpKernel {
  readonly world: World;
  way: WaySpec;
  /** Every datagram that comes to this machine, or leaves it, when it does. */
  watch: (direction: 'in' | 'out', datagram: Datagram) => void = () => {};
  /** Did not fit a receive queue. */
  overflowed = 0;
  /** Sockets towards servers that went from one process to another. */
  handedOn = 0;
  private readonly held = new Map<number, Held>();
  private readonly groups = new Map<number, UdpSocket[]>();
  private readonly connected = new Map<number, UdpSocket>();
  private readonly peers = new Map<string, Peer>();
  private nextDescriptor = 100;
  private nextPort = FIRST_PORT;

  constructor(world: World, way: WaySpec) {
    this.world = world;
    this.way = way;
  }

  // --- descriptors ---

  /** `process` holds it from now on. */
  open(file: OpenFile, process: number): number {
    const descriptor = this.nextDescriptor++;
    this.held.set(descriptor, { file, process });
    return descriptor;
  }

  duplicate(descriptor: number, process: number): number {
    const { file } = this.entry(descriptor);
    file.descriptors++;
    return this.open(file, process);
  }

  close(descriptor: number): void {
    const { file } = this.entry(descriptor);
    this.held.delete(descriptor);
    file.descriptors--;
    if (file.descriptors > 0) return;
    if (file instanceof UdpSocket) this.forget(file);
    else file.handleGone?.();
  }

  /** The end of a process, however it came. */
  closeAllOf(process: number): void {
    for (const [descriptor, held] of this.held) if (held.process === process) this.close(descriptor);
  }

  fileOf(descriptor: number): OpenFile {
    return this.entry(descriptor).file;
  }

  socketOf(descriptor: number): UdpSocket {
    const { file } = this.entry(descriptor);
    if (!(file instanceof UdpSocket))
      return this.world.fail('contract', `descriptor ${descriptor} is no socket of UDP`);
    return file;
  }

  /** Sockets towards servers, of all processes. */
  get connectedCount(): number {
    return this.connected.size;
  }

  private entry(descriptor: number): Held {
    return this.held.get(descriptor) ?? this.world.fail('contract', `descriptor ${descriptor} is not open`);
  }

  private forget(socket: UdpSocket): void {
    if (socket.peer !== null) this.connected.delete(socket.local.port);
    else {
      const group = this.groups.get(socket.local.port) as UdpSocket[];
      group.splice(group.indexOf(socket), 1);
    }
  }

  // --- sockets ---

  /** A group of so many sockets, of all addresses of this machine. */
  bind(port: number, count: number, process: number): number[] {
    const group = Array.from({ length: count }, () => new UdpSocket({ family: 4, host: '0.0.0.0', port }, null));
    this.groups.set(port, group);
    return group.map((socket) => this.open(socket, process));
  }

  connect(host: string, peer: Address, process: number): number {
    const socket = new UdpSocket({ family: 4, host, port: this.nextPort++ }, peer);
    this.connected.set(socket.local.port, socket);
    return this.open(socket, process);
  }

  listen(address: Address, peer: Peer): void {
    this.peers.set(addressText(address), peer);
  }

  // --- the network ---

  send(from: Address, to: Address, bytes: Uint8Array): void {
    const { way, world } = this;
    const datagram = { from, to, bytes };
    if (!this.peers.has(addressText(from))) this.watch('out', datagram);
    const copies = world.prng.oneIn(way.lostOneIn) ? 0 : world.prng.oneIn(way.twiceOneIn) ? 2 : 1;
    if (copies === 0) world.note('lost: %a to %b', addressText(from), addressText(to));
    for (let i = 0; i < copies; i++) {
      world.schedule(way.delayUs + world.prng.below(way.jitterUs + 1), () => this.arrive(datagram));
    }
  }

  private arrive(datagram: Datagram): void {
    const { from, to } = datagram;
    const peer = this.peers.get(addressText(to));
    if (peer !== undefined) {
      if (!peer(datagram)) this.world.schedule(this.way.delayUs, () => this.refuse(from));
      return;
    }
    const socket = this.connected.get(to.port) ?? this.chooseBound(datagram);
    if (socket === undefined || (socket.peer !== null && addressText(socket.peer) !== addressText(from))) return;
    if (socket.queue.length >= QUEUE_MAX) {
      this.overflowed++;
      return;
    }
    this.watch('in', datagram);
    socket.queue.push(datagram);
    socket.wake();
  }

  /** The same one for the same two, as long as the group is the same. */
  private chooseBound({ from, to }: Datagram): UdpSocket | undefined {
    const group = this.groups.get(to.port);
    if (group === undefined || group.length === 0) return undefined;
    return group[(hashWords(ipOf(from), from.port, ipOf(to), to.port) >>> 0) % group.length];
  }

  private refuse(from: Address): void {
    const socket = this.connected.get(from.port);
    if (socket === undefined) return;
    socket.isRefused = true;
    socket.wake();
  }
}

/** An IPv4 address as a word. */
export function ipOf({ host }: Address): number {
  return host.split('.').reduce((word, part) => (word << 8) | Number(part), 0);
}

export function hostOf(ip: number): string {
  return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 0xff).join('.');
}
