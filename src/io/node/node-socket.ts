/**
 * One connection over node:net. See `port/transport.ts` for the contract.
 *
 * Received bytes are read into one scratch buffer that all sockets share, which is possible because libuv reads and calls
 * back in one go, and copied into a slot; Node's own way, a fresh 64 KiB block per read, costs more than the copy. Sent
 * bytes are views of the arena; a slot is released in its write's callback, when the kernel has the bytes or never will.
 *
 * A stream whose write fails is destroyed by Node with all that its peer had sent before. So the failed write's callback,
 * which is called before that, puts another stream on a duplicate of the descriptor, which reads to the end.
 */
import net from 'node:net';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Address } from '../../base/address.ts';
import { PLENTY } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import type { SourceRing } from '../../base/source-ring.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import {
  acknowledgedBytes,
  boundUnsent,
  closeDescriptorNow,
  duplicateDescriptor,
  hasRoom,
  isStanding,
  openBound,
  resetOnClose,
  setKeepAlive,
  setNarrow,
  takeError,
  unacknowledgedBytes,
} from './descriptor.ts';
import type { NodeTransport } from './node-transport.ts';
import { emitSockaddr, SOCKADDR_BYTES } from '../uring/sockaddr.ts';
import { closeReason } from './reasons.ts';
import { handleOf } from './stream-handle.ts';
import type { Handle } from './stream-handle.ts';

/** What a socket is made of: nothing yet, a descriptor, or what was accepted. */
export type StreamSource =
  /** `manualStart`: nothing is read before it is connected. */
  { readonly fd: number; readonly manualStart?: true } | { readonly handle: Handle } | Record<string, never>;

const isLinux = process.platform === 'linux';

export class NodeSocket implements Socket {
  handler: SocketHandler;
  private readonly transport: NodeTransport;
  private stream: net.Socket;
  /** Slots of the pending segments: a ring of SEND_SEGMENTS_MAX that begins at `oldest`. */
  private readonly sending = new Int32Array(SEND_SEGMENTS_MAX);
  private oldest = 0;
  private pending = 0;
  /** Closed by us, or handleClose was called: no handler is called any more. */
  private isGone = false;
  /** The connection is over for sending: what to tell behind what can still be read. */
  private breakReason: CloseReason | null = null;
  /** Nothing can be read any more: `breakReason` waits behind what is kept. */
  private isBreakWaiting = false;
  /** FIN has come. */
  private hasSeenEnd = false;
  private isStreamClosed = false;
  private isPaused = false;
  /** The kernel's receive buffer is bounded. */
  private isNarrow = false;
  private isCorked = false;
  /** FIN came while paused. */
  private isEndWaiting = false;
  /** Bytes that were read when no slot was free. */
  private kept: Uint8Array | null = null;
  private isDrainWaiting = false;
  /** The kernel has taken everything and has no room for more: counted as a pending segment. */
  private isAwaitingRoom = false;
  /** A slot that only this socket receives into, whatever others hold; -1: any that is free. */
  private ownSlot = -1;
  private isDeferred = false;
  private isStarved = false;
  /** Closing the descriptor sends RST. */
  private isResetting = false;
  private readonly onWritten = (error?: NodeJS.ErrnoException | null): void => this.handleWritten(error);

  /** Takes over `source`; of an empty one, a connection can be begun. */
  constructor(transport: NodeTransport, handler: SocketHandler, source: StreamSource) {
    this.transport = transport;
    this.handler = handler;
    this.stream = this.open(source);
  }

  private open(source: StreamSource): net.Socket {
    const { transport } = this;
    const onread = { buffer: transport.scratch, callback: (length: number): boolean => this.handleRead(length) };
    const options = { ...source, allowHalfOpen: true, readable: true, writable: true, onread };
    const stream = new net.Socket(options);
    // Once both ways have ended, the stream closes its descriptor itself, right after these events.
    stream.on('finish', () => {
      if (stream === this.stream && stream.readableEnded) this.leaveRestToKernel();
    });
    stream.on('end', () => {
      if (stream !== this.stream) return;
      if (stream.writableFinished) this.leaveRestToKernel();
      this.handleEnd();
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (stream === this.stream) this.handleError(closeReason(error.code));
    });
    stream.on('close', () => {
      if (stream === this.stream) this.handleStreamClosed();
    });
    // starts the reading, and lets 'end' come
    stream.resume();
    return stream;
  }

