/**
 * `port/datagram.ts` over the seeded kernel, and the strict implementation of it: it does all that a real engine may do, and fails the run when
 * the driver breaks its side of the contract.
 *
 * What is sent leaves in the next turn, as with io_uring: what a process has received and not sent is lost when it is killed between the two.
 */
import type { Address } from '../../src/base/address.ts';
import type { Correspondents } from '../../src/base/correspondents.ts';
import {
  type DatagramHandler,
  type Datagrams,
  type DatagramSocket,
  type DropReason,
  type Flow,
  type FlowFailure,
  type FlowHandler,
  HEAD_BYTES_MAX,
} from '../../src/port/datagram.ts';
import { CorrespondentWords } from '../../src/wire/correspondent-words.ts';
import type { World } from '../world.ts';
import { type Datagram, HOST, hostOf, ipOf, type UdpKernel, type UdpSocket } from './kernel.ts';

export interface DatagramSpec {
  /** A socket cannot be opened once in so many; 0: never. */
  readonly openFailOneIn: number;
  /** What is sent does not leave once in so many; 0: never. */
  readonly dropOneIn: number;
  /** Sockets that may exist at once. */
  readonly socketsMax: number;
}

/** Ways to be broken on purpose, to prove that the simulator sees it. The last one is the keeper's. */
export const UDP_SABOTAGES = [
  'swap-answers',
  'forget-address',
  'send-twice',
  'lose-one',
  'spoil-byte',
  'hands-nothing',
] as const;

export type UdpSabotage = 'none' | (typeof UDP_SABOTAGES)[number];

/** Something that a turn has to look at. */
export interface Ready {
  isQueued: boolean;
  /** True: there is more. */
  dispatchOne(): boolean;
}

/** What it needs of the transport and its process. */
export interface Turns {
  readonly process: number;
  readonly kernel: UdpKernel;
  readonly world: World;
  markReady(what: Ready): void;
  addressOf(preparedAddress: number): { readonly address: Address; readonly source: string };
}

const OPEN_FAILURES: readonly FlowFailure[] = ['no-port', 'no-resource', 'unreachable'];
const DROPS: readonly DropReason[] = ['full', 'too-large', 'refused'];
const SABOTAGE_ONE_IN = 40;
const MAPPED = 0xffff;

interface Sending {
  readonly socket: UdpSocket;
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly tell: (reason: DropReason) => void;
}

export class SimDatagrams implements Datagrams {
  readonly turns: Turns;
  readonly spec: DatagramSpec;
  readonly knowsAsked: boolean;
  sabotage: UdpSabotage = 'none';
  flowCount = 0;
  private lent: Uint8Array | null = null;
  private sending: Sending[] = [];

  constructor(turns: Turns, spec: DatagramSpec, knowsAsked: boolean) {
    this.turns = turns;
    this.spec = spec;
    this.knowsAsked = knowsAsked;
  }

  bind(descriptor: number, handler: DatagramHandler): DatagramSocket {
    return new SimBoundSocket(this, descriptor, handler);
  }

  open(preparedAddress: number, handler: FlowHandler, tag: number): Flow | FlowFailure {
    const { process, kernel, world } = this.turns;
    if (this.flowCount >= this.spec.socketsMax) return 'no-resource';
    if (world.prng.oneIn(this.spec.openFailOneIn)) return OPEN_FAILURES[world.prng.below(OPEN_FAILURES.length)];
    const { address, source } = this.turns.addressOf(preparedAddress);
    return new SimFlow(this, kernel.connect(source, address, process), handler, tag);
  }

  adopt(descriptor: number, handler: FlowHandler, tag: number): Flow | null {
    this.turns.kernel.handedOn++;
    if (this.flowCount < this.spec.socketsMax) return new SimFlow(this, descriptor, handler, tag);
    this.turns.kernel.close(descriptor);
    return null;
  }

  /** For as long as `use` takes; what is sent of it leaves later. */
  lend({ bytes }: Datagram, use: (lent: Uint8Array, offset: number) => void): void {
    const lent = new Uint8Array(HEAD_BYTES_MAX + bytes.length);
    lent.set(bytes, HEAD_BYTES_MAX);
    this.lent = lent;
    use(lent, HEAD_BYTES_MAX);
    this.lent = null;
  }

