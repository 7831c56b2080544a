/**
 * `port/transport.ts` over the seeded network: the third implementation of the contract, and the strict one. It does all
 * that a real engine may do (sends are taken piecemeal, completions come late, slots run out, turns are late) and nothing
 * that the contract forbids, and it fails the run when the driver breaks its side of the contract.
 *
 * A turn: the driver's `handleTurn`, then what the kernel has for us, in an order that the dice choose. Between turns the
 * kernel goes on taking bytes of sends in flight out of the arena, as io_uring does.
 */
import { addressText, type Address } from '../src/base/address.ts';
import { AddressNumbers } from '../src/base/address-numbers.ts';
import { TICK_MS } from '../src/base/limits.ts';
import type { Datagrams } from '../src/port/datagram.ts';
import type { Outlet } from '../src/port/outlet.ts';
import type {
  CloseReason,
  ListenHandler,
  ListenSocket,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../src/port/transport.ts';
import { LoopCells } from '../src/base/loop-cells.ts';
import type { CheckedArena } from './checked-arena.ts';
import type { Endpoint, LinkSpec, Network } from './network.ts';
import { ListenAddress, SimListenSocket } from './transport-listener.ts';
import { SimSocket } from './transport-socket.ts';
import type { World } from './world.ts';

/** How a connection ends that this machine or the server's queue has no room for. */
const CONNECT_FAILURES: readonly CloseReason[] = ['no-port', 'no-resource', 'busy'];

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
  loop = new LoopCells();
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

  private readonly addresses = new AddressNumbers();
  private readonly listeners = new Map<number, SimListenSocket>();
  private readonly descriptors = new Map<number, ListenAddress>();
  private readonly sockets = new Set<SimSocket>();
  private driver: TransportDriver | null = null;
  private resolveRun: () => void = () => {};
  private isStopped = false;
  private ready: (SimSocket | SimListenSocket)[] = [];
  private nextTurnUs = Infinity;
  private nextPort = 20000;
  private socketsMade = 0;
  private stalledUntilUs = 0;

  constructor(network: Network, arena: CheckedArena, spec: TransportSpec) {
    this.network = network;
    this.world = network.world;
    this.arena = arena;
    this.spec = spec;
    this.now = spec.clockBaseMs;
  }

  // --- Transport ---

  get socketCount(): number {
    return this.sockets.size;
  }

  get datagrams(): Datagrams {
    throw new Error('the simulated network has no UDP');
  }

  prepareAddress(address: Address, sources: readonly Address[] = []): number {
    return this.addresses.take(address, sources);
  }

  forgetAddress(preparedAddress: number): void {
    this.addresses.give(preparedAddress);
  }

  connect(preparedAddress: number, handler: SocketHandler): Socket | null {
    const address = addressText(this.addresses.address(preparedAddress));
    this.watchConnect(address);
    const prng = this.world.prng;
    this.connects++;
    if (this.sockets.size >= this.spec.socketsMax || (prng.oneIn(this.spec.connectFailOneIn) && prng.oneIn(2))) {
      this.failedConnects++;
      this.world.note('connect to %a: no descriptor', address);
      return null;
    }
    const ring = this.addresses.ring(preparedAddress);
    const host = ring === null ? '10.9.9.9' : ring.sources[ring.next()].host;
    const local = `${host}:${this.nextPort++}`;
    const endpoint = this.network.dial(local, address);
    const socket = new SimSocket(this, endpoint, this.socketsMade++, handler);
    this.sockets.add(socket);
    this.world.note('socket %a connects to %b by endpoint %c', socket.id, address, endpoint.id);
    if (prng.oneIn(this.spec.connectFailOneIn)) {
      this.failedConnects++;
      const reason = CONNECT_FAILURES[prng.below(CONNECT_FAILURES.length)];
      this.world.schedule(50, () => socket.failConnect(reason));
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

  openOutlet(): Outlet {
    throw new Error('the simulated network has no files');
  }

  run(driver: TransportDriver): Promise<void> {
    this.driver = driver;
    this.wakeAt(this.world.nowUs);
    return new Promise((resolve) => (this.resolveRun = resolve));
  }

  requestTurn(): void {
    this.wakeAt(this.world.nowUs + 1);
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
    const socket = new SimSocket(this, endpoint, this.socketsMade++, null);
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
    this.arena.judge(0);
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
    const slots = arena.takeAway(world.prng.below(2 * arena.large.count));
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