  /** Begins a connection; once, on a socket of an empty source. */
  connect(address: Address, ring: SourceRing | null): void {
    const { family, host, port } = address;
    if (ring !== null && isLinux) {
      this.connectFrom(address, ring);
      return;
    }
    this.stream.on('connect', () => this.handleConnect());
    // a name in the abstract namespace begins with a zero (unix(7))
    if (family === 0) this.stream.connect({ path: host.replace(/^@/, '\0') });
    else {
      const localAddress = ring?.sources[ring.next()].host;
      this.stream.connect({ host, port, localAddress, noDelay: true, autoSelectFamily: false });
    }
  }

  /**
   * From the next source that has a port. Node chooses one when it binds, for which it must be free towards everybody, so what it
   * connects is bound already. A lookup that answers at once lets it connect at once, and a source without a port is seen here.
   */
  private connectFrom({ family, host, port }: Address, ring: SourceRing): void {
    let failure = 'EADDRNOTAVAIL';
    for (let left = ring.sources.length; left > 0 && failure === 'EADDRNOTAVAIL'; left--) {
      const { descriptor, isBound } = openBound(sockaddrOf(ring.sources[ring.next()]));
      if (descriptor < 0) failure = 'EMFILE';
      else if (!isBound) closeDescriptorNow(descriptor);
      else {
        const stream = this.open({ fd: descriptor, manualStart: true });
        this.stream = stream;
        stream.on('connect', () => this.handleConnect());
        const lookup: net.LookupFunction = (_, __, answer) => answer(null, host, family);
        stream.connect({ host: 'server', port, lookup, noDelay: true, autoSelectFamily: false });
        if (stream.errored === null || !isNoPort(stream.errored)) return;
      }
    }
    if (!this.stream.destroyed) this.stream.destroy(Object.assign(new Error(failure), { code: failure }));
  }

  private setNarrow(isNarrow: boolean): void {
    const handle = handleOf(this.stream);
    if (handle === null || this.isGone) return;
    this.isNarrow = isNarrow;
    setNarrow(handle.fd, isNarrow);
  }

  /** An adopted socket gets memory of its own. */
  startApart(): void {
    this.ownSlot = this.transport.arena.allocateLarge();
  }

  get pendingSegments(): number {
    return this.isAwaitingRoom ? this.pending + 1 : this.pending;
  }

  get keepsScarce(): boolean {
    const { arena } = this.transport;
    if (this.breakReason !== null) return false;
    for (let i = 0; i < this.pending; i++) {
      if (arena.isScarce(this.sending[(this.oldest + i) % SEND_SEGMENTS_MAX])) return true;
    }
    return false;
  }

  get acknowledgedBytes(): number {
    const handle = handleOf(this.stream);
    return handle === null || this.isGone ? 0 : acknowledgedBytes(handle.fd);
  }

  send(slot: number, offset: number, length: number, more: boolean): void {
    assert(this.pending < SEND_SEGMENTS_MAX, 'more than SEND_SEGMENTS_MAX segments');
    if (this.breakReason !== null) {
      this.pending++;
      this.transport.arena.release(slot);
      return;
    }
    this.sending[(this.oldest + this.pending) % SEND_SEGMENTS_MAX] = slot;
    this.pending++;
    if (more && !this.isCorked) {
      this.isCorked = true;
      this.stream.cork();
    }
    this.stream.write(this.transport.view(offset, length), this.onWritten);
    if (!more && this.isCorked) {
      this.isCorked = false;
      this.stream.uncork();
    }
  }

