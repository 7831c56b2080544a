/**
 * A connected socket of the simulated transport: takes sends piecemeal, gives out what has arrived in events, and checks at
 * every call that the driver keeps to the contract.
 */
import { parseIPv6 } from '../src/base/address.ts';
import { Arena, PLENTY } from '../src/base/arena.ts';
import { SEND_SEGMENTS_MAX } from '../src/base/limits.ts';
import type { CloseReason, Socket, SocketHandler } from '../src/port/transport.ts';
import { splitAddress, type Endpoint } from './network.ts';
import type { Sabotage, SimTransport } from './transport.ts';

interface Segment {
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
  /** A copy of the bytes: they must not change until the kernel has them all. */
  readonly bytes: Buffer;
  taken: number;
}

export class SimSocket implements Socket {
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
  /** Memory was tight and the kernel full when everything had been sent: counted as a pending segment. */
  private isAwaitingRoom = false;
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
    return this.segments.length + (this.isAwaitingRoom ? 1 : 0);
  }

  get keepsScarce(): boolean {
    return this.segments.some(({ slot }) => this.transport.arena.isScarce(slot));
  }

  get acknowledgedBytes(): number {
    return this.endpoint.acknowledgedBytes;
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

  get isStanding(): boolean {
    return !this.isFreed && this.endpoint.broken === null && !this.endpoint.hasFin;
  }

  setKeepAlive(): void {
    if (this.isFreed) this.transport.world.fail('contract', `socket ${this.id}: setKeepAlive after close`);
  }

  passTo(): void {
    // every byte is checked
  }

  resetIfKilled(): void {
    if (this.isFreed) this.transport.world.fail('contract', `socket ${this.id}: resetIfKilled after close`);
  }

  get unacknowledgedBytes(): number {
    return this.endpoint.unarrivedBytes;
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return writeAddress(this.endpoint.remote, into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return writeAddress(this.endpoint.local, into, at);
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
    if (this.isAwaitingRoom && endpoint.hasRoom) return this.stopAwaiting();
    if (endpoint.broken !== null) {
      // what arrived before the reset is given out first, also where a send in flight sees the reset before
      if (endpoint.readableBytes > 0) return isReadable ? this.receive() : false;
      const isVisible = !this.isPaused || this.segments.length > 0 || this.transport.spec.seesResetWhilePaused;
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
    else if (arena.pressure !== PLENTY && !this.isAwaitingRoom && !this.endpoint.hasRoom) {
      world.note('socket %a awaits room', this.id);
      this.isAwaitingRoom = true;
    }
    if (this.isAwaitingRoom) return true;
    world.note('socket %a has sent everything', this.id);
    this.handler.handleDrain(this);
    return true;
  }

  private stopAwaiting(): boolean {
    this.transport.world.note('socket %a has room', this.id);
    this.isAwaitingRoom = false;
    if (this.segments.length === 0) this.handler.handleDrain(this);
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

  private isSabotaged(kind: Sabotage): boolean {
    return this.transport.sabotage === kind && this.transport.world.prng.oneIn(this.transport.sabotageOneIn);
  }

  private harm(memory: Uint8Array, offset: number, length: number): number {
    if (this.isSabotaged('drop-byte')) return length - 1;
    if (this.isSabotaged('flip-byte')) memory[offset + length - 1] ^= 1;
    return length;
  }
}

function writeAddress(text: string, into: Uint8Array, at: number): number {
  const { host, port } = splitAddress(text);
  into.fill(0, at, at + 16);
  const v6 = parseIPv6(host.includes(':') ? host : `::ffff:${host}`);
  if (v6 !== null) into.set(v6, at);
  return port;
}
