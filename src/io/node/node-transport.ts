/**
 * The transport over node:net, for places without io_uring. See `port/transport.ts` for the contract.
 *
 * A turn is one round of Node's event loop: its first event takes the time and calls the driver, an immediate ends it. A
 * timer makes a turn of every TICK_MS in which nothing happened. A round in which much comes in is more than one turn: each
 * takes at most POSTED_SLOTS slots, as with io_uring, for how scarce they are is found at the start of a turn.
 *
 * Unlike io_uring, this engine cannot leave a connection in the kernel's queue when descriptors run out: libuv then accepts
 * and closes at once what waits there.
 */
import type { Address } from '../../base/address.ts';
import { AddressNumbers } from '../../base/address-numbers.ts';
import { Arena } from '../../base/arena.ts';
import { LoopCells } from '../../base/loop-cells.ts';
import { assert } from '../../base/assert.ts';
import { POSTED_SLOTS, SOCKETS_MAX, TICK_MS } from '../../base/limits.ts';
import type { Datagrams } from '../../port/datagram.ts';
import type { Outlet, OutletHandler } from '../../port/outlet.ts';
import type { ListenHandler, SocketHandler, Transport, TransportDriver } from '../../port/transport.ts';
import { NodeDatagrams } from './node-datagrams.ts';
import { NodeListenSocket } from './node-listen-socket.ts';
import { NodeOutlet } from './node-outlet.ts';
import { NodeSocket } from './node-socket.ts';
import type { StreamSource } from './node-socket.ts';

/** Looks for room per tick, a system call each. Ten thousand sockets are looked at every four seconds. */
const ROOM_LOOKS_MAX = 128;

export interface NodeTransportOptions {
  /** Slots of the arena; see `base/limits.ts`. */
  readonly largeSlots: number;
  readonly smallSlots: number;
}

export function createNodeTransport(options: NodeTransportOptions): Transport {
  return new NodeTransport(options);
}

export class NodeTransport implements Transport {
  readonly arena: Arena;
  now = performance.now();
  loop = new LoopCells();
  private readonly addresses = new AddressNumbers();
  private readonly sockets = new Set<NodeSocket>();
  private readonly listenSockets = new Set<NodeListenSocket>();
  /** Sockets with something to tell that no event will tell. */
  private deferred: NodeSocket[] = [];
  /** Sockets that hold bytes for which there was no slot. */
  private starved: NodeSocket[] = [];
  /** Sockets whose kernel had no room when memory was tight: nobody says when it has, so they are looked at in turn. */
  private roomless: NodeSocket[] = [];
  private roomLooksAt = 0;
  private ownDatagrams: NodeDatagrams | null = null;
  private flowCount = 0;
  private driver: TransportDriver | null = null;
  private isInTurn = false;
  /** With so few free large slots the turn has taken all that it may. */
  private turnFloor = 0;
  private isTurnAsked = false;
  /** Another one is to follow. */
  private isTurnRequested = false;
  private isStopping = false;
  private ticker: NodeJS.Timeout | null = null;
  private resolveRun: (() => void) | null = null;
  private readonly onTurnOver = (): void => this.handleTurnOver();

  constructor(options: NodeTransportOptions) {
    const memory = new Uint8Array(Arena.bytesFor(options.largeSlots, options.smallSlots));
    this.arena = new Arena(memory, options.largeSlots, options.smallSlots);
  }

  get socketCount(): number {
    return this.sockets.size + this.flowCount;
  }

  get datagrams(): Datagrams {
    this.ownDatagrams ??= new NodeDatagrams(this);
    return this.ownDatagrams;
  }

  prepareAddress(address: Address, sources: readonly Address[] = []): number {
    return this.addresses.take(address, sources);
  }

  forgetAddress(preparedAddress: number): void {
    this.addresses.give(preparedAddress);
  }

  connect(preparedAddress: number, handler: SocketHandler): NodeSocket | null {
    if (this.sockets.size >= SOCKETS_MAX) return null;
    const socket = this.add(handler, {});
    socket.connect(this.addresses.address(preparedAddress), this.addresses.ring(preparedAddress));
    return socket;
  }

  listen(descriptor: number, handler: ListenHandler): NodeListenSocket {
    const listenSocket = new NodeListenSocket(this, descriptor, handler);
    this.listenSockets.add(listenSocket);
    return listenSocket;
  }

  adopt(descriptor: number, handler: SocketHandler): NodeSocket {
    const socket = this.add(handler, { fd: descriptor });
    socket.startApart();
    return socket;
  }

  openOutlet(descriptor: number, handler: OutletHandler): Outlet {
    return new NodeOutlet(() => this.beginTurn(), descriptor, handler);
  }

