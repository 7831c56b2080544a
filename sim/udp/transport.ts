/** One process with sockets of UDP alone, and its turns. */
import type { Address } from '../../src/base/address.ts';
import { AddressNumbers } from '../../src/base/address-numbers.ts';
import { Arena } from '../../src/base/arena.ts';
import { TICK_MS } from '../../src/base/limits.ts';
import { LoopCells } from '../../src/base/loop-cells.ts';
import type { Outlet } from '../../src/port/outlet.ts';
import type { ListenSocket, Socket, Transport, TransportDriver } from '../../src/port/transport.ts';
import { type DatagramSpec, type Ready, SimDatagrams, type Turns } from './datagrams.ts';
import type { World } from '../world.ts';
import { HOST, type UdpKernel } from './kernel.ts';

export interface UdpTransportSpec extends DatagramSpec {
  /** Virtual clock at the start, ms: drivers must bear any. */
  readonly clockBaseMs: number;
  /** From something happening to the turn that sees it, at most. */
  readonly wakeUs: number;
  /** A turn is late once in so many; 0: never. */
  readonly lateOneIn: number;
  readonly lateMs: number;
}

const EVENTS_PER_TURN_MAX = 64;
const SLOTS = 8;

export class UdpTransport implements Transport, Turns {
  readonly process: number;
  readonly kernel: UdpKernel;
  readonly world: World;
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(SLOTS, SLOTS)), SLOTS, SLOTS);
  readonly datagrams: SimDatagrams;
  loop = new LoopCells();
  now: number;
  /** Called after every turn. */
  watchTurn: () => void = () => {};
  private readonly spec: UdpTransportSpec;
  private readonly addresses = new AddressNumbers();
  private driver: TransportDriver | null = null;
  private ready: Ready[] = [];
  private nextTurnUs = Infinity;
  private stalledUntilUs = 0;

  /** `knowsAsked`: its engine tells which address a client has asked. */
  constructor(kernel: UdpKernel, process: number, spec: UdpTransportSpec, knowsAsked: boolean) {
    this.kernel = kernel;
    this.world = kernel.world;
    this.process = process;
    this.spec = spec;
    this.now = this.time;
    this.datagrams = new SimDatagrams(this, spec, knowsAsked);
  }

  private get time(): number {
    return this.spec.clockBaseMs + Math.floor(this.world.nowUs / 1000);
  }

  // --- Transport ---

  get socketCount(): number {
    return this.datagrams.flowCount;
  }

  prepareAddress(address: Address, sources: readonly Address[] = []): number {
    return this.addresses.take(address, sources);
  }

  forgetAddress(preparedAddress: number): void {
    this.addresses.give(preparedAddress);
  }

  connect(): Socket | null {
    return this.unused();
  }

  listen(): ListenSocket {
    return this.unused();
  }

  adopt(): Socket {
    return this.unused();
  }

  openOutlet(): Outlet {
    return this.unused();
  }

  private unused(): never {
    return this.world.fail('contract', 'nothing here is of streams');
  }

  run(driver: TransportDriver): Promise<void> {
    this.driver = driver;
    this.wakeAt(this.world.nowUs);
    return Promise.resolve();
  }

  requestTurn(): void {
    this.wakeAt(this.world.nowUs + 1);
  }

  stop(): void {
    this.driver = null;
  }

  // --- Turns ---

  markReady(what: Ready): void {
    if (what.isQueued || this.driver === null) return;
    what.isQueued = true;
    this.ready.push(what);
    this.wakeAt(this.world.nowUs + this.world.prng.below(this.spec.wakeUs + 1));
  }

  addressOf(preparedAddress: number): { address: Address; source: string } {
    const ring = this.addresses.ring(preparedAddress);
    const source = ring === null ? HOST : ring.sources[ring.next()].host;
    return { address: this.addresses.address(preparedAddress), source };
  }

  // --- the simulation's side ---

  private wakeAt(atUs: number): void {
    const dueUs = Math.max(atUs, this.stalledUntilUs);
    if (dueUs >= this.nextTurnUs || this.driver === null) return;
    this.nextTurnUs = dueUs;
    this.world.schedule(dueUs - this.world.nowUs, () => {
      if (this.nextTurnUs === dueUs) this.turn();
    });
  }

  private turn(): void {
    const { world, spec, driver } = this;
    this.nextTurnUs = Infinity;
    if (driver === null) return;
    this.now = this.time;
    driver.handleTurn(this.now);
    this.datagrams.flush();
    this.dispatch();
    this.watchTurn();
    if (world.prng.oneIn(spec.lateOneIn)) {
      this.stalledUntilUs = world.nowUs + world.prng.below(spec.lateMs * 1000);
      world.note('process %a stands still until %b us', this.process, this.stalledUntilUs);
    }
    this.wakeAt(world.nowUs + TICK_MS * 1000 - world.prng.below(5000));
    if (this.ready.length > 0 || this.datagrams.hasPushed) {
      this.wakeAt(world.nowUs + 1 + world.prng.below(spec.wakeUs + 1));
    }
  }

  /** What the kernel has for it, in an order that the dice choose. */
  private dispatch(): void {
    const { prng } = this.world;
    for (let budget = 1 + prng.below(EVENTS_PER_TURN_MAX); budget > 0 && this.ready.length > 0; budget--) {
      const what = this.ready[prng.below(this.ready.length)];
      if (what.dispatchOne()) continue;
      what.isQueued = false;
      this.ready.splice(this.ready.indexOf(what), 1);
    }
  }
}
