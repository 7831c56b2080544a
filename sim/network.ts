/**
 * The seeded network: TCP as two hosts see it, without packets.
 *
 * A connection is two endpoints. Each has a bounded send buffer (`outbox`) and a bounded receive buffer (`inbox`); the
 * network moves bytes from the one to the other's in order, in slices and after delays that the dice choose, and never more
 * than fit: a reader that does not read fills its inbox, then the sender's outbox, and then the sender's `write` takes
 * nothing. FIN comes behind the bytes. A reset drops what has not arrived.
 *
 * As Linux does: closing with unread bytes in the inbox sends a reset in place of FIN, and bytes that arrive at a closed
 * endpoint are answered with one.
 */
import { ByteQueue } from './byte-queue.ts';
import type { World } from './world.ts';

/** How the network treats one direction of one connection. */
export interface LinkSpec {
  readonly delayUs: number;
  readonly jitterUs: number;
  /** The first `tinyBytes` bytes arrive 1 to `tinySlice` at a time. */
  readonly tinyBytes: number;
  readonly tinySlice: number;
  /** A slice waits `stallUs` once in so many; 0: never. */
  readonly stallOneIn: number;
  readonly stallUs: number;
  readonly bufferBytes: number;
}

export type BreakReason = 'reset' | 'refused' | 'timeout' | 'unreachable';

/** What answers at an address. */
export interface Acceptor {
  /** What happens to a connection attempt now. `drop`: no answer at all. */
  readonly mode: 'accept' | 'refuse' | 'drop' | 'unreachable';
  readonly connectDelayUs: number;
  /** How bytes travel to and from here. */
  link(): LinkSpec;
  /** False: no room in the backlog; the attempt is repeated after a second, as a lost SYN is. */
  hasRoom(): boolean;
  accept(endpoint: Endpoint): void;
}

