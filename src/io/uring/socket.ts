/**
 * One connection on the ring. What is in flight for it, in which order things may happen, and when it is gone.
 *
 * Receiving. At most one receive is armed. Multishot (armed once, one completion per message) costs 5 % less CPU per small
 * message than arming anew for each; but it cannot be paused, and a sender that fills whole buffers takes every posted one.
 * So a socket starts with multishot and is moved to single shot, which is armed only when its data is wanted, when it
 * floods or is paused under data, and back after a run of small messages.
 *
 *   state       event                                   does                                        then
 *   IDLE        wanted (see `armIfWanted`)              arms, multishot or single                   MULTI | SINGLE
 *               - and it passes bulk on                 polls                                       WATCHING
 *   MULTI       data, more to come                      delivers                                    MULTI
 *               - and it fills a buffer (1)             and cancels, single from now on             CANCELLING
 *               - or the socket is paused               keeps it, cancels, single from now on       CANCELLING
 *               data, the last                          delivers or keeps                           IDLE
 *   SINGLE      data                                    delivers or keeps                           IDLE
 *   WATCHING    something came                          passes it on (passage.ts)                   IDLE
 *   CANCELLING  data, more to come                      delivers or keeps                           CANCELLING
 *               data, the last; or -ECANCELED           delivers or keeps                           IDLE
 *               the cancellation found nothing          (its target was between two shots)          MULTI
 *   any armed   no buffer (-ENOBUFS)                    waits for slots, single from now on         STARVED
 *   STARVED     slots came back                         arms with POLL_FIRST, or if paused not      SINGLE | IDLE
 *   any armed   end of stream                           handleEnd, behind what is kept              ENDED
 *               error                                   handleClose, behind what is kept            gone
 *
 *   (1) not where the kernel ends a multishot receive by itself after `receiveLimit` bytes.
 *
 * Kept data is delivered in order after `resume`, by the turn, before anything newer. It is bounded by the posted slots.
 *
 * Sending. One operation at a time: two would interleave. MSG_WAITALL lets the kernel finish a short send. Fewer bytes than
 * asked for mean that the connection broke, which the next send is told, or that a kernel thread was interrupted at it: a send
 * whose socket stays full after many polls is moved to one, and whoever stops this process (a debugger, a frozen container)
 * interrupts that. So what is left goes out in another operation.
 *
 * Breaking. A server that answers early and closes resets the connection that is still being sent on. What it said before is
 * in the kernel and can be read, so a send that fails with a reset stops the sending alone (BROKEN): receiving goes on, and
 * its end is what `handleClose` tells. The failed send has taken the socket's error, so that end looks like an end of stream,
 * also where its completion comes after the receive's: an end under a send in flight is looked at twice.
 *
 * When memory is tight, no multishot receive is armed, and a socket whose last send has left counts as having one more segment
 * pending until the kernel has room for another slot (a poll for POLLOUT), and the kernel's own receive buffer is bounded. So whoever waits for `handleDrain` before it
 * receives more holds no slot while a peer stands still: the bytes stay in the kernel's buffers, on both sides. How many may
 * wait unsent is bounded always: tightly until the peer has shown that it takes what it is sent, and when memory is tight.
 *
 * Closing. Closing the descriptor under an armed receive would not close the connection (the operation holds the file), so
 * what is armed is cancelled first, by user data, in the same batch. The index stays taken until the last operation has
 * reported. The descriptor's number may be used again at once: nothing refers to it any more.
 */