  get isLending(): boolean {
    return this.lent !== null;
  }

  push(sending: Sending): void {
    const { bytes, offset, length } = sending;
    if (bytes !== this.lent) this.turns.world.fail('contract', 'what is sent was not just given');
    if (offset < 0 || length < 0 || offset + length > bytes.length) this.turns.world.fail('contract', 'bytes outside');
    this.sending.push(sending);
  }

  /** What the turn before has pushed leaves. True: something was there. */
  flush(): boolean {
    const { sending } = this;
    const { prng } = this.turns.world;
    this.sending = [];
    for (const [i, each] of sending.entries()) {
      const isBroken = this.sabotage !== 'none' && prng.oneIn(SABOTAGE_ONE_IN);
      if (isBroken && this.sabotage === 'lose-one') continue;
      if (prng.oneIn(this.spec.dropOneIn)) each.tell(DROPS[prng.below(DROPS.length)]);
      else this.leave(each, isBroken, sending[(i + 1) % sending.length]);
    }
    return sending.length > 0;
  }

  get hasPushed(): boolean {
    return this.sending.length > 0;
  }

  private leave(each: Sending, isBroken: boolean, other: Sending): void {
    const { kernel } = this.turns;
    const bytes = each.bytes.slice(each.offset, each.offset + each.length);
    let { from, to } = each;
    if (isBroken && this.sabotage === 'spoil-byte') bytes[0] ^= 1;
    if (isBroken && this.sabotage === 'send-twice') kernel.send(from, to, bytes);
    if (isBroken && each.socket.peer === null) {
      if (this.sabotage === 'swap-answers' && other.socket.peer === null) to = other.to;
      if (this.sabotage === 'forget-address') from = { ...from, host: '10.0.0.9' };
    }
    kernel.send(from, to, bytes);
  }
}

/** Who sent a datagram, and what it has asked. */
class Sender extends CorrespondentWords {
  set({ from, to }: Datagram, knowsAsked: boolean): void {
    this.ip2 = MAPPED;
    this.ip3 = ipOf(from);
    this.port = from.port;
    if (!knowsAsked) return;
    this.local2 = MAPPED;
    this.local3 = ipOf(to);
  }
}

interface Way {
  readonly client: Address;
  readonly asked: Address;
}

class SimBoundSocket implements DatagramSocket, Ready {
  readonly from = new Sender();
  readonly port: number;
  readonly knowsAsked: boolean;
  isQueued = false;
  private readonly datagrams: SimDatagrams;
  private readonly descriptor: number;
  private readonly handler: DatagramHandler;
  private readonly socket: UdpSocket;
  private readonly ways = new Map<number, Way>();
  private nextWay = 1;
  private current: Datagram | null = null;
  private state: 'stopped' | 'armed' | 'stopping' = 'stopped';
  private wasStarted = false;
  private isClosed = false;

  constructor(datagrams: SimDatagrams, descriptor: number, handler: DatagramHandler) {
    this.datagrams = datagrams;
    this.descriptor = descriptor;
    this.handler = handler;
    this.knowsAsked = datagrams.knowsAsked;
    this.socket = datagrams.turns.kernel.socketOf(descriptor);
    this.port = this.socket.local.port;
    this.from.localPort = this.port;
  }

  get isStopped(): boolean {
    return this.state === 'stopped';
  }

  keepReturn(): number {
    const { current } = this;
    if (current === null) return this.fail('keepReturn without a datagram');
    return this.keep(current.from, current.to.host);
  }

  keepReturnTo({ ip3, port, local3 }: Correspondents): number {
    return this.keep({ family: 4, host: hostOf(ip3), port }, local3 === 0 ? HOST : hostOf(local3));
  }

  private keep(client: Address, asked: string): number {
    const host = this.knowsAsked ? asked : HOST;
    this.ways.set(this.nextWay, { client, asked: { family: 4, host, port: this.port } });
    return this.nextWay++;
  }

  forgetReturn(returnAddress: number): void {
    if (!this.ways.delete(returnAddress)) this.fail(`way back ${returnAddress} is forgotten twice`);
  }

