/**
 * A world in which one request is played: `port/transport.ts` in memory. Its sockets lead to nobody but whoever plays clients and servers
 * (rehearse.ts), its clock stands until it is moved, and nothing of it leaves the process.
 */
import type { Address } from '../base/address.ts';
import { AddressNumbers } from '../base/address-numbers.ts';
import { Arena } from '../base/arena.ts';
import { LoopCells } from '../base/loop-cells.ts';
import { assert } from '../base/assert.ts';
import { LARGE_SLOT_BYTES } from '../base/limits.ts';
import type { Outlet } from '../port/outlet.ts';
import type {
  ListenHandler,
  ListenSocket,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../port/transport.ts';
import { StageDatagrams } from './stage-datagrams.ts';
import { type End, type Ground, StageSocket } from './stage-socket.ts';

const LARGE_SLOTS = 16;
const SMALL_SLOTS = 64;
/** Nobody knows the time from a monotonic clock; 0 means "never" to some. */
const BEGIN_MS = 1_000_000;
/** One exchange takes some ten. */
const TURNS_MAX = 10_000;

/** What is played outside of the proxy. */
export interface Cast {
  /** The proxy has connected to this address: who answers there. */
  serverAt(address: Address): End;
}

export class Stage implements Transport, Ground {
  readonly arena: Arena;
  readonly datagrams: StageDatagrams;
  now = BEGIN_MS;
  loop = new LoopCells();
  private readonly cast: Cast;
  private readonly addresses = new AddressNumbers();
  private readonly listeners = new Map<number, ListenHandler>();
  private events: (() => void)[] = [];
  private isTurnWanted = false;
  socketCount = 0;

  constructor(cast: Cast) {
    this.cast = cast;
    this.arena = new Arena(new Uint8Array(Arena.bytesFor(LARGE_SLOTS, SMALL_SLOTS)), LARGE_SLOTS, SMALL_SLOTS);
    this.datagrams = new StageDatagrams((number) => this.addresses.address(number));
  }

  /** Turns of the proxy until nothing is left to happen at this time. */
  play(driver: TransportDriver): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      this.isTurnWanted = false;
      driver.handleTurn(this.now);
      const { events } = this;
      this.events = [];
      for (const event of events) event();
      if (events.length === 0 && !this.isTurnWanted) return;
    }
    assert(false, 'a request that never ends');
  }

  /** A client connects to what listens at this descriptor. */
  connectClient(descriptor: number, remote: Address, local: Address, end: End): StageSocket {
    const socket = new StageSocket(this, end, remote, local);
    this.socketCount++;
    const handler = this.listeners.get(descriptor);
    assert(handler !== undefined, 'nobody listens there');
    handler.handleAccept(socket);
    return socket;
  }

  /** Happens in the next turn. */
  later(event: () => void): void {
    this.events.push(event);
  }

  /** Bytes for the arena: large slots that they have been copied to, each with its length. */
  fill(bytes: Uint8Array, give: (slot: number, offset: number, length: number) => void): void {
    const room = LARGE_SLOT_BYTES / 2;
    for (let at = 0; at < bytes.length; at += room) {
      const part = bytes.subarray(at, at + room);
      const slot = this.arena.allocateLarge();
      assert(slot >= 0, 'a stage without memory');
      const offset = this.arena.receiveStart(slot);
      this.arena.memory.set(part, offset);
      give(slot, offset, part.length);
    }
  }

  // --- Transport ---

  prepareAddress(address: Address, sources: readonly Address[] = []): number {
    return this.addresses.take(address, sources);
  }

  forgetAddress(preparedAddress: number): void {
    this.addresses.give(preparedAddress);
  }

  connect(preparedAddress: number, handler: SocketHandler): Socket {
    const address = this.addresses.address(preparedAddress);
    const socket = new StageSocket(this, this.cast.serverAt(address), address, address);
    this.socketCount++;
    socket.handler = handler;
    this.later(() => {
      if (!socket.isGone) socket.handler.handleConnect(socket);
    });
    return socket;
  }

  listen(descriptor: number, handler: ListenHandler): ListenSocket {
    this.listeners.set(descriptor, handler);
    return LISTENING;
  }

  adopt(): Socket {
    throw new Error('there is no control channel');
  }

  openOutlet(): Outlet {
    throw new Error('there are no files');
  }

  run(): Promise<void> {
    throw new Error('it is played turn by turn');
  }

  requestTurn(): void {
    this.isTurnWanted = true;
  }

  stop(): void {
    // whoever plays it stops
  }
}

const LISTENING: ListenSocket = { pause: () => undefined, resume: () => undefined, close: () => undefined };
