/**
 * A listening descriptor on the ring: one multishot accept, or, where connections are to be accepted one by one, each time one.
 *
 *   state       event                              does                                   then
 *   IDLE        resume, or time to try again       arms                                   ARMED
 *   ARMED       a connection, more to come         hands it over                          ARMED
 *               a connection, the last             hands it over, arms                    ARMED
 *               out of descriptors or memory       waits for a close of ours, or RETRY_MS STALLED
 *               pause, close                       cancels                                CANCELLING
 *   CANCELLING  a connection                       hands it over all the same             CANCELLING
 *               -ECANCELED, closed                 arms and cancels, once: see below      CANCELLING
 *               -ECANCELED                         arms again if resumed meanwhile        IDLE | ARMED
 *               the cancellation found nothing     cancels again                          CANCELLING
 *   STALLED     a descriptor was closed, or late   arms                                   ARMED
 *
 * A multishot accept takes everything that waits in the kernel's queue in one go.
 *
 * Other processes may accept from the same socket, and for a connection the kernel wakes one of them alone. Was that this
 * one, and is its accept cancelled before it came to take the connection, then nobody would until the next one comes. So once
 * the accept is cancelled for good another one takes what waits, and is cancelled at once.
 */
import type { ListenHandler, ListenSocket } from '../../port/transport.ts';
import * as abi from './abi.ts';
import type { Engine } from './engine.ts';
import * as ffi from './ffi.ts';
import { ACCEPT } from './user-data.ts';

const IDLE = 0;
const ARMED = 1;
const CANCELLING = 2;
const STALLED = 3;
type AcceptState = 0 | 1 | 2 | 3;

/** Trying again at once would spin: what is missing does not come back by asking. */
const RETRY_MS = 100;

const ACCEPT_FLAGS = ffi.SOCK_NONBLOCK | ffi.SOCK_CLOEXEC;

export class UringListener implements ListenSocket {
  readonly index: number;
  readonly handler: ListenHandler;
  private readonly engine: Engine;
  private readonly descriptor: number;
  private readonly generation: number;
  private readonly acceptsSingly: boolean;
  private accept: AcceptState = IDLE;
  private isPaused = false;
  private isClosed = false;
  /** What was in the queue when the accept had been cancelled for good has been taken. */
  private isSwept = false;
  /** What is in the queue is for whoever else has the socket. */
  private leavesQueue = false;
  private retryAt = 0;

  constructor(engine: Engine, descriptor: number, index: number, handler: ListenHandler, acceptsSingly: boolean) {
    this.engine = engine;
    this.descriptor = descriptor;
    this.index = index;
    this.handler = handler;
    this.acceptsSingly = acceptsSingly;
    this.generation = engine.nextGeneration();
    // Accepted sockets inherit it, which saves system calls for each.
    engine.prepareListening(descriptor);
    this.arm();
  }

  pause(): void {
    this.isPaused = true;
    this.disarm();
  }

  resume(): void {
    this.isPaused = false;
    if (this.accept === IDLE && !this.isClosed) this.arm();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.disarm();
    if (this.accept === IDLE) this.engine.closeDescriptor(this.descriptor);
  }

  /** As `close`, but what waits in the queue is left to whoever else has the socket. */
  drop(): void {
    this.leavesQueue = true;
    this.close();
  }

  /** Nothing is in flight any more. */
  get isDone(): boolean {
    return this.isClosed && this.accept === IDLE;
  }

  /** The accept reported an error, or that it was its last connection. `now` as in Transport. */
  handleEnded(result: number, now: number): void {
    this.accept = IDLE;
    if (this.isClosed) {
      this.finish(result);
      return;
    }
    if (this.isPaused) return;
    if (result >= 0 || result === -ffi.ECONNABORTED || result === -ffi.EINTR || result === -ffi.ECANCELED) {
      this.arm();
      return;
    }
    this.accept = STALLED;
    this.retryAt = now + RETRY_MS;
    this.engine.stalledListeners++;
  }

  handleCancelFailed(): void {
    if (this.accept === CANCELLING) this.engine.cancel(ACCEPT | this.index, this.generation);
  }

  /** Once a turn while any listener is stalled. */
  handleTurn(now: number): void {
    if (this.accept !== STALLED || (now < this.retryAt && !this.engine.hasClosedDescriptor)) return;
    this.accept = IDLE;
    this.engine.stalledListeners--;
    if (!this.isPaused && !this.isClosed) this.arm();
  }

  /** Closed, and nothing is in flight. `result`: of the accept that ended. */
  private finish(result: number): void {
    if (this.leavesQueue || (this.isSwept && result < 0)) {
      this.engine.closeDescriptor(this.descriptor);
      return;
    }
    this.isSwept = true;
    this.arm();
    this.disarm();
  }

  private arm(): void {
    this.accept = ARMED;
    const head = this.acceptsSingly ? abi.OP_ACCEPT : abi.OP_ACCEPT | abi.ACCEPT_MULTISHOT;
    this.engine.ring.push(head, this.descriptor, 0, 0, 0, ACCEPT_FLAGS, ACCEPT | this.index, this.generation, 0);
  }

  private disarm(): void {
    if (this.accept === STALLED) {
      this.accept = IDLE;
      this.engine.stalledListeners--;
    } else if (this.accept === ARMED) {
      this.accept = CANCELLING;
      this.engine.cancel(ACCEPT | this.index, this.generation);
    }
  }
}