  async run(driver: TransportDriver): Promise<void> {
    assert(this.driver === null, 'run is called once');
    this.driver = driver;
    this.ticker = setInterval(() => this.beginTurn(), TICK_MS);
    return new Promise((resolve) => {
      this.resolveRun = resolve;
    });
  }

  requestTurn(): void {
    this.isTurnRequested = true;
    this.askForTurn();
  }

  stop(): void {
    this.isStopping = true;
    this.askForTurn();
  }

  // --- for the sockets ---

  /** Where every socket's bytes are read to. One read fills at most one slot. */
  readonly scratch = Buffer.allocUnsafeSlow(Arena.receiveBytes);

  /** Every event calls this before it calls a handler. */
  beginTurn(): void {
    if (this.isInTurn) return;
    this.isInTurn = true;
    this.askForTurn();
    this.now = performance.now();
    this.arena.judge(0);
    this.turnFloor = this.arena.large.freeCount - POSTED_SLOTS;
    this.driver?.handleTurn(this.now);
  }

  /** The same of one that brings something to receive, never from within a handler. */
  beginReceiving(): void {
    if (this.arena.large.freeCount <= this.turnFloor) this.isInTurn = false;
    this.beginTurn();
  }

  /** A socket that was accepted, or is made of `source`. */
  add(handler: SocketHandler, source: StreamSource): NodeSocket {
    const socket = new NodeSocket(this, handler, source);
    this.sockets.add(socket);
    return socket;
  }

  /** Calls the socket's `handleDeferred` from a turn, soon. */
  defer(socket: NodeSocket): void {
    this.deferred.push(socket);
    this.askForTurn();
  }

  /** A view of the arena. */
  view(offset: number, length: number): Buffer {
    return Buffer.from(this.arena.memory.buffer, this.arena.memory.byteOffset + offset, length);
  }

  /** Calls the socket's `handleSlots` when a large slot may be free again. */
  starve(socket: NodeSocket): void {
    this.loop.countStarved(1);
    this.starved.push(socket);
  }

  /** Calls the socket's `handleRoomLook` at some of the following turns until it returns true. */
  awaitRoom(socket: NodeSocket): void {
    this.roomless.push(socket);
  }

  handleClosed(socket: NodeSocket): void {
    this.sockets.delete(socket);
    if (this.isStopping) this.finish();
  }

  addressOf(preparedAddress: number): Address {
    return this.addresses.address(preparedAddress);
  }

  nextSourceOf(preparedAddress: number): Address | null {
    const ring = this.addresses.ring(preparedAddress);
    return ring === null ? null : ring.sources[ring.next()];
  }

  countFlow(change: 1 | -1): void {
    this.flowCount += change;
  }

  get isFull(): boolean {
    return this.socketCount >= SOCKETS_MAX;
  }

  // --- turns ---

  private askForTurn(): void {
    if (this.isTurnAsked) return;
    this.isTurnAsked = true;
    setImmediate(this.onTurnOver);
  }

  /** Runs after the events of one round of the loop. */
  private handleTurnOver(): void {
    this.isTurnAsked = false;
    if (this.isInTurn) this.loop.countTurn(performance.now() - this.now, 0);
    if (this.deferred.length > 0) this.callDeferred();
    // slots come back in handlers and in callbacks of writes: whatever freed one has made this turn
    if (this.starved.length > 0 && this.arena.large.freeCount > 0) this.callStarved();
    if (this.roomless.length > 0 && this.now - this.roomLooksAt >= TICK_MS) this.lookForRoom();
    this.isInTurn = false;
    if (this.isStopping) return this.dropAll();
    if (this.isTurnRequested) {
      this.isTurnRequested = false;
      setImmediate(() => this.beginTurn());
    }
  }

  private callDeferred(): void {
    const sockets = this.deferred;
    this.deferred = [];
    for (const socket of sockets) {
      this.beginReceiving();
      socket.handleDeferred();
    }
  }

  private callStarved(): void {
    const sockets = this.starved;
    this.starved = [];
    for (const socket of sockets) {
      this.beginReceiving();
      socket.handleSlots();
    }
  }

  private lookForRoom(): void {
    this.beginTurn();
    this.roomLooksAt = this.now;
    const looked = this.roomless.splice(0, ROOM_LOOKS_MAX);
    for (const socket of looked) if (!socket.handleRoomLook()) this.roomless.push(socket);
  }

  private dropAll(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.ticker = null;
    for (const listenSocket of this.listenSockets) listenSocket.close();
    this.listenSockets.clear();
    for (const socket of this.sockets) socket.drop();
    this.ownDatagrams?.drop();
    this.finish();
  }

  private finish(): void {
    if (this.sockets.size === 0) this.resolveRun?.();
  }
}