import { Arena, PLENTY } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import { PROVING_BYTES, SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import type { CloseReason, PassWatcher, Socket, SocketHandler } from '../../port/transport.ts';
import * as abi from './abi.ts';
import type { Engine } from './engine.ts';
import { closeReason, isInterruption } from './failures.ts';
import * as ffi from './ffi.ts';
import { Passage } from './passage.ts';
import { parseSockaddr } from './sockaddr.ts';
import { CONNECT, RECEIVE, ROOM, SEND } from './user-data.ts';

// Receiving.
const IDLE = 0;
const MULTI = 1;
const SINGLE = 2;
const CANCELLING = 3;
const STARVED = 4;
const ENDED = 5;
const WATCHING = 6;
type ReceiveState = 0 | 1 | 2 | 3 | 4 | 5 | 6;

// Life.
const CONNECTING = 0;
const OPEN = 1;
const BROKEN = 2; // nothing can be sent; handleClose waits behind what the peer sent before
const CLOSED = 3;
type Phase = 0 | 1 | 2 | 3;

/** Messages that fill no buffer, in a row, after which multishot is tried again. */
const SMALL_MESSAGES = 8;

const SEND_FLAGS = ffi.MSG_WAITALL | ffi.MSG_NOSIGNAL;

export class UringSocket implements Socket {
  handler: SocketHandler;
  pendingSegments = 0;

  readonly index: number;
  readonly generation: number;
  private readonly engine: Engine;
  readonly descriptor: number;
  private phase: Phase;
  /** The connect is in flight. */
  private isConnecting = false;
  /** Until it stands: what it connects to, and the sources that were not tried yet. */
  private target = -1;
  private sourcesLeft = 0;

  private receive: ReceiveState = IDLE;
  private isPaused = false;
  /** The kernel's receive buffer is bounded. */
  private isNarrow = false;
  private isSingle: boolean;
  private smallMessages = 0;
  /** A slot that only this socket receives into, whatever others hold; -1: it receives into posted ones. */
  private ownSlot = -1;
  /** Where all goes that it receives; null: to its handler alone. */
  private passage: Passage | null = null;
  /** Kept slots: the first and last, or -1. */
  private lateFirst = -1;
  private lateLast = -1;
  /** What comes after the kept slots. */
  private afterLate: 'more' | 'end' | CloseReason = 'more';
  /** In BROKEN: what to tell when the receive ends. */
  private breakReason: CloseReason = 'reset';
  /** In the list of sockets that the turn looks at. */
  private isReady = false;

  /** Segments and bytes in the kernel's hands, and where the first segment is; more of them stay at the queue's head. */
  private flightSegments = 0;
  private flightBytes = 0;
  private flightSlot = -1;
  private flightOffset = 0;
  /** Queued segments, as nodes of the segment table, or -1. */
  private firstSegment = -1;
  private lastSegment = -1;
  private isHeld = false;
  /** The poll for room is in flight, and counted as a pending segment. */
  private isAwaitingRoom = false;
  /** Bytes that the peer has yet to take until more may wait for it in the kernel; 0: it has. */
  private unprovenBytes = PROVING_BYTES;
  private hasEnded = false;
  /** Closing the descriptor sends a reset (SO_LINGER, for no time). */
  private isResetting = false;

  constructor(engine: Engine, descriptor: number, index: number, handler: SocketHandler, isConnected: boolean) {
    this.engine = engine;
    this.descriptor = descriptor;
    this.index = index;
    this.generation = engine.nextGeneration();
    this.handler = handler;
    this.phase = isConnected ? OPEN : CONNECTING;
    this.isSingle = engine.receiveLimit === 0;
    if (engine.arena.pressure !== PLENTY) this.narrow();
  }

  // --- for the driver ---

  send(slot: number, offset: number, length: number, more: boolean): void {
    const queued = this.isAwaitingRoom ? this.pendingSegments - 1 : this.pendingSegments;
    assert(length > 0 && !this.hasEnded && queued < SEND_SEGMENTS_MAX, 'send out of turn');
    if (this.phase >= BROKEN) {
      if (this.phase === BROKEN) this.pendingSegments++;
      this.engine.arena.release(slot);
      return;
    }
    this.pendingSegments++;
    if (this.flightSegments === 0 && this.firstSegment < 0 && !more && this.phase === OPEN) {
      this.startOne(slot, offset, length);
      return;
    }
    const { segments } = this.engine;
    const node = segments.allocate(slot, offset, length);
    if (this.firstSegment < 0) this.firstSegment = node;
    else segments.append(this.lastSegment, node);
    this.lastSegment = node;
    if (this.flightSegments > 0 || this.phase !== OPEN) return;
    // Parts of one message leave in one operation. If the next part fails to come, the turn sends what is here.
    if (!more || queued === SEND_SEGMENTS_MAX - 1) this.startQueued();
    else if (!this.isHeld) {
      this.isHeld = true;
      this.engine.held.push(this);
    }
  }

  pause(): void {
    // An armed receive stays: mostly `resume` comes before data. If not, the first completion cancels it.
    this.isPaused = true;
    if (this.engine.arena.pressure !== PLENTY) this.narrow();
  }

  resume(): void {
    this.isPaused = false;
    if (this.lateFirst >= 0 || this.afterLate !== 'more') {
      if (this.isReady || this.phase === CLOSED) return;
      this.isReady = true;
      this.engine.ready.push(this);
    } else {
      this.armIfWanted(0);
    }
  }

  passTo(to: Socket, watcher: PassWatcher): void {
    if (to instanceof UringSocket) this.passage = new Passage(this.engine, this, to, watcher);
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (this.phase !== OPEN || this.flightSegments > 0) return;
    if (this.firstSegment >= 0) this.startQueued();
    else ffi.shutdown(this.descriptor, ffi.SHUT_WR);
  }

  close(): void {
    if (this.phase === CLOSED) return;
    if (this.isResetting) this.setResetting(false);
    this.dispose();
  }

  reset(): void {
    if (this.phase === CLOSED) return;
    this.resetIfKilled();
    this.dispose();
  }

  get isStanding(): boolean {
    return this.phase !== CLOSED && this.engine.isStanding(this.descriptor);
  }

  setKeepAlive(keepAlive: KeepAlive): void {
    if (this.phase !== CLOSED) this.engine.setKeepAlive(this.descriptor, keepAlive);
  }

  resetIfKilled(): void {
    if (!this.isResetting && this.phase !== CLOSED) this.setResetting(true);
  }

  private setResetting(isResetting: boolean): void {
    this.isResetting = isResetting;
    this.engine.setResetOnClose(this.descriptor, isResetting);
  }

  get unacknowledgedBytes(): number {
    return this.phase === CLOSED ? 0 : this.engine.unacknowledgedBytes(this.descriptor);
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.write(this.phase === CLOSED ? null : this.engine.peerName(this.descriptor), into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.write(this.phase === CLOSED ? null : this.engine.ownName(this.descriptor), into, at);
  }

  private write(name: Uint8Array | null, into: Uint8Array, at: number): number {
    if (name !== null) return parseSockaddr(name, into, at);
    into.fill(0, at, at + 16);
    return 0;
  }

  get keepsScarce(): boolean {
    const { arena, segments } = this.engine;
    if (this.lateFirst >= 0 && arena.isScarce(this.lateFirst)) return true;
    if (this.flightSegments > 0 && arena.isScarce(this.flightSlot)) return true;
    for (let node = this.firstSegment; node >= 0; node = segments.next(node)) {
      if (arena.isScarce(segments.slot(node))) return true;
    }
    return false;
  }

  get acknowledgedBytes(): number {
    return this.phase === CLOSED ? 0 : this.engine.acknowledgedBytes(this.descriptor);
  }

  // --- for the turn ---

  /** The transport ends: as the end of the process would end it. */
  drop(): void {
    if (this.phase !== CLOSED) this.dispose();
  }

  get isClosed(): boolean {
    return this.phase === CLOSED;
  }

  connect(address: number): void {
    const { addresses } = this.engine;
    const count = addresses.sourceCount(address);
    addresses.keep(address);
    this.target = address;
    if (count === 0) {
      this.startConnect(address);
      return;
    }
    this.sourcesLeft = count;
    this.engine.prepareSource(this.descriptor);
    if (this.connectFromNext()) return;
    // The turn tells, as if the kernel had.
    this.afterLate = 'no-port';
    this.isReady = true;
    this.engine.ready.push(this);
  }

  /** A failed connect leaves the socket without a port, so that it can be bound to another address. False: none is left. */
  private connectFromNext(): boolean {
    const { engine, target } = this;
    while (this.sourcesLeft > 0) {
      this.sourcesLeft--;
      if (!engine.bindTo(this.descriptor, engine.addresses.nextSource(target))) continue;
      this.startConnect(target);
      return true;
    }
    return false;
  }

  private startConnect(address: number): void {
    const { addresses, ring } = this.engine;
    const data = CONNECT | this.index;
    const low = addresses.low(address);
    const high = addresses.high(address);
    const at = ring.push(abi.OP_CONNECT, this.descriptor, low, high, 0, 0, data, this.generation, 0);
    ring.submissions[at + 2] = addresses.length(address);
    this.isConnecting = true;
  }

  handleConnected(result: number): void {
    this.isConnecting = false;
    if (this.phase === CLOSED) {
      this.leaveIfDone();
      return;
    }
    if (result < 0) {
      if (result === -ffi.EADDRNOTAVAIL && this.connectFromNext()) return;
      this.fail(closeReason(-result));
      return;
    }
    this.forgetTarget();
    this.phase = OPEN;
    if (this.firstSegment >= 0) this.startQueued();
    else if (this.hasEnded) ffi.shutdown(this.descriptor, ffi.SHUT_WR);
    this.armIfWanted(abi.RECV_POLL_FIRST);
    this.handler.handleConnect(this);
  }

  private forgetTarget(): void {
    if (this.target >= 0) this.engine.addresses.forget(this.target);
    this.target = -1;
  }

  /** The driver has taken an accepted socket. */
  start(): void {
    this.armIfWanted(0);
  }

  /** The same of an adopted one, which gets memory of its own. */
  startApart(): void {
    this.ownSlot = this.engine.arena.allocateLarge();
    this.armIfWanted(0);
  }

  /** A completion of the armed receive. */
  handleReceived(result: number, flags: number): void {
    if ((flags & abi.CQE_F_BUFFER) === 0) {
      if (this.receive === WATCHING) this.handleWatched(result);
      else if (result > 0) this.handleOwnReceived(result);
      else this.handleNothingReceived(result);
      return;
    }
    const { arena, buffers } = this.engine;
    const slot = flags >>> abi.CQE_BUFFER_SHIFT;
    buffers.posted--;
    const isLast = (flags & abi.CQE_F_MORE) === 0;
    if (isLast) this.receive = IDLE;
    if (this.phase === CLOSED) {
      arena.release(slot);
      if (isLast) this.leaveIfDone();
      return;
    }
    if (this.isPaused || this.lateFirst >= 0) {
      this.keep(slot, result);
      this.isSingle = true;
      this.smallMessages = 0;
      if (this.receive === MULTI) this.cancelReceive();
      return;
    }
    if (result === Arena.receiveBytes) {
      this.isSingle = this.engine.receiveLimit === 0;
      this.smallMessages = 0;
      if (this.passage !== null) this.passage.noteFull();
      if (this.isSingle && this.receive === MULTI) this.cancelReceive();
    } else if (this.isSingle && ++this.smallMessages === SMALL_MESSAGES) {
      this.isSingle = false;
      this.smallMessages = 0;
    }
    this.handler.handleData(this, slot, arena.receiveStart(slot), result);
    if (isLast) this.armIfWanted((flags & abi.CQE_F_SOCK_NONEMPTY) === 0 ? abi.RECV_POLL_FIRST : 0);
  }

  private handleOwnReceived(length: number): void {
    const { arena } = this.engine;
    const slot = this.ownSlot;
    this.receive = IDLE;
    if (this.phase === CLOSED) {
      this.leaveIfDone();
      return;
    }
    arena.retain(slot);
    if (this.isPaused || this.lateFirst >= 0) {
      this.keep(slot, length);
      return;
    }
    this.handler.handleData(this, slot, arena.receiveStart(slot), length);
    this.armIfWanted(0);
  }

  /** It is paused: `deliverLate` hands it over. */
  private keep(slot: number, length: number): void {
    this.engine.late.append(this.lateLast, slot, length);
    if (this.lateFirst < 0) this.lateFirst = slot;
    this.lateLast = slot;
  }

  /** The receive ended without data. */
  handleNothingReceived(result: number): void {
    this.receive = IDLE;
    if (this.phase === CLOSED) {
      this.leaveIfDone();
      return;
    }
    switch (-result) {
      case 0:
        this.receive = ENDED;
        if (this.phase === BROKEN) this.failBehindLate(this.breakReason);
        else if (this.flightSegments > 0 && this.engine.isOver(this.descriptor)) this.failBehindLate('reset');
        else if (this.isPaused || this.lateFirst >= 0) this.afterLate = 'end';
        else this.handler.handleEnd(this);
        return;
      case ffi.ENOBUFS:
        this.receive = STARVED;
        this.isSingle = true;
        this.smallMessages = 0;
        this.engine.starved.push(this);
        return;
      case ffi.ECANCELED:
      case ffi.EINTR:
      case ffi.EAGAIN:
        this.armIfWanted(0);
        return;
      default:
        this.receive = ENDED;
        this.failBehindLate(closeReason(-result));
    }
  }

  /**
   * A cancellation found nothing: the operation has just ended, or it was between two shots and goes on. A closed socket
   * must not be left with an operation that holds it open.
   */
  handleCancelFailed(): void {
    if (this.phase === CLOSED) this.cancelAll();
    else if (this.receive === CANCELLING) this.receive = MULTI;
  }

  /** Delivers what was kept, until paused again. */
  deliverLate(): void {
    this.isReady = false;
    const { arena, late } = this.engine;
    while (this.lateFirst >= 0) {
      if (this.isPaused || this.phase === CLOSED) return;
      const slot = this.lateFirst;
      this.lateFirst = late.next(slot);
      if (this.lateFirst < 0) this.lateLast = -1;
      this.handler.handleData(this, slot, arena.receiveStart(slot), late.length(slot));
    }
    if (this.isPaused || this.phase === CLOSED) return;
    const what = this.afterLate;
    this.afterLate = 'more';
    if (what === 'more') this.armIfWanted(0);
    else if (what !== 'end') this.fail(what);
    else {
      this.handler.handleEnd(this);
      if (this.phase === BROKEN) this.fail(this.breakReason);
    }
  }

  /** Slots came back. */
  handleBuffers(): void {
    if (this.receive !== STARVED) return;
    this.receive = IDLE;
    this.armIfWanted(abi.RECV_POLL_FIRST);
  }

  /** Sends what waits for a further part that did not come. */
  releaseHeld(): void {
    this.isHeld = false;
    if (this.phase === OPEN && this.flightSegments === 0 && this.firstSegment >= 0) this.startQueued();
  }

  handleSent(result: number): void {
    if (result !== this.flightBytes && this.phase === OPEN && (result > 0 || isInterruption(-result))) {
      this.sendRest(Math.max(result, 0));
      return;
    }
    const { arena, segments } = this.engine;
    arena.release(this.flightSlot);
    for (let n = this.flightSegments; n > 1; n--) {
      arena.release(segments.slot(this.firstSegment));
      this.firstSegment = segments.remove(this.firstSegment);
    }
    const isWhole = result === this.flightBytes;
    const count = this.flightSegments;
    this.flightSegments = 0;
    if (this.phase === CLOSED) {
      this.leaveIfDone();
      return;
    }
    if (this.phase === BROKEN) return;
    if (!isWhole) {
      this.failSending(closeReason(-result));
      return;
    }
    this.pendingSegments -= count;
    if (this.unprovenBytes > 0) this.prove(result);
    if (this.firstSegment >= 0) {
      this.startQueued();
      return;
    }
    if (this.hasEnded) ffi.shutdown(this.descriptor, ffi.SHUT_WR);
    if (arena.pressure !== PLENTY && !this.hasEnded) this.awaitRoom();
    else if (this.pendingSegments === 0) this.handler.handleDrain(this);
  }

  /** The kernel has room again, or the connection is broken, which the next send is told. */
  handleRoom(): void {
    this.isAwaitingRoom = false;
    if (this.phase === CLOSED) this.leaveIfDone();
    if (this.phase !== OPEN) return;
    this.pendingSegments--;
    if (this.pendingSegments === 0) this.handler.handleDrain(this);
  }

  // --- receiving ---

  /** Arms a receive if none is armed and the driver wants data. */
  armIfWanted(pollFirst: number): void {
    if (this.receive !== IDLE || this.isPaused || this.lateFirst >= 0) return;
    if (this.phase !== OPEN && this.phase !== BROKEN) return;
    if (this.ownSlot >= 0 && this.armOwn(pollFirst)) return;
    if (this.passage !== null && this.passage.isOpen) this.watch(this.passage);
    else if (this.isSingle || this.engine.arena.pressure !== PLENTY) this.armSingle(pollFirst);
    else this.armMulti(pollFirst);
  }

  private armSingle(pollFirst: number): void {
    this.receive = SINGLE;
    this.engine.ring.push(
      abi.OP_RECV | abi.SQE_BUFFER_SELECT | pollFirst,
      this.descriptor,
      0,
      0,
      Arena.receiveBytes,
      0,
      RECEIVE | this.index,
      this.generation,
      0,
    );
  }

  private armMulti(pollFirst: number): void {
    const { ring, receiveLimit } = this.engine;
    if (this.isNarrow) this.widen();
    this.receive = MULTI;
    const head = abi.OP_RECV | abi.SQE_BUFFER_SELECT | abi.RECV_MULTISHOT | pollFirst;
    const at = ring.push(head, this.descriptor, 0, 0, 0, 0, RECEIVE | this.index, this.generation, 0);
    if (receiveLimit > 0) ring.submissions[at + 11] = receiveLimit;
  }

  /** False: its own slot was kept by the handler, and there is no other. */
  private armOwn(pollFirst: number): boolean {
    const { arena, memory, ring } = this.engine;
    if (arena.isShared(this.ownSlot)) {
      arena.release(this.ownSlot);
      this.ownSlot = arena.allocateLarge();
      if (this.ownSlot < 0) return false;
    }
    this.receive = SINGLE;
    ring.push(
      abi.OP_RECV | pollFirst,
      this.descriptor,
      memory.low + arena.receiveStart(this.ownSlot),
      memory.high,
      Arena.receiveBytes,
      0,
      RECEIVE | this.index,
      this.generation,
      0,
    );
    return true;
  }

  private narrow(): void {
    if (this.isNarrow || this.phase === CLOSED) return;
    this.isNarrow = true;
    this.engine.setNarrow(this.descriptor, true);
  }

  private widen(): void {
    this.isNarrow = false;
    this.engine.setNarrow(this.descriptor, false);
  }

  private cancelReceive(): void {
    this.receive = CANCELLING;
    this.engine.cancel(RECEIVE | this.index, this.generation);
  }

  // --- passing on ---

  private watch(passage: Passage): void {
    if (passage.isBlocked) return;
    this.receive = WATCHING;
    const events = abi.POLLIN | abi.POLLRDHUP;
    this.engine.ring.push(abi.OP_POLL_ADD, this.descriptor, 0, 0, 0, events, RECEIVE | this.index, this.generation, 0);
  }

  private handleWatched(result: number): void {
    if (result < 0) {
      this.handleNothingReceived(result);
      return;
    }
    this.receive = IDLE;
    if (!this.isPaused && this.passage !== null) this.passage.pass();
  }

  /** The ordinary way, for what comes next. */
  receiveOnce(): void {
    this.armSingle(0);
  }

  stopPassing(): void {
    this.passage = null;
  }

  /** What the splicer has left comes the ordinary way. There are slots for it. */
  handleRest(bytes: number): void {
    const { arena, memory, splicer } = this.engine;
    let left = bytes;
    while (left > 0) {
      const slot = arena.allocateLarge();
      assert(slot >= 0, 'nothing is taken that has no slots');
      const length = splicer.read(memory.address + arena.receiveStart(slot), Math.min(left, Arena.receiveBytes));
      assert(length > 0, 'what was taken is in the pipe');
      left -= length;
      if (this.phase === CLOSED) arena.release(slot);
      else if (this.isPaused || this.lateFirst >= 0) this.keep(slot, length);
      else this.handler.handleData(this, slot, arena.receiveStart(slot), length);
    }
    this.armIfWanted(0);
  }

  get canSend(): boolean {
    return this.phase === OPEN && !this.hasEnded;
  }

  /** So many bytes have gone to the kernel. */
  notePassed(bytes: number): void {
    if (this.unprovenBytes > 0) this.prove(bytes);
  }

  /** Bytes were lost with the connection: a segment that can never leave. */
  handlePassFailed(reason: CloseReason): void {
    this.pendingSegments++;
    this.failSending(reason);
  }

  // --- sending ---

  /** A peer that takes what it is sent may have more waiting in the kernel, until memory gets tight. */
  private prove(bytes: number): void {
    if (this.engine.arena.pressure !== PLENTY) return;
    this.unprovenBytes -= bytes;
    if (this.unprovenBytes > 0) return;
    this.unprovenBytes = 0;
    this.engine.setProven(this.descriptor, true);
  }

  private awaitRoom(): void {
    if (this.isAwaitingRoom) return;
    if (this.unprovenBytes === 0) {
      this.unprovenBytes = PROVING_BYTES;
      this.engine.setProven(this.descriptor, false);
    }
    this.isAwaitingRoom = true;
    this.pendingSegments++;
    this.engine.ring.push(
      abi.OP_POLL_ADD,
      this.descriptor,
      0,
      0,
      0,
      abi.POLLOUT,
      ROOM | this.index,
      this.generation,
      0,
    );
  }

  private startOne(slot: number, offset: number, length: number): void {
    const { memory, ring } = this.engine;
    this.flightSegments = 1;
    this.flightBytes = length;
    this.flightSlot = slot;
    this.flightOffset = offset;
    const low = memory.low + offset;
    ring.push(
      abi.OP_SEND,
      this.descriptor,
      low,
      memory.high,
      length,
      SEND_FLAGS,
      SEND | this.index,
      this.generation,
      0,
    );
  }

  /** Starts everything that is queued, as one operation. */
  private startQueued(): void {
    const { segments } = this.engine;
    const node = this.firstSegment;
    const slot = segments.slot(node);
    const next = segments.next(node);
    if (next < 0) {
      const offset = segments.offset(node);
      const length = segments.length(node);
      this.firstSegment = segments.remove(node);
      this.startOne(slot, offset, length);
      return;
    }
    this.startMany();
  }

  private startMany(): void {
    const { messages, ring, segments } = this.engine;
    const data = SEND | this.index;
    const at = ring.push(abi.OP_SENDMSG, this.descriptor, 0, 0, 1, SEND_FLAGS, data, this.generation, 0);
    const place = at >> 4;
    let count = 0;
    let bytes = 0;
    for (let node = this.firstSegment; node >= 0; node = segments.next(node)) {
      const length = segments.length(node);
      messages.set(place, count++, segments.offset(node), length);
      bytes += length;
    }
    ring.submissions[at + 4] = messages.finish(place, count);
    ring.submissions[at + 5] = messages.high;
    this.flightSegments = count;
    this.flightBytes = bytes;
    this.flightSlot = segments.slot(this.firstSegment);
    this.flightOffset = segments.offset(this.firstSegment);
    this.firstSegment = segments.remove(this.firstSegment);
  }

  /** Of the operation that has just ended only this many bytes have left: starts the rest and what is queued behind it. */
  private sendRest(sentBytes: number): void {
    const { arena, segments } = this.engine;
    let firstBytes = this.flightBytes;
    let node = this.firstSegment;
    for (let n = this.flightSegments; n > 1; n--) {
      firstBytes -= segments.length(node);
      node = segments.next(node);
    }
    const first = segments.allocate(this.flightSlot, this.flightOffset, firstBytes);
    if (this.firstSegment < 0) this.lastSegment = first;
    else segments.append(first, this.firstSegment);
    this.firstSegment = first;
    this.flightSegments = 0;
    let left = sentBytes;
    while (left >= segments.length(this.firstSegment)) {
      left -= segments.length(this.firstSegment);
      arena.release(segments.slot(this.firstSegment));
      this.firstSegment = segments.remove(this.firstSegment);
      this.pendingSegments--;
    }
    segments.skip(this.firstSegment, left);
    this.startQueued();
  }

  // --- ending ---

  /** A send failed. What the peer had sent before is delivered first, if the connection is one that can end. */
  private failSending(reason: CloseReason): void {
    const isOver = reason === 'reset' || reason === 'timeout';
    if (!isOver || (this.receive === ENDED && this.afterLate === 'more')) {
      this.failBehindLate(reason);
      return;
    }
    this.phase = BROKEN;
    this.breakReason = reason;
    this.dropQueued();
    this.armIfWanted(0);
  }

  /** The connection is over; the driver hears of it behind the data that is kept. */
  private failBehindLate(reason: CloseReason): void {
    if (this.lateFirst < 0) {
      this.fail(reason);
      return;
    }
    this.phase = BROKEN;
    this.afterLate = reason;
    this.dropQueued();
  }

  private fail(reason: CloseReason): void {
    this.dispose();
    this.handler.handleClose(this, reason);
  }

  /** Lets go of everything that is not in the kernel's hands, and asks the kernel for the rest. */
  private dispose(): void {
    const { engine } = this;
    this.phase = CLOSED;
    this.dropQueued();
    this.pendingSegments = 0;
    while (this.lateFirst >= 0) {
      const slot = this.lateFirst;
      this.lateFirst = engine.late.next(slot);
      engine.arena.release(slot);
    }
    this.cancelAll();
    engine.closeDescriptor(this.descriptor);
    this.leaveIfDone();
  }

  private cancelAll(): void {
    const { engine, index, generation } = this;
    if (this.isReceiving) this.cancelReceive();
    if (this.isConnecting) engine.cancel(CONNECT | index, generation);
    if (this.flightSegments > 0) engine.cancel(SEND | index, generation);
    if (this.isAwaitingRoom) engine.cancel(ROOM | index, generation);
  }

  /** Drops the segments that the kernel does not have. */
  private dropQueued(): void {
    const { arena, segments } = this.engine;
    // The nodes of the operation in flight, all but its first segment, are in front.
    let last = -1;
    let node = this.firstSegment;
    for (let n = this.flightSegments; n > 1; n--) {
      last = node;
      node = segments.next(node);
    }
    while (node >= 0) {
      arena.release(segments.slot(node));
      node = segments.remove(node);
    }
    if (last < 0) this.firstSegment = -1;
    else segments.append(last, -1);
    this.lastSegment = last;
  }

  private get isReceiving(): boolean {
    const { receive } = this;
    return receive === MULTI || receive === SINGLE || receive === WATCHING || receive === CANCELLING;
  }

  private leaveIfDone(): void {
    const isSending = this.flightSegments > 0 || this.isAwaitingRoom;
    if (this.isReceiving || this.isConnecting || isSending) return;
    if (this.ownSlot >= 0) this.engine.arena.release(this.ownSlot);
    this.forgetTarget();
    this.engine.leave(this);
  }
}