/** `a.b.c.d:port` or `[v6]:port` in two. */
export function splitAddress(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

const SLICE_BYTES_MAX = 16 * 1024;
const SYN_RETRY_US = 1_000_000;
/** tcp_syn_retries of 6, as Linux has it. */
const SYN_TIMEOUT_US = 127_000_000;

export class Network {
  readonly world: World;
  /** By address text. */
  readonly acceptors = new Map<string, Acceptor>();
  private endpointCount = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Begins a connection; the endpoint's `watcher` hears how it goes. `from` is `a.b.c.d:port`. */
  dial(from: string, to: string): Endpoint {
    const near = new Endpoint(this, this.endpointCount++, from, to);
    this.attempt(near, to, 0);
    return near;
  }

  private attempt(near: Endpoint, to: string, waitedUs: number): void {
    const acceptor = this.acceptors.get(to);
    const delayUs = acceptor === undefined ? 100 : acceptor.connectDelayUs;
    this.world.schedule(delayUs + this.world.prng.below(200), () => this.arrive(near, to, waitedUs + delayUs));
  }

  private arrive(near: Endpoint, to: string, waitedUs: number): void {
    if (near.isClosed) return;
    const acceptor = this.acceptors.get(to);
    const mode = acceptor === undefined ? 'refuse' : acceptor.mode;
    if (mode === 'refuse') return near.breakNow('refused');
    if (mode === 'unreachable') return near.breakNow('unreachable');
    if (acceptor === undefined || mode === 'drop' || !acceptor.hasRoom()) {
      if (waitedUs > SYN_TIMEOUT_US) return near.breakNow('timeout');
      this.world.schedule(SYN_RETRY_US, () => this.attempt(near, to, waitedUs + SYN_RETRY_US));
      return;
    }
    const far = new Endpoint(this, this.endpointCount++, to, near.local);
    near.join(far, acceptor.link());
    far.join(near, acceptor.link());
    this.world.note('endpoint %a and %b are connected (%c)', near.id, far.id, to);
    acceptor.accept(far);
    near.changed();
  }
}

export class Endpoint {
  readonly network: Network;
  readonly id: number;
  readonly local: string;
  readonly remote: string;
  /** Called after anything changed: connected, bytes, room, FIN, broken. May do anything but must bear being called idly. */
  watcher: (() => void) | null = null;

  isConnected = false;
  /** The application gave it up. */
  isClosed = false;
  broken: BreakReason | null = null;
  /** From which of the bytes written here on the other side was not asking for any; -1: none such. */
  unaskedAt = -1;
  /** How many bytes the other side had sent here when its driver was given such bytes; -1: it was not. */
  noticedAt = -1;
  /** FIN came, behind what is still in the inbox. */
  hasFin = false;

  private other: Endpoint | null = null;
  private link: LinkSpec | null = null;
  private outbox = new ByteQueue(0);
  private inbox = new ByteQueue(0);
  private isFinQueued = false;
  private isFinSent = false;
  private isMoving = false;
  private movedBytes = 0;

  constructor(network: Network, id: number, local: string, remote: string) {
    this.network = network;
    this.id = id;
    this.local = local;
    this.remote = remote;
  }

  /** By the network, when the connection stands. */
  join(other: Endpoint, link: LinkSpec): void {
    this.other = other;
    this.link = link;
    this.isConnected = true;
    this.outbox = new ByteQueue(link.bufferBytes);
    this.inbox = new ByteQueue(link.bufferBytes);
  }

  get readableBytes(): number {
    return this.inbox.length;
  }

  get writableBytes(): number {
    return this.isConnected && this.broken === null ? this.outbox.free : 0;
  }

  /** At least half of the send buffer is free, or nobody needs it any more. */
  get hasRoom(): boolean {
    return this.broken !== null || this.outbox.length <= this.outbox.free;
  }

  /** Bytes that have arrived at the other side's kernel. */
  get acknowledgedBytes(): number {
    return this.movedBytes;
  }

  /** Everything written has arrived at the other side's kernel. */
  get isFlushed(): boolean {
    return this.outbox.length === 0;
  }

  /** Written, and not arrived at the other side's kernel. */
  get unarrivedBytes(): number {
    return this.outbox.length;
  }

  /** Of what was written, what has arrived at the other side's kernel. */
  get arrivedBytes(): number {
    return this.movedBytes;
  }

  /** FIN was sent and has arrived. */
  get isFinished(): boolean {
    return this.isFinSent;
  }

  /** FIN came and everything before it was read. */
  get isAtEnd(): boolean {
    return this.hasFin && this.inbox.length === 0;
  }

  /** The driver on this side has been given `bytesRead` bytes, and has sent `bytesSent`. */
  noteRead(bytesRead: number, bytesSent: number): void {
    const { other } = this;
    if (other === null || other.unaskedAt < 0 || bytesRead <= other.unaskedAt || other.noticedAt >= 0) return;
    other.noticedAt = bytesSent;
  }

  /** The other side's application has given the connection up. */
  get isAbandoned(): boolean {
    return this.other !== null && this.other.isClosed;
  }

  /** Takes up to `length` bytes; returns how many. */
  write(bytes: Uint8Array, at: number, length: number): number {
    const taken = Math.min(length, this.writableBytes);
    if (taken === 0 || this.isFinQueued) return 0;
    this.outbox.push(bytes, at, taken);
    this.move();
    return taken;
  }

  /** Gives up to `length` bytes; returns how many. */
  read(into: Uint8Array, at: number, length: number): number {
    const given = Math.min(length, this.inbox.length);
    if (given === 0) return 0;
    this.inbox.take(into, at, given);
    this.other?.move();
    return given;
  }

  /** FIN after everything written. */
  shutdown(): void {
    if (this.isFinQueued || !this.isConnected) return;
    this.isFinQueued = true;
    this.network.world.note('endpoint %a ends sending', this.id);
    this.move();
  }

  close(): void {
    if (this.isClosed) return;
    this.network.world.note('endpoint %a closes, %b bytes unread', this.id, this.inbox.length);
    if (this.inbox.length > 0) return this.reset();
    this.isClosed = true;
    this.watcher = null;
    this.shutdown();
  }

  reset(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.watcher = null;
    this.network.world.note('endpoint %a resets', this.id);
    this.outbox.clear();
    this.inbox.clear();
    this.sendReset();
  }

  private sendReset(): void {
    const other = this.other;
    if (other === null || this.broken !== null) return;
    this.broken = 'reset';
    this.network.world.schedule(this.delayUs(), () => other.breakNow('reset'));
  }

  /** The connection is no more, seen from here. */
  breakNow(reason: BreakReason): void {
    if (this.broken !== null) return;
    this.broken = reason;
    this.outbox.clear();
    const world = this.network.world;
    // what has arrived stays readable, as on Linux
    world.note('endpoint %a is broken: %b, %c bytes readable', this.id, reason, this.inbox.length);
    this.changed();
  }

  /** Both sides hear no more of each other; each finds out by itself. */
  lose(): void {
    const { other } = this;
    this.breakNow('timeout');
    if (other !== null) this.network.world.schedule(this.delayUs(), () => other.breakNow('timeout'));
  }

  changed(): void {
    if (this.watcher !== null) this.watcher();
  }

  private delayUs(): number {
    const link = this.link;
    if (link === null) return 0;
    const prng = this.network.world.prng;
    let delayUs = link.delayUs + prng.below(link.jitterUs + 1);
    if (prng.oneIn(link.stallOneIn)) delayUs += link.stallUs;
    return delayUs;
  }

  /** Sets the next slice on its way, if there is one and it has room. */
  private move(): void {
    const other = this.other;
    if (this.isMoving || this.broken !== null || other === null) return;
    const hasBytes = this.outbox.length > 0;
    if (!hasBytes && (!this.isFinQueued || this.isFinSent)) return;
    if (hasBytes && other.inbox.free === 0 && !other.isClosed) return;
    this.isMoving = true;
    this.network.world.schedule(this.delayUs(), () => this.arrive(other));
  }

  private arrive(other: Endpoint): void {
    this.isMoving = false;
    // what comes to an end that has broken is lost
    if (this.broken !== null || (other.broken !== null && !other.isClosed)) return;
    const world = this.network.world;
    if (this.outbox.length > 0 && other.isClosed) {
      world.note('endpoint %a sent to closed endpoint %b', this.id, other.id);
      // the closed side's kernel answers with a reset; nothing more is heard from it
      other.broken ??= 'reset';
      world.schedule(this.delayUs(), () => this.breakNow('reset'));
      return;
    }
    const length = Math.min(this.outbox.length, other.inbox.free, this.sliceBytes());
    if (length > 0) {
      this.outbox.moveTo(other.inbox, length);
      this.movedBytes += length;
      world.note('endpoint %a: %b bytes arrive at %c', this.id, length, other.id);
    }
    // FIN rides on the last bytes, or comes by itself later
    const isFinDue = this.isFinQueued && !this.isFinSent && this.outbox.length === 0;
    if (isFinDue && (length === 0 || world.prng.oneIn(2))) {
      this.isFinSent = true;
      other.hasFin = true;
      world.note('endpoint %a: FIN arrives at %b', this.id, other.id);
    }
    other.changed();
    if (length > 0) this.changed();
    this.move();
  }

  private sliceBytes(): number {
    const link = this.link;
    const prng = this.network.world.prng;
    if (link !== null && this.movedBytes < link.tinyBytes) return 1 + prng.below(link.tinySlice);
    return prng.oneIn(3) ? 1 + prng.below(1460) : SLICE_BYTES_MAX;
  }
}
