/**
 * The data plane's transport on io_uring: one ring, one thread, one system call per turn. `run` never returns to Node's
 * event loop before `stop`: no timer, signal handler or promise of this process runs meanwhile. A process that runs this takes
 * its orders through an adopted socket, and a signal that it has a handler for does nothing.
 *
 * A turn: post buffers; submit everything and wait (io_uring_enter); let the driver look at its timers; hand out every
 * completion; look again at sockets that asked for it.
 */
import { performance } from 'node:perf_hooks';
import { Arena } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import { LoopCells } from '../../base/loop-cells.ts';
import { LARGE_SLOTS, POSTED_SLOTS, SMALL_SLOTS, TICK_MS } from '../../base/limits.ts';
import type { Address } from '../../base/address.ts';
import type { Datagrams } from '../../port/datagram.ts';
import type { Outlet, OutletHandler } from '../../port/outlet.ts';
import type {
  ListenHandler,
  ListenSocket,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../../port/transport.ts';
import * as abi from './abi.ts';
import { UringDatagrams } from './datagrams.ts';
import { DescriptorReserve } from './descriptor-reserve.ts';
import { Engine } from './engine.ts';
import * as ffi from './ffi.ts';
import { UringListener } from './listener.ts';
import { probeUring } from './probe.ts';
import { UringOutlet } from './outlet.ts';
import { Ring } from './ring.ts';
import { UringSocket } from './socket.ts';
import * as data from './user-data.ts';

export interface UringOptions {
  readonly largeSlots?: number;
  readonly smallSlots?: number;
  /** Large slots that the kernel may fill between two turns. */
  readonly postedSlots?: number;
  /** See Engine.receiveLimit; by default what this kernel can do. */
  readonly receiveLimit?: number;
  /** Whether options of sockets are submitted; by default where this kernel can. */
  readonly submitsOptions?: boolean;
  /** Sizes of the queues; small ones show what happens when they are full. */
  readonly submissions?: number;
  readonly completions?: number;
  /** Descriptors that accepting leaves for connections to servers. */
  readonly descriptorReserve?: number;
  /** An accept takes one connection of those that wait, and not all of them. */
  readonly acceptsSingly?: boolean;
  /** Datagrams of one turn and one way leave as one, see SegmentRuns. By default they do. */
  readonly segmentsDatagrams?: boolean;
}

/** Makes a transport for this thread, which alone may use it. Throws where io_uring is not to be had; see probe.ts. */
export function createUringTransport(options: UringOptions = {}): Transport {
  const probe = probeUring();
  if (!probe.ok) throw new Error(`${probe.reason}; ${probe.remedy}`);
  return new UringTransport(
    options,
    options.receiveLimit ?? (probe.hasReceiveLimit ? Arena.receiveBytes : 0),
    options.submitsOptions ?? probe.hasSocketOptions,
  );
}

class UringTransport implements Transport {
  readonly arena: Arena;
  now: number;
  loop = new LoopCells();

  private readonly engine: Engine;
  private readonly reserve: DescriptorReserve | null;
  private readonly acceptsSingly: boolean;
  private readonly segmentsDatagrams: boolean;
  private readonly ring: Ring;
  private readonly listeners: UringListener[] = [];
  private readonly outlets: UringOutlet[] = [];
  /** Null: no UDP socket yet. */
  private ownDatagrams: UringDatagrams | null = null;
  private isStopping = false;
  private isTurnRequested = false;
  private spare: UringSocket[] = [];

  constructor(options: UringOptions, receiveLimit: number, submitsOptions: boolean) {
    const largeSlots = options.largeSlots ?? LARGE_SLOTS;
    const smallSlots = options.smallSlots ?? SMALL_SLOTS;
    const memory = ffi.mapMemory(Arena.bytesFor(largeSlots, smallSlots));
    this.arena = new Arena(new Uint8Array(memory.buffer), largeSlots, smallSlots);
    // The driver must see a turn every TICK_MS, and what it does in a turn takes time too.
    this.ring = new Ring(TICK_MS - 5, options.submissions, options.completions);
    const postedSlots = options.postedSlots ?? POSTED_SLOTS;
    this.engine = new Engine(this.ring, this.arena, memory, postedSlots, receiveLimit, submitsOptions);
    this.reserve = (options.descriptorReserve ?? 0) > 0 ? new DescriptorReserve(options.descriptorReserve!) : null;
    this.acceptsSingly = options.acceptsSingly ?? false;
    this.segmentsDatagrams = options.segmentsDatagrams ?? true;
    this.now = Math.floor(clock());
  }

  get socketCount(): number {
    return this.engine.socketCount;
  }

  get datagrams(): Datagrams {
    this.ownDatagrams ??= new UringDatagrams(this.engine, this.segmentsDatagrams);
    return this.ownDatagrams;
  }

  prepareAddress(address: Address, sources: readonly Address[] = []): number {
    return this.engine.addresses.prepare(address, sources);
  }

  forgetAddress(preparedAddress: number): void {
    this.engine.addresses.forget(preparedAddress);
  }

  connect(preparedAddress: number, handler: SocketHandler): Socket | null {
    const { engine, ring } = this;
    const index = engine.takeIndex();
    if (index < 0) return null;
    const type = ffi.SOCK_STREAM | ffi.SOCK_NONBLOCK | ffi.SOCK_CLOEXEC;
    const family = engine.addresses.family(preparedAddress);
    let descriptor = ffi.socket(family, type, 0);
    if (descriptor < 0 && engine.hasClosedDescriptor) {
      // Descriptors that were closed in this turn are free only now.
      ring.submit();
      descriptor = ffi.socket(family, type, 0);
    }
    if (descriptor < 0 && this.reserve !== null) descriptor = this.reserve.socket(family, type);
    if (descriptor < 0) {
      engine.returnIndex(index);
      return null;
    }
    if (family !== ffi.AF_UNIX) engine.prepareStream(descriptor);
    const socket = new UringSocket(engine, descriptor, index, handler, false);
    engine.enter(socket);
    socket.connect(preparedAddress);
    return socket;
  }

  listen(descriptor: number, handler: ListenHandler): ListenSocket {
    const done = this.listeners.findIndex((listener) => listener.isDone);
    const index = done < 0 ? this.listeners.length : done;
    const listener = new UringListener(this.engine, descriptor, index, handler, this.acceptsSingly);
    this.listeners[index] = listener;
    return listener;
  }

  adopt(descriptor: number, handler: SocketHandler): Socket {
    const index = this.engine.takeIndex();
    assert(index >= 0, 'no room to adopt a socket');
    const socket = new UringSocket(this.engine, descriptor, index, handler, true);
    this.engine.enter(socket);
    socket.startApart();
    return socket;
  }

  openOutlet(descriptor: number, handler: OutletHandler): Outlet {
    const done = this.outlets.findIndex(({ isDone }) => isDone);
    const index = done < 0 ? this.outlets.length : done;
    const memory = done < 0 ? ffi.mapMemory(UringOutlet.bytes) : this.outlets[done].mapping;
    const outlet = new UringOutlet(this.engine, descriptor, index, memory, handler);
    this.outlets[index] = outlet;
    return outlet;
  }

  run(driver: TransportDriver): Promise<void> {
    const { engine, ring } = this;
    let isIdle = true;
    while (!this.isStopping) {
      engine.buffers.topUp();
      engine.arena.judge(engine.buffers.posted);
      if (engine.starved.length > 0) this.feedStarved();
      const submissions = ring.turn(isIdle);
      const begunAt = clock();
      this.now = Math.floor(begunAt);
      this.isTurnRequested = false;
      driver.handleTurn(this.now);
      this.handleCompletions();
      if (engine.ready.length > 0) this.deliverLate();
      if (engine.held.length > 0) this.releaseHeld();
      if (engine.stalledListeners > 0) this.retryListeners();
      if (this.ownDatagrams !== null) this.ownDatagrams.endTurn();
      engine.hasClosedDescriptor = false;
      isIdle = engine.ready.length === 0 && !this.isTurnRequested;
      this.loop.countTurn(clock() - begunAt, submissions);
    }
    this.shutDown();
    return Promise.resolve();
  }

  requestTurn(): void {
    this.isTurnRequested = true;
  }

  stop(): void {
    this.isStopping = true;
  }

  private handleCompletions(): void {
    const { engine, ring } = this;
    const { words, completionMask, completionsAt } = ring;
    const { sockets } = engine;
    const tail = words[ring.completionTailAt];
    let head = words[ring.completionHeadAt];
    while (head !== tail) {
      const at = completionsAt + ((head & completionMask) << 2);
      const low = words[at];
      const generation = words[at + 1];
      const result = words[at + 2];
      const flags = words[at + 3];
      head = (head + 1) | 0;
      const operation = low & data.OPERATION_MASK;
      if (operation === data.ACCEPT) {
        this.handleAccepted(low & data.INDEX_MASK, result, flags);
        continue;
      }
      const socket = sockets[low & data.INDEX_MASK];
      if (socket === null || socket === undefined || socket.generation !== generation) {
        const index = low & data.INDEX_MASK;
        if (operation === data.OUTLET) this.outlets[generation & ~data.DATAGRAM_INDEX].handleWritten(result);
        else if (operation === (data.CANCEL | data.OUTLET)) continue; // it is being written, or was
        else if (operation >= data.DATAGRAM)
          this.ownDatagrams!.handleCompletion(operation, index, generation, result, flags);
        else this.handleStale(operation, index, result);
        continue;
      }
      switch (operation) {
        case data.RECEIVE:
          socket.handleReceived(result, flags);
          break;
        case data.SEND:
          socket.handleSent(result);
          break;
        case data.CONNECT:
          socket.handleConnected(result);
          break;
        case data.ROOM:
          socket.handleRoom();
          break;
        default:
          socket.handleCancelFailed();
      }
    }
    words[ring.completionHeadAt] = head;
  }

  private handleAccepted(index: number, result: number, flags: number): void {
    const listener = this.listeners[index];
    if (result >= 0) {
      if (this.isStopping) this.engine.closeDescriptor(result);
      else this.accept(listener.handler, result);
    }
    if ((flags & abi.CQE_F_MORE) === 0) listener.handleEnded(result, this.now);
  }

  private accept(handler: ListenHandler, descriptor: number): void {
    const { engine } = this;
    const index = engine.takeIndex();
    if (index < 0) {
      engine.closeDescriptor(descriptor);
      return;
    }
    const socket = new UringSocket(engine, descriptor, index, NO_HANDLER, true);
    engine.enter(socket);
    handler.handleAccept(socket);
    if (socket.isClosed) return;
    assert(socket.handler !== NO_HANDLER, 'an accepted socket was given no handler');
    socket.start();
  }

  /** A completion whose socket is gone, or that belongs to no socket. */
  private handleStale(operation: number, index: number, result: number): void {
    if (operation === (data.CANCEL | data.ACCEPT)) this.listeners[index].handleCancelFailed();
    else assert(operation >= data.OPTION, `operation ${operation >> 20} outlived its socket: ${result}`);
  }

  private deliverLate(): void {
    const { engine } = this;
    const list = engine.ready;
    engine.ready = this.spare;
    for (const socket of list) socket.deliverLate();
    list.length = 0;
    this.spare = list;
  }

  private releaseHeld(): void {
    const { held } = this.engine;
    for (const socket of held) socket.releaseHeld();
    held.length = 0;
  }

  /** Lets as many starved sockets try again as there are buffers, the oldest first. */
  private feedStarved(): void {
    const { starved, buffers } = this.engine;
    this.loop.countStarved(starved.length);
    const count = Math.min(starved.length, buffers.posted);
    for (let i = 0; i < count; i++) starved[i].handleBuffers();
    starved.copyWithin(0, count);
    starved.length -= count;
  }

  private retryListeners(): void {
    for (const listener of this.listeners) listener.handleTurn(this.now);
  }

  private shutDown(): void {
    const { engine, ring } = this;
    for (const socket of engine.sockets) socket?.drop();
    for (const listener of this.listeners) listener.drop();
    this.ownDatagrams?.drop();
    for (const outlet of this.outlets) outlet.close();
    while (
      engine.socketCount > 0 ||
      !this.listeners.every(({ isDone }) => isDone) ||
      this.ownDatagrams?.isDone === false
    ) {
      ring.turn(true);
      this.handleCompletions();
    }
    // Outlets are not waited for: a disk that is gone may never answer.
    ring.turn(false);
    this.handleCompletions();
    ring.submit();
    ring.close();
    engine.splicer.close();
    engine.buffers.withdraw();
  }
}

const NO_HANDLER: SocketHandler = {
  handleConnect: missing,
  handleData: missing,
  handleEnd: missing,
  handleDrain: missing,
  handleClose: missing,
};

function missing(): void {
  assert(false, 'a socket without a handler');
}

/** Not the global `performance`, which is a getter that costs more than the clock. */
function clock(): number {
  return performance.now();
}
