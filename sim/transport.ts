/**
 * `port/transport.ts` over the seeded network: the third implementation of the contract, and the strict one. It does all
 * that a real engine may do (sends are taken piecemeal, completions come late, slots run out, turns are late) and nothing
 * that the contract forbids, and it fails the run when the driver breaks its side of the contract.
 *
 * A turn: the driver's `handleTurn`, then what the kernel has for us, in an order that the dice choose. Between turns the
 * kernel goes on taking bytes of sends in flight out of the arena, as io_uring does.
 */
import { addressText, parseIPv6, type Address } from '../src/base/address.ts';
import { Arena } from '../src/base/arena.ts';
import { SEND_SEGMENTS_MAX, TICK_MS } from '../src/base/limits.ts';
import type {
  CloseReason,
  ListenHandler,
  ListenSocket,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../src/port/transport.ts';
import type { CheckedArena } from './checked-arena.ts';
import { splitAddress, type Acceptor, type Endpoint, type LinkSpec, type Network } from './network.ts';
import type { World } from './world.ts';

export interface TransportSpec {
  /** Virtual clock at the start, ms: drivers must bear any. */
  readonly clockBaseMs: number;
  /** From something happening to the turn that sees it, at most. */
  readonly wakeUs: number;
  /** A turn is late once in so many; 0: never. */
  readonly lateOneIn: number;
  readonly lateMs: number;
  /** Sends are taken in pieces. */
  readonly isShortWriting: boolean;
  /** Data may lie anywhere in a slot's receive area. */
  readonly isOddOffset: boolean;
  /** What lies readable is given in pieces of any size, not all at once. */
  readonly isOneByOne: boolean;
  /** A reset is seen although the socket is paused and nothing is being sent. */
  readonly seesResetWhilePaused: boolean;
  /** `connect` finds no descriptor once in so many; 0: never. */
  readonly connectFailOneIn: number;
  /** Accepting finds no descriptor once in so many, and tries again 100 ms later; 0: never. */
  readonly acceptFailOneIn: number;
  /** At the end of a turn memory runs out for a while, once in so many; 0: never. */
  readonly shortageOneIn: number;
  /** A connection that stands breaks with ETIMEDOUT at the end of a turn, once in so many; 0: never. */
  readonly timeoutOneIn: number;
  /** Sockets that may exist at once. */
  readonly socketsMax: number;
  readonly backlog: number;
}

/** Ways to be broken on purpose, to prove that the simulator sees it. */
export type Sabotage =
  | 'none'
  | 'drop-byte'
  | 'flip-byte'
  | 'double-slice'
  | 'swap-connections'
  | 'leak-slot'
  | 'lose-end';

const EVENTS_PER_TURN_MAX = 256;

export class SimTransport implements Transport {
  readonly arena: CheckedArena;
  now: number;
  readonly world: World;
  readonly network: Network;
  readonly spec: TransportSpec;
  /** Sees every connection attempt: the address, before it is made. */
  watchConnect: (address: string) => void = () => {};
  /** Called after every turn. */
  watchTurn: () => void = () => {};
  sabotage: Sabotage = 'none';
  sabotageOneIn = 40;
  /** No more shortages: the run is about to count what is left. */
  isCalm = false;
  lateTurns = 0;
  outOfSlots = 0;
  failedConnects = 0;
  connects = 0;
  turns = 0;

  private readonly addresses: string[] = [];
  private readonly listeners = new Map<number, SimListenSocket>();
  private readonly descriptors = new Map<number, ListenAddress>();
  private readonly sockets = new Set<SimSocket>();
  private driver: TransportDriver | null = null;
  private resolveRun: () => void = () => {};
  private isStopped = false;
  private ready: (SimSocket | SimListenSocket)[] = [];
  private nextTurnUs = Infinity;
  private nextPort = 20000;
  private socketCount = 0;
  private stalledUntilUs = 0;

  constructor(network: Network, arena: CheckedArena, spec: TransportSpec) {
    this.network = network;
    this.world = network.world;
    this.arena = arena;
    this.spec = spec;
    this.now = spec.clockBaseMs;
  }

  // --- Transport ---

  prepareAddress(address: Address): number {
    const text = addressText(address);
    const known = this.addresses.indexOf(text);
    if (known >= 0) return known;
    return this.addresses.push(text) - 1;
  }

  connect(preparedAddress: number, handler: SocketHandler): Socket | null {
    const address = this.addresses[preparedAddress];
    if (address === undefined) this.world.fail('contract', `connect to unprepared address ${preparedAddress}`);
    this.watchConnect(address);
    const prng = this.world.prng;
    this.connects++;
    if (this.sockets.size >= this.spec.socketsMax || (prng.oneIn(this.spec.connectFailOneIn) && prng.oneIn(2))) {
      this.failedConnects++;
      this.world.note('connect to %a: no descriptor', address);
      return null;
    }
    const local = `10.9.9.9:${this.nextPort++}`;
    const endpoint = this.network.dial(local, address);
    const socket = new SimSocket(this, endpoint, this.socketCount++, handler);
    this.sockets.add(socket);
    this.world.note('socket %a connects to %b by endpoint %c', socket.id, address, endpoint.id);
    if (prng.oneIn(this.spec.connectFailOneIn)) {
      this.failedConnects++;
      this.world.schedule(50, () => socket.failConnect('no-resource'));
    }
    return socket;
  }

  listen(descriptor: number, handler: ListenHandler): ListenSocket {
    const address = this.descriptors.get(descriptor);
    if (address === undefined)
      this.world.fail('contract', `listen on descriptor ${descriptor}, which is no listening one`);
    if (this.listeners.has(descriptor)) this.world.fail('contract', `listen on descriptor ${descriptor} twice`);
    const listener = new SimListenSocket(this, address, handler);
    this.listeners.set(descriptor, listener);
    address.listener = listener;
    this.markReady(listener);
    return listener;
  }

  adopt(descriptor: number, _handler: SocketHandler): Socket {
    return this.world.fail('contract', `adopt of descriptor ${descriptor}: the simulation has no control channel`);
  }

  run(driver: TransportDriver): Promise<void> {
    this.driver = driver;
    this.wakeAt(this.world.nowUs);
    return new Promise((resolve) => (this.resolveRun = resolve));
  }

  stop(): void {
    this.isStopped = true;
    for (const socket of this.sockets) socket.close();
    this.resolveRun();
  }

  // --- the simulation's side ---

  /** A listening socket as the keeper would hand it over. */
  openListener(address: string, link: () => LinkSpec): number {
    const descriptor = 10 + this.descriptors.size;
    this.descriptors.set(descriptor, new ListenAddress(this, address, link));
    return descriptor;
  }

  /** The keeper closes its listening sockets too: who waits in a backlog is reset. */
  closeListeners(): void {
    for (const address of this.descriptors.values()) address.closeForGood();
  }

  /** Sockets that the driver has not freed. */
  get openSockets(): number {
    return this.sockets.size;
  }

  describeSockets(): string {
    return [...this.sockets].map((socket) => socket.describe()).join('; ');
  }

  markReady(what: SimSocket | SimListenSocket): void {
    if (what.isQueued) return;
    what.isQueued = true;
    this.ready.push(what);
    this.wakeAt(this.world.nowUs + this.world.prng.below(this.spec.wakeUs + 1));
  }

  /** The driver has given the socket up; the kernel may still hold the slot of a send in flight. */
  forget(socket: SimSocket): void {
    this.sockets.delete(socket);
  }

  register(endpoint: Endpoint): SimSocket | null {
    if (this.sockets.size >= this.spec.socketsMax) return null;
    const socket = new SimSocket(this, endpoint, this.socketCount++, null);
    this.sockets.add(socket);
    this.world.note('socket %a accepted from %b by endpoint %c', socket.id, endpoint.remote, endpoint.id);
    return socket;
  }

  anyOtherSocket(than: SimSocket): SimSocket | null {
    for (const socket of this.sockets) if (socket !== than && socket.canReceive) return socket;
    return null;
  }

  private wakeAt(atUs: number): void {
    const dueUs = Math.max(atUs, this.stalledUntilUs);
    if (dueUs >= this.nextTurnUs || this.isStopped || this.driver === null) return;
    this.nextTurnUs = dueUs;
    this.world.schedule(dueUs - this.world.nowUs, () => {
      if (this.nextTurnUs === dueUs) this.turn();
    });
  }

  private turn(): void {
    const { world, spec } = this;
    this.nextTurnUs = Infinity;
    if (this.isStopped || this.driver === null) return;
    this.turns++;
    this.now = spec.clockBaseMs + Math.floor(world.nowUs / 1000);
    this.driver.handleTurn(this.now);
    this.dispatch();
    for (const socket of this.sockets) socket.finishTurn();
    this.watchTurn();
    if (world.prng.oneIn(spec.lateOneIn)) {
      this.lateTurns++;
      this.stalledUntilUs = world.nowUs + world.prng.below(spec.lateMs * 1000);
      world.note('the process stands still until %a us', this.stalledUntilUs);
    }
    if (world.prng.oneIn(spec.shortageOneIn) && !this.isCalm) this.beginShortage();
    if (world.prng.oneIn(spec.timeoutOneIn)) this.breakAny();
    this.wakeAt(world.nowUs + TICK_MS * 1000 - world.prng.below(5000));
    if (this.ready.length > 0) this.wakeAt(world.nowUs + 1 + world.prng.below(spec.wakeUs + 1));
  }

  private beginShortage(): void {
    const { world, arena } = this;
    const slots = arena.takeAway(world.prng.below(2 * arena.largeCount));
    world.note('memory is short by %a slots', slots.length);
    world.schedule(world.prng.below(300_000), () => {
      for (const slot of slots) arena.releaseByTransport(slot);
    });
  }

  /** What the kernel does when acknowledgements or keep-alive probes stay away. */
  private breakAny(): void {
    const { prng } = this.world;
    let index = prng.below(Math.max(1, this.sockets.size));
    for (const socket of this.sockets) if (index-- === 0) socket.timeOut();
  }

  private dispatch(): void {
    const prng = this.world.prng;
    let budget = 1 + prng.below(EVENTS_PER_TURN_MAX);
    // what becomes ready meanwhile may be seen in this turn or in the next one
    while (this.ready.length > 0 && budget > 0) {
      budget--;
      const index = prng.below(this.ready.length);
      const what = this.ready[index];
      const isMore = what.dispatchOne();
      if (isMore) continue;
      what.isQueued = false;
      const at = this.ready.indexOf(what);
      this.ready[at] = this.ready[this.ready.length - 1];
      this.ready.pop();
    }
  }
}

/** A listening address: belongs to the keeper, outlives the proxy's use of it. */
class ListenAddress implements Acceptor {
  mode: 'accept' | 'refuse' = 'accept';
  readonly connectDelayUs = 100;
  readonly link: () => LinkSpec;
  readonly waiting: Endpoint[] = [];
  listener: SimListenSocket | null = null;
  private readonly transport: SimTransport;

  constructor(transport: SimTransport, address: string, link: () => LinkSpec) {
    this.transport = transport;
    this.link = link;
    transport.network.acceptors.set(address, this);
  }

  hasRoom(): boolean {
    return this.waiting.length < this.transport.spec.backlog;
  }

  accept(endpoint: Endpoint): void {
    this.waiting.push(endpoint);
    if (this.listener !== null) this.transport.markReady(this.listener);
  }

  closeForGood(): void {
    this.mode = 'refuse';
    for (const endpoint of this.waiting) endpoint.reset();
    this.waiting.length = 0;
  }
}

class SimListenSocket implements ListenSocket {
  isQueued = false;
  private readonly transport: SimTransport;
  private readonly address: ListenAddress;
  private readonly handler: ListenHandler;
  private isPaused = false;
  private isClosed = false;
  private isWaitingForDescriptor = false;
  /** Accepted before `pause` was called, not yet handed over. */
  private onTheirWay = 0;

  constructor(transport: SimTransport, address: ListenAddress, handler: ListenHandler) {
    this.transport = transport;
    this.address = address;
    this.handler = handler;
  }

  pause(): void {
    if (!this.isPaused) this.onTheirWay = this.transport.world.prng.below(3);
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.transport.markReady(this);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.address.listener = null;
  }

  dispatchOne(): boolean {
    const { world, spec } = this.transport;
    if (this.isClosed || this.isWaitingForDescriptor || this.address.waiting.length === 0) return false;
    if (this.isPaused && this.onTheirWay-- <= 0) return false;
    const endpoint = this.address.waiting[0];
    const socket = world.prng.oneIn(spec.acceptFailOneIn) ? null : this.transport.register(endpoint);
    if (socket === null) {
      world.note('accept: no descriptor');
      this.isWaitingForDescriptor = true;
      world.schedule(100_000, () => {
        this.isWaitingForDescriptor = false;
        this.transport.markReady(this);
      });
      return false;
    }
    this.address.waiting.shift();
    this.handler.handleAccept(socket);
    if (!socket.isFreed && !socket.hasHandler) world.fail('contract', 'handleAccept left a socket without handler');
    return true;
  }
}

interface Segment {
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
  /** A copy of the bytes: they must not change until the kernel has them all. */
  readonly bytes: Buffer;
  taken: number;
}

class SimSocket implements Socket {
  readonly id: number;
  isQueued = false;
  isFreed = false;
  private readonly transport: SimTransport;
  private readonly endpoint: Endpoint;
  private currentHandler: SocketHandler | null;
  private segments: Segment[] = [];
  private isConnecting: boolean;
  private isPaused = false;
  private isEnding = false;
  private isEndSeen = false;
  private isAdvancing = false;
  private isMoreExpected = false;
  private receivedBytes = 0;
  private sentBytes = 0;
  private connectFailure: CloseReason | null = null;

  constructor(transport: SimTransport, endpoint: Endpoint, id: number, handler: SocketHandler | null) {
    this.transport = transport;
    this.endpoint = endpoint;
    this.id = id;
    this.currentHandler = handler;
    this.isConnecting = !endpoint.isConnected;
    endpoint.watcher = () => this.notice();
    if (!this.isConnecting) transport.markReady(this);
  }

  get handler(): SocketHandler {
    return this.currentHandler as SocketHandler;
  }
  set handler(handler: SocketHandler) {
    this.currentHandler = handler;
  }

  get hasHandler(): boolean {
    return this.currentHandler !== null;
  }

  get canReceive(): boolean {
    return !this.isConnecting && !this.isPaused && !this.isEndSeen;
  }

  get pendingSegments(): number {
    return this.segments.length;
  }

  send(slot: number, offset: number, length: number, more: boolean): void {
    const { world, arena } = this.transport;
    const what = `socket ${this.id}: send of ${length} bytes at ${offset} in slot ${slot}`;
    if (this.isFreed) world.fail('contract', `${what} after close`);
    if (this.isConnecting) world.fail('contract', `${what} before the connection stands`);
    if (this.isEnding) world.fail('contract', `${what} after end`);
    if (this.segments.length >= SEND_SEGMENTS_MAX)
      world.fail('contract', `${what} with ${this.segments.length} pending`);
    if (!(length >= 1)) world.fail('contract', `${what}: empty`);
    arena.handOver(slot);
    if (!(offset >= arena.start(slot) && offset + length <= arena.end(slot))) {
      world.fail('contract', `${what}, which is ${arena.start(slot)} to ${arena.end(slot)}`);
    }
    const bytes = Buffer.from(arena.memory.subarray(offset, offset + length));
    this.segments.push({ slot, offset, length, bytes, taken: 0 });
    this.isMoreExpected = more;
    this.sentBytes += length;
    world.note('socket %a sends %b bytes of slot %c', this.id, length, slot);
    this.scheduleAdvance();
  }

  pause(): void {
    if (this.isFreed) this.transport.world.fail('contract', `socket ${this.id}: pause after close`);
    this.isPaused = true;
  }

  resume(): void {
    if (this.isFreed) this.transport.world.fail('contract', `socket ${this.id}: resume after close`);
    if (!this.isPaused) return;
    this.isPaused = false;
    this.transport.markReady(this);
  }

  end(): void {
    if (this.isFreed) this.transport.world.fail('contract', `socket ${this.id}: end after close`);
    if (this.isConnecting) this.transport.world.fail('contract', `socket ${this.id}: end before the connection stands`);
    if (this.isEnding) return;
    this.isEnding = true;
    this.isMoreExpected = false;
    if (this.segments.length === 0) this.endpoint.shutdown();
  }

  close(): void {
    if (this.isFreed) return;
    this.transport.world.note('socket %a is closed', this.id);
    this.free();
    this.endpoint.close();
  }

  reset(): void {
    if (this.isFreed) return;
    this.transport.world.note('socket %a is reset', this.id);
    this.free();
    this.endpoint.reset();
  }

  remoteAddress(into: Uint8Array, at: number): number {
    const { host, port } = splitAddress(this.endpoint.remote);
    into.fill(0, at, at + 16);
    const v6 = parseIPv6(host.includes(':') ? host : `::ffff:${host}`);
    if (v6 !== null) into.set(v6, at);
    return port;
  }

  describe(): string {
    const e = this.endpoint;
    return (
      `socket ${this.id} (${e.local} to ${e.remote}, ${this.isConnecting ? 'connecting' : 'connected'}, ` +
      `${this.segments.length} pending, ${e.readableBytes} bytes readable${this.isPaused ? ', paused' : ''}` +
      `${e.hasFin ? ', FIN came' : ''}${this.isEnding ? ', ended' : ''}${e.broken === null ? '' : `, ${e.broken}`})`
    );
  }

  /** connect(2) fails for want of something on this machine. */
  failConnect(reason: CloseReason): void {
    if (this.isFreed || !this.isConnecting) return;
    this.connectFailure = reason;
    this.transport.markReady(this);
  }

  timeOut(): void {
    if (!this.isConnecting) this.endpoint.lose();
  }

  /** `more` promises a segment in the same turn; without it the kernel would hold the bytes back for 200 ms. */
  finishTurn(): void {
    if (this.isMoreExpected) {
      this.transport.world.fail('contract', `socket ${this.id}: send said that more follows, but nothing followed`);
    }
  }

  /** One event of this socket to the driver; false: there is none (now). */
  dispatchOne(): boolean {
    if (this.isFreed) return false;
    const endpoint = this.endpoint;
    if (this.isConnecting) return this.dispatchConnect();
    const isSent = this.segments.length > 0 && this.segments[0].taken === this.segments[0].length;
    const isReadable = endpoint.readableBytes > 0 && !this.isPaused;
    const { prng } = this.transport.world;
    if (isSent && (!isReadable || prng.oneIn(2))) return this.complete();
    if (endpoint.broken !== null) {
      // what arrived before the reset can be read, unless a send in flight sees the reset first
      const isVisible = !this.isPaused || this.segments.length > 0 || this.transport.spec.seesResetWhilePaused;
      if (isReadable && (this.segments.length === 0 || prng.oneIn(2))) return this.receive();
      return isVisible ? this.breakOff(endpoint.broken) : false;
    }
    if (isReadable) return this.receive();
    if (endpoint.isAtEnd && !this.isPaused && !this.isEndSeen) {
      this.isEndSeen = true;
      if (this.isSabotaged('lose-end')) return true;
      this.transport.world.note('socket %a sees the end', this.id);
      this.handler.handleEnd(this);
      return true;
    }
    return false;
  }

  private dispatchConnect(): boolean {
    const endpoint = this.endpoint;
    const reason = this.connectFailure ?? endpoint.broken;
    if (reason !== null) return this.breakOff(reason);
    if (!endpoint.isConnected) return false;
    this.isConnecting = false;
    this.transport.world.note('socket %a is connected', this.id);
    this.handler.handleConnect(this);
    return true;
  }

  private breakOff(reason: CloseReason): boolean {
    this.transport.world.note('socket %a breaks: %b', this.id, reason);
    this.free();
    if (!this.endpoint.isClosed) this.endpoint.close();
    this.handler.handleClose(this, reason);
    return false;
  }

  private receive(): boolean {
    const { world, arena, spec } = this.transport;
    const prng = world.prng;
    const slot = arena.takeForTransport();
    if (slot < 0) {
      this.transport.outOfSlots++;
      world.note('socket %a: no free slot', this.id);
      world.schedule(1000 + prng.below(20_000), () => this.notice());
      return false;
    }
    let offset = arena.receiveStart(slot);
    let length = Math.min(this.endpoint.readableBytes, Arena.receiveBytes);
    if (spec.isOneByOne) length = 1 + prng.below(prng.oneIn(4) ? length : Math.min(length, 20));
    if (spec.isOddOffset) offset += prng.below(Arena.receiveBytes - length + 1);
    length = this.endpoint.read(arena.memory, offset, length);
    this.receivedBytes += length;
    this.endpoint.noteRead(this.receivedBytes, this.sentBytes);
    length = this.harm(arena.memory, offset, length);
    if (length === 0) {
      arena.releaseByTransport(slot);
      return true;
    }
    world.note('socket %a receives %b bytes in slot %c', this.id, length, slot);
    arena.giveToDriver(slot);
    const other = this.isSabotaged('swap-connections') ? this.transport.anyOtherSocket(this) : null;
    if (other === null) this.handler.handleData(this, slot, offset, length);
    else other.handler.handleData(other, slot, offset, length);
    return true;
  }

  private complete(): boolean {
    const { arena, world } = this.transport;
    const segment = this.segments.shift() as Segment;
    this.checkUnchanged(segment);
    if (!this.isSabotaged('leak-slot')) arena.releaseByTransport(segment.slot);
    if (this.segments.length > 0) {
      this.scheduleAdvance();
      return true;
    }
    if (this.isEnding) this.endpoint.shutdown();
    world.note('socket %a has sent everything', this.id);
    this.handler.handleDrain(this);
    return true;
  }

  private checkUnchanged(segment: Segment): void {
    const { arena, world } = this.transport;
    const { offset, length, bytes, slot } = segment;
    const now = arena.memory.subarray(offset, offset + length);
    if (bytes.compare(now) !== 0)
      world.fail('bytes changed in flight', `socket ${this.id}: slot ${slot} while it was being sent`);
  }

  /** Something happened to the endpoint. */
  private notice(): void {
    if (this.isFreed) return;
    this.scheduleAdvance();
    this.transport.markReady(this);
  }

  private scheduleAdvance(): void {
    if (this.isAdvancing || this.segments.length === 0) return;
    this.isAdvancing = true;
    this.transport.world.schedule(this.transport.world.prng.below(100), () => {
      this.isAdvancing = false;
      this.advance();
    });
  }

  /** The kernel takes bytes of the send in flight. */
  private advance(): void {
    if (this.isFreed || this.segments.length === 0) return;
    const { arena, world, spec } = this.transport;
    const segment = this.segments[0];
    let length = Math.min(segment.length - segment.taken, this.endpoint.writableBytes);
    if (this.endpoint.broken !== null) this.transport.markReady(this);
    if (length === 0) return;
    if (spec.isShortWriting) length = 1 + world.prng.below(length);
    const isDoubled = segment.taken + length < segment.length && this.isSabotaged('double-slice');
    this.endpoint.write(arena.memory, segment.offset + segment.taken, length);
    if (!isDoubled) segment.taken += length;
    if (segment.taken === segment.length) this.transport.markReady(this);
    else this.scheduleAdvance();
  }

  private free(): void {
    const { arena, world } = this.transport;
    this.isFreed = true;
    this.isMoreExpected = false;
    this.transport.forget(this);
    const segments = this.segments;
    this.segments = [];
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i];
      this.checkUnchanged(segment);
      // the one in flight is the kernel's until its completion is seen
      if (i > 0 || segment.taken === segment.length) arena.releaseByTransport(segment.slot);
      else world.schedule(world.prng.below(30_000), () => arena.releaseByTransport(segment.slot));
    }
  }

  private isSabotaged(kind: SimTransport['sabotage']): boolean {
    return this.transport.sabotage === kind && this.transport.world.prng.oneIn(this.transport.sabotageOneIn);
  }

  private harm(memory: Uint8Array, offset: number, length: number): number {
    if (this.isSabotaged('drop-byte')) return length - 1;
    if (this.isSabotaged('flip-byte')) memory[offset + length - 1] ^= 1;
    return length;
  }
}