  sendTo(returnAddress: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.isClosed) this.fail('sendTo after close');
    const { client, asked } = this.ways.get(returnAddress) ?? this.fail(`way back ${returnAddress} is not there`);
    const tell = (reason: DropReason): void => {
      if (!this.isClosed) this.handler.handleDropped(this, reason);
    };
    this.datagrams.push({ socket: this.socket, from: asked, to: client, bytes, offset, length, tell });
  }

  start(): void {
    if (this.wasStarted) this.fail('start twice');
    this.wasStarted = true;
    if (this.isClosed) return;
    this.state = 'armed';
    this.socket.receivers.add(this);
    this.datagrams.turns.markReady(this);
  }

  stop(): void {
    if (this.state !== 'armed') return;
    this.state = 'stopping';
    this.datagrams.turns.markReady(this);
  }

  close(): void {
    if (this.isClosed) return;
    this.stop();
    this.isClosed = true;
    if (this.state === 'stopped') this.datagrams.turns.kernel.close(this.descriptor);
  }

  handleReadable(): void {
    this.datagrams.turns.markReady(this);
  }

  dispatchOne(): boolean {
    const { prng } = this.datagrams.turns.world;
    if (this.state === 'stopped') return false;
    if (this.state === 'stopping' && (this.socket.queue.length === 0 || prng.oneIn(2))) {
      this.state = 'stopped';
      this.socket.receivers.delete(this);
      if (this.isClosed) this.datagrams.turns.kernel.close(this.descriptor);
      return false;
    }
    const datagram = this.socket.queue.shift();
    if (datagram === undefined) return false;
    if (!this.isClosed) this.handOver(datagram);
    return true;
  }

  private handOver(datagram: Datagram): void {
    this.current = datagram;
    this.from.set(datagram, this.knowsAsked);
    this.datagrams.lend(datagram, (lent, offset) => {
      this.handler.handleDatagram(this, lent, offset, datagram.bytes.length);
    });
    this.current = null;
  }

  private fail(detail: string): never {
    return this.datagrams.turns.world.fail('contract', detail);
  }
}

class SimFlow implements Flow, Ready {
  readonly descriptor: number;
  readonly tag: number;
  isQueued = false;
  private readonly datagrams: SimDatagrams;
  private readonly handler: FlowHandler;
  private readonly socket: UdpSocket;
  private isClosed = false;
  private isStopped = false;

  constructor(datagrams: SimDatagrams, descriptor: number, handler: FlowHandler, tag: number) {
    this.datagrams = datagrams;
    this.descriptor = descriptor;
    this.handler = handler;
    this.tag = tag;
    this.socket = datagrams.turns.kernel.socketOf(descriptor);
    this.socket.receivers.add(this);
    datagrams.flowCount++;
    datagrams.turns.markReady(this);
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    if (this.isClosed) this.datagrams.turns.world.fail('contract', 'send after close');
    const { local: from, peer: to } = this.socket;
    const tell = (reason: DropReason): void => {
      if (!this.isClosed) this.handler.handleFlowDropped(this, reason);
    };
    this.datagrams.push({ socket: this.socket, from, to: to as Address, bytes, offset, length, tell });
  }

  sendBehind(head: Uint8Array, headBytes: number, bytes: Uint8Array, offset: number, length: number): void {
    bytes.set(head.subarray(0, headBytes), offset - headBytes);
    this.send(bytes, offset - headBytes, headBytes + length);
  }

  stop(): void {
    this.isStopped = true;
    this.datagrams.turns.markReady(this);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket.receivers.delete(this);
    this.datagrams.flowCount--;
    this.datagrams.turns.kernel.close(this.descriptor);
  }

  handleReadable(): void {
    this.datagrams.turns.markReady(this);
  }

  dispatchOne(): boolean {
    if (this.isClosed) return false;
    if (this.isStopped && this.datagrams.turns.world.prng.oneIn(2)) {
      this.socket.receivers.delete(this);
      // what comes now is for whoever else has the socket
      this.socket.wake();
      return false;
    }
    if (this.socket.isRefused) {
      this.socket.isRefused = false;
      this.handler.handleUnreachable(this, 'refused');
      return true;
    }
    const datagram = this.socket.queue.shift();
    if (datagram === undefined) return this.isStopped;
    this.datagrams.lend(datagram, (lent, offset) => {
      this.handler.handleAnswer(this, lent, offset, datagram.bytes.length);
    });
    return true;
  }
}
