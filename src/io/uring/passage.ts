/**
 * What a socket does that passes all it receives on to one other: bulk goes there by the splicer, without a slot and without a copy. It is
 * opened by a flood of full buffers, and closed by a run of small messages, which cost less in the ordinary way.
 *
 * Nothing waits here. While segments are pending at the other socket nothing is taken, so that bytes stay in order; when its kernel
 * is full, or memory is tight, what comes next is received into a slot and sent, which waits for room; and so does what the other did not take.
 */
import { PLENTY } from '../../base/arena.ts';
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import type { PassWatcher } from '../../port/transport.ts';
import type { Engine } from './engine.ts';
import { closeReason } from './failures.ts';
import * as ffi from './ffi.ts';
import type { UringSocket } from './socket.ts';
import { Splicer } from './splicer.ts';

/** Full buffers after which it opens. */
const FULL_BUFFERS = 4;
/** Less than this at a time is received for less than it is passed on. */
const SMALL_BYTES = 16 * 1024;
/** Times in a row after which it closes. */
const SMALL_TIMES = 8;
/** Of the splicer, before others have their turn. */
const ROUNDS = 4;

export class Passage {
  isOpen = false;
  private readonly engine: Engine;
  private readonly from: UringSocket;
  private readonly to: UringSocket;
  private readonly watcher: PassWatcher;
  private fullBuffers = 0;
  private smallTimes = 0;

  constructor(engine: Engine, from: UringSocket, to: UringSocket, watcher: PassWatcher) {
    this.engine = engine;
    this.from = from;
    this.to = to;
    this.watcher = watcher;
  }

  /** A received buffer was full. */
  noteFull(): void {
    this.fullBuffers++;
    if (this.fullBuffers === FULL_BUFFERS) this.isOpen = true;
  }

  /** Segments wait at the other socket: its driver resumes this one when they have left. */
  get isBlocked(): boolean {
    return this.to.pendingSegments > 0 && this.to.canSend;
  }

  /** Something has come in, or the end. */
  pass(): void {
    const { from, to } = this;
    const { splicer } = this.engine;
    for (let round = 0; round < ROUNDS; round++) {
      if (!this.isClear) {
        from.receiveOnce();
        return;
      }
      const taken = splicer.take(from.descriptor);
      if (taken <= 0) {
        this.handleNothing(taken);
        return;
      }
      this.judge(taken);
      const given = splicer.give(to.descriptor, taken);
      if (given > 0) this.tell(given);
      if (given < taken) {
        this.handleShort(given, taken);
        return;
      }
      if (taken < Splicer.bytesAtOnce >> 1) break;
    }
    from.armIfWanted(0);
  }

  /** The other socket takes something, and there are slots for what it does not take. */
  private get isClear(): boolean {
    const { to } = this;
    const { arena, splicer } = this.engine;
    if (!to.canSend || to.pendingSegments > 0 || arena.pressure !== PLENTY) return false;
    return arena.large.freeCount >= SEND_SEGMENTS_MAX && splicer.hasRoom(to.descriptor);
  }

  private judge(taken: number): void {
    if (taken >= SMALL_BYTES) this.smallTimes = 0;
    else if (++this.smallTimes === SMALL_TIMES) this.close();
  }

  private close(): void {
    this.isOpen = false;
    this.fullBuffers = 0;
    this.smallTimes = 0;
  }

  private tell(bytes: number): void {
    this.to.notePassed(bytes);
    this.watcher.handlePassed(bytes);
  }

  /** `result`: 0 or a negative error number. */
  private handleNothing(result: number): void {
    const { from } = this;
    if (result === 0 || isOfConnection(-result)) {
      from.handleNothingReceived(result);
      return;
    }
    if (result !== -ffi.EAGAIN) from.stopPassing();
    from.armIfWanted(0);
  }

  private handleShort(given: number, taken: number): void {
    const { from, to } = this;
    if (given < 0 && isOfConnection(-given)) {
      this.engine.splicer.close();
      to.handlePassFailed(closeReason(-given));
      from.armIfWanted(0);
      return;
    }
    if (given < 0 && given !== -ffi.EAGAIN) from.stopPassing();
    from.handleRest(taken - Math.max(given, 0));
  }
}

/** If not, this kernel or this moment has no splice, and the connection is as it was. */
function isOfConnection(errno: number): boolean {
  const reason = closeReason(errno);
  return reason !== 'other' && reason !== 'no-resource' && reason !== 'busy';
}