  pause(): void {
    this.isPaused = true;
    this.stream.pause();
    if (!this.isNarrow && this.transport.arena.pressure !== PLENTY) this.setNarrow(true);
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.isNarrow && this.transport.arena.pressure === PLENTY) this.setNarrow(false);
    if (this.kept === null && !this.isEndWaiting) this.stream.resume();
    else this.defer();
  }

  end(): void {
    if (this.breakReason === null) this.stream.end();
  }

  close(): void {
    this.leaveRestToKernel();
    this.drop();
  }

  reset(): void {
    this.resetIfKilled();
    this.drop();
  }

  get isStanding(): boolean {
    const handle = handleOf(this.stream);
    return handle !== null && !this.isGone && isStanding(handle.fd);
  }

  setKeepAlive(keepAlive: KeepAlive): void {
    const handle = handleOf(this.stream);
    if (handle !== null && !this.isGone) setKeepAlive(handle.fd, keepAlive);
  }

  passTo(): void {
    // Node has no way past its memory
  }

  resetIfKilled(): void {
    if (!this.isResetting && !this.isGone) this.setResetting(true);
  }

  /** Closed from now on, it still sends what the kernel has, and FIN. */
  private leaveRestToKernel(): void {
    if (this.isResetting && !this.isGone) this.setResetting(false);
  }

  /** resetAndDestroy waits for a connection that is being made, and fails while a FIN waits for queued data. */
  private setResetting(isResetting: boolean): void {
    const handle = handleOf(this.stream);
    if (handle === null) return;
    this.isResetting = isResetting;
    resetOnClose(handle.fd, isResetting);
  }

  /** As the end of the process would end it. */
  drop(): void {
    this.isGone = true;
    this.kept = null;
    this.destroyStream();
  }

  get unacknowledgedBytes(): number {
    const handle = handleOf(this.stream);
    return handle === null ? 0 : unacknowledgedBytes(handle.fd);
  }

  remoteAddress(into: Uint8Array, at: number): number {
    const { remoteAddress: text, remotePort: port } = this.stream;
    return writeAddress(text, port, into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    const { localAddress: text, localPort: port } = this.stream;
    return writeAddress(text, port, into, at);
  }

  // --- events ---

  private handleConnect(): void {
    if (this.isGone) return;
    this.transport.beginTurn();
    if (this.isGone) return;
    const handle = handleOf(this.stream);
    if (handle !== null) boundUnsent(handle.fd);
    this.handler.handleConnect(this);
  }

  /** `length` bytes are in the scratch buffer, until this returns. True: read on. */
  private handleRead(length: number): boolean {
    if (this.isGone) return false;
    this.transport.beginReceiving();
    if (this.isGone) return false;
    const { scratch } = this.transport;
    if (!this.isPaused && this.deliver(scratch, length)) return true;
    this.kept = Uint8Array.prototype.slice.call(scratch, 0, length);
    this.stream.pause();
    if (!this.isPaused) this.starve();
    return false;
  }

  private deliver(bytes: Uint8Array, length: number): boolean {
    const { arena } = this.transport;
    const slot = this.takeSlot();
    if (slot < 0) return false;
    const offset = arena.receiveStart(slot);
    if (bytes === this.transport.scratch) this.transport.scratch.copy(arena.memory, offset, 0, length);
    else arena.memory.set(bytes, offset);
    this.handler.handleData(this, slot, offset, length);
    return true;
  }

  private takeSlot(): number {
    const { arena } = this.transport;
    if (this.ownSlot < 0 || arena.isShared(this.ownSlot)) return arena.allocateLarge();
    arena.retain(this.ownSlot);
    return this.ownSlot;
  }

  /** What no event of the stream will tell; the transport calls it once per `defer`, from its turn. */
  handleDeferred(): void {
    this.isDeferred = false;
    if (this.isDrainWaiting && !this.isGone) {
      this.isDrainWaiting = false;
      if (this.pending === 0) this.drained();
    }
    if (this.kept !== null && !this.isGone && !this.isPaused) this.deliverKept();
    if (this.isEndWaiting && !this.isGone && !this.isPaused && this.kept === null) {
      this.isEndWaiting = false;
      this.handler.handleEnd(this);
    }
    if (this.isBreakWaiting && !this.isGone && !this.isPaused && this.kept === null) this.breakOff();
  }

  /** There may be a slot again; the transport calls it once per `starve`, from its turn. */
  handleSlots(): void {
    this.isStarved = false;
    this.handleDeferred();
  }

  private drained(): void {
    const { arena } = this.transport;
    if (this.isAwaitingRoom) return;
    if (arena.pressure === PLENTY || this.stream.writableEnded || this.isRoomy) {
      this.handler.handleDrain(this);
      return;
    }
    this.isAwaitingRoom = true;
    this.transport.awaitRoom(this);
  }

  /** The transport calls it now and then after `awaitRoom`. False: look again. */
  handleRoomLook(): boolean {
    if (!this.isGone && !this.isRoomy) return false;
    this.isAwaitingRoom = false;
    if (!this.isGone && this.pending === 0) this.handler.handleDrain(this);
    return true;
  }

  private get isRoomy(): boolean {
    const handle = handleOf(this.stream);
    return handle === null || hasRoom(handle.fd);
  }

  /** The stream is closed, and nothing kept waits any more. */
  private handleClosed(): void {
    if (this.ownSlot >= 0) this.transport.arena.release(this.ownSlot);
    this.ownSlot = -1;
    this.transport.handleClosed(this);
  }

  private deliverKept(): void {
    const bytes = this.kept!;
    if (!this.deliver(bytes, bytes.length)) {
      this.starve();
      return;
    }
    this.kept = null;
    if (!this.isGone && !this.isPaused && !this.isEndWaiting) this.stream.resume();
  }

  private starve(): void {
    if (this.isStarved) return;
    this.isStarved = true;
    this.transport.starve(this);
  }

  private defer(): void {
    if (this.isDeferred) return;
    this.isDeferred = true;
    this.transport.defer(this);
  }

  private handleEnd(): void {
    if (this.isGone) return;
    this.transport.beginTurn();
    if (this.isGone) return;
    // libuv calls a reset that comes with the last data an end; a cut body must not pass for a whole one
    const handle = handleOf(this.stream);
    const reason = this.breakReason ?? (handle === null ? null : takeError(handle.fd));
    if (reason !== null) {
      this.handleError(reason);
      return;
    }
    this.hasSeenEnd = true;
    if (this.isPaused || this.kept !== null) this.isEndWaiting = true;
    else this.handler.handleEnd(this);
  }

  private handleWritten(error: NodeJS.ErrnoException | null | undefined): void {
    this.transport.arena.release(this.sending[this.oldest]);
    this.oldest = (this.oldest + 1) % SEND_SEGMENTS_MAX;
    if (error) {
      if (this.breakReason === null && !this.isGone && !this.hasSeenEnd) this.readOn(closeReason(error.code));
      return;
    }
    this.pending--;
    // not called from here, because a handler that sends at once what the kernel takes at once would never let the loop go on
    if (this.pending > 0 || this.isGone) return;
    this.isDrainWaiting = true;
    this.defer();
  }

  /** The stream is about to be destroyed: another one reads what the peer had sent before. */
  private readOn(reason: CloseReason): void {
    const handle = handleOf(this.stream);
    if (handle === null || (reason !== 'reset' && reason !== 'timeout')) return;
    const descriptor = duplicateDescriptor(handle.fd);
    if (descriptor < 0) return;
    this.breakReason = reason;
    this.stream = this.open({ fd: descriptor });
    if (this.isPaused || this.kept !== null) this.stream.pause();
  }

  private handleError(reason: CloseReason): void {
    if (this.isGone) return;
    this.transport.beginTurn();
    if (this.isGone) return;
    this.breakReason ??= reason;
    if (this.kept === null && !this.isEndWaiting) this.breakOff();
    else this.isBreakWaiting = true;
  }

  private breakOff(): void {
    this.isGone = true;
    this.kept = null;
    this.destroyStream();
    this.handler.handleClose(this, this.breakReason as CloseReason);
  }

  private destroyStream(): void {
    this.stream.destroy();
    if (this.isStreamClosed) this.handleClosed();
  }

  private handleStreamClosed(): void {
    this.isStreamClosed = true;
    // else when what is kept has been delivered
    if (this.isGone) this.handleClosed();
  }
}

function isNoPort(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EADDRNOTAVAIL';
}

/** Of Linux. */
function sockaddrOf(address: Address): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  return bytes.subarray(0, emitSockaddr(address, bytes));
}

/** As `Socket.remoteAddress`. */
function writeAddress(text: string | undefined, port: number | undefined, into: Uint8Array, at: number): number {
  into.fill(0, at, at + 16);
  if (text === undefined || port === undefined) return 0;
  // without the zone of a link-local address
  const v6 = parseIPv6(text.split('%', 1)[0]);
  if (v6 !== null) into.set(v6, at);
  const v4 = v6 === null ? parseIPv4(text) : null;
  if (v4 !== null) {
    into.fill(0xff, at + 10, at + 12);
    into.set(v4, at + 12);
  }
  return port;
}
