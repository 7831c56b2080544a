/**
 * One io_uring: a queue of submissions that this thread writes, a queue of completions that it reads, and the one system
 * call between them. Knows nothing of sockets.
 *
 * Memory order: with DEFER_TASKRUN the kernel touches the queues only inside this thread's own io_uring_enter, so plain
 * loads and stores are enough on every architecture; the call is the fence. The ring is never set up without that flag,
 * which makes Linux 6.1 the oldest kernel.
 *
 * Not used, and why: SQPOLL (a kernel thread at 100 % CPU, and it excludes DEFER_TASKRUN); links (they serialise, and lost a
 * close together with CQE_SKIP on some kernels); the SHUTDOWN operation (always forced to a kernel thread: 60 us).
 */
import { assert } from '../../base/assert.ts';
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';

/**
 * Submissions that fit before an early io_uring_enter. A turn seldom has more than 64; the kernel and we walk through the
 * whole array in turn, so a small one stays in the cache.
 */
const SUBMISSIONS = 512;
/** More than all posted buffers, a burst of accepts and the sends of one turn; beyond, the kernel keeps them for us. */
const COMPLETIONS = 4096;

export class RingError extends Error {
  override readonly name = 'RingError';
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call}: errno ${errno}`);
    this.errno = errno;
  }
}

export class Ring {
  /** The kernel's completion queue and heads and tails, as words. Four words a completion: data low, high, result, flags. */
  readonly words: Int32Array;
  readonly completionHeadAt: number;
  readonly completionTailAt: number;
  readonly completionMask: number;
  readonly completionsAt: number;
  /** Submissions, 16 words each. The caller of `push` may set words 11 to 13, which the next push there clears; 14 and 15 stay zero. */
  readonly submissions: Int32Array;
  readonly submissionCount: number;
  readonly descriptor: number;

  private readonly submissionHeadAt: number;
  private readonly submissionTailAt: number;
  private readonly submissionMask: number;
  private tail: number;
  /** As of the turn before. */
  private turnTail: number;
  private enterDescriptor: number;
  private readonly isRegistered: boolean;
  private readonly enterFlags: number;
  private readonly waitArgument: number;
  private readonly scratch: ffi.Mapping;
  /** The kernel took everything that had been pushed before the last `turn`. */
  tookAll = true;
  private isClosed = false;

  /** Sets up a ring on this thread, which alone may enter it. `waitMs` bounds every wait. Throws RingError. */
  constructor(waitMs: number, submissions = SUBMISSIONS, completions = COMPLETIONS) {
    this.scratch = ffi.mapMemory(4096);
    const view = new DataView(this.scratch.buffer);
    this.descriptor = setUp(this.scratch, submissions, completions);
    const at = (offset: number): number => view.getUint32(offset, true);
    const needed =
      abi.FEATURE_SINGLE_MMAP |
      abi.FEATURE_NODROP |
      abi.FEATURE_SUBMIT_STABLE |
      abi.FEATURE_EXT_ARG |
      abi.FEATURE_CQE_SKIP;
    assert((at(abi.PARAMS_FEATURES) & needed) === needed, 'io_uring lacks a feature that every 6.1 kernel has');

    const submissionCount = at(abi.PARAMS_SQ_ENTRIES);
    this.submissionCount = submissionCount;
    const completionCount = at(abi.PARAMS_CQ_ENTRIES);
    const hasArray = (at(abi.PARAMS_FLAGS) & abi.SETUP_NO_SQARRAY) === 0;
    const completionsEnd = at(abi.PARAMS_CQ_CQES) + completionCount * 16;
    const arrayEnd = hasArray ? at(abi.PARAMS_SQ_ARRAY) + submissionCount * 4 : 0;
    const rings = ffi.mapDescriptor(Math.max(completionsEnd, arrayEnd), this.descriptor, abi.OFFSET_RINGS);
    this.words = new Int32Array(rings.buffer, 0, rings.buffer.byteLength >> 2);
    this.submissions = new Int32Array(ffi.mapDescriptor(submissionCount * 64, this.descriptor, abi.OFFSET_SQES).buffer);
    // Before NO_SQARRAY a submission is named through an index array: entry i is always submission i.
    if (hasArray) for (let i = 0; i < submissionCount; i++) this.words[(at(abi.PARAMS_SQ_ARRAY) >> 2) + i] = i;

    this.submissionHeadAt = at(abi.PARAMS_SQ_HEAD) >> 2;
    this.submissionTailAt = at(abi.PARAMS_SQ_TAIL) >> 2;
    this.submissionMask = submissionCount - 1;
    this.completionHeadAt = at(abi.PARAMS_CQ_HEAD) >> 2;
    this.completionTailAt = at(abi.PARAMS_CQ_TAIL) >> 2;
    this.completionMask = completionCount - 1;
    this.completionsAt = at(abi.PARAMS_CQ_CQES) >> 2;
    this.tail = this.words[this.submissionTailAt];
    this.turnTail = this.tail;

    // struct io_uring_getevents_arg, and behind it the struct __kernel_timespec that it points to.
    const argument = ffi.mapMemory(4096);
    const argumentView = new DataView(argument.buffer);
    argumentView.setBigUint64(16, BigInt(argument.address + 32), true);
    argumentView.setBigInt64(32, BigInt(Math.floor(waitMs / 1000)), true);
    argumentView.setBigInt64(40, BigInt((waitMs % 1000) * 1_000_000), true);
    this.waitArgument = argument.address;

    // A waiting proxy is idle; without this flag it is shown as waiting for a disk.
    const quiet = (at(abi.PARAMS_FEATURES) & abi.FEATURE_NO_IOWAIT) === 0 ? 0 : abi.ENTER_NO_IOWAIT;
    this.enterDescriptor = this.descriptor;
    this.isRegistered = this.registerDescriptor();
    this.enterFlags = this.isRegistered ? quiet | abi.ENTER_REGISTERED_RING : quiet;
  }

  /**
   * The next submission, as the index of its first word in `submissions`. `head` is opcode, flags and priority. Words 2, 3
   * (offset) and 11 to 13 are zero and may be set by the caller before the next push.
   */
  push(
    head: number,
    descriptor: number,
    addressLow: number,
    addressHigh: number,
    length: number,
    operationFlags: number,
    dataLow: number,
    dataHigh: number,
    group: number,
  ): number {
    if (((this.tail - this.words[this.submissionHeadAt]) | 0) > this.submissionMask) this.submit();
    const at = (this.tail & this.submissionMask) << 4;
    this.tail = (this.tail + 1) | 0;
    const words = this.submissions;
    words[at] = head;
    words[at + 1] = descriptor;
    words[at + 2] = 0;
    words[at + 3] = 0;
    words[at + 4] = addressLow;
    words[at + 5] = addressHigh;
    words[at + 6] = length;
    words[at + 7] = operationFlags;
    words[at + 8] = dataLow;
    words[at + 9] = dataHigh;
    words[at + 10] = group;
    words[at + 11] = 0;
    words[at + 12] = 0;
    words[at + 13] = 0;
    return at;
  }

  /** Counts submissions: that of the one that was pushed last. */
  get lastNumber(): number {
    return (this.tail - 1) | 0;
  }

  /** The kernel has not taken this one: it may be changed still. */
  isPending(number: number): boolean {
    const head = this.words[this.submissionHeadAt];
    // Numbers come round: one from long ago is behind the head as much as in front of it.
    return (number - head) >>> 0 < (this.tail - head) >>> 0;
  }

  /** Submits what was pushed, and does not look for completions. */
  submit(): void {
    // With SUBMIT_ALL the kernel stops only when it is out of memory for a request; then the next round tries again.
    for (let round = 0; round < 1000; round++) {
      const error = this.enter(0, 0);
      if (this.words[this.submissionHeadAt] === this.tail) return;
      assert(isTransient(error), `io_uring_enter: errno ${error}`);
    }
    assert(false, 'io_uring_enter: the kernel takes no submission');
  }

  /**
   * Submits what was pushed and lets completions in; if `wait`, until there is one or the time of the ring is over. Returns how much was pushed since
   * the turn before.
   */
  turn(wait: boolean): number {
    const pushed = (this.tail - this.turnTail) | 0;
    this.turnTail = this.tail;
    const error = this.enter(wait ? 1 : 0, abi.ENTER_GETEVENTS | abi.ENTER_EXT_ARG);
    assert(error === ffi.ETIME || isTransient(error), `io_uring_enter: errno ${error}`);
    this.tookAll = this.words[this.submissionHeadAt] === this.tail;
    return pushed;
  }

  /** Zero or the error. How much was submitted is read from the head: an error says nothing about it. */
  private enter(waitFor: number, flags: number): number {
    const words = this.words;
    words[this.submissionTailAt] = this.tail;
    const count = (this.tail - words[this.submissionHeadAt]) | 0;
    const result = ffi.syscallEnter(
      abi.SYS_IO_URING_ENTER,
      this.enterDescriptor,
      count,
      waitFor,
      this.enterFlags | flags,
      this.waitArgument,
      24,
    );
    return result < 0 ? ffi.errno() : 0;
  }

  /** Hands a ring of provided buffers to the kernel, as this group. */
  registerBuffers(address: number, entries: number, group = 0): void {
    const { descriptor, scratch } = this;
    new Uint8Array(scratch.buffer).fill(0);
    const view = new DataView(scratch.buffer);
    view.setBigUint64(0, BigInt(address), true);
    view.setUint32(8, entries, true);
    view.setUint16(12, group, true);
    if (ffi.syscallWords(abi.SYS_IO_URING_REGISTER, descriptor, abi.REGISTER_PBUF_RING, scratch.address, 1) < 0) {
      throw new RingError('io_uring_register of buffers', ffi.errno());
    }
  }

  /** Gives the ring back; the kernel cancels what is in flight. The memory stays mapped. */
  close(): void {
    assert(!this.isClosed, 'a ring is closed once');
    this.isClosed = true;
    if (this.isRegistered) {
      new DataView(this.scratch.buffer).setUint32(0, this.enterDescriptor, true);
      ffi.syscallWords(abi.SYS_IO_URING_REGISTER, this.descriptor, abi.UNREGISTER_RING_FDS, this.scratch.address, 1);
    }
    ffi.close(this.descriptor);
  }

  /** Saves the kernel a reference count of the ring's file in every enter, which a threaded process pays for. */
  private registerDescriptor(): boolean {
    const view = new DataView(this.scratch.buffer);
    view.setUint32(0, 0xffffffff, true); // any free index
    view.setUint32(4, 0, true);
    view.setBigUint64(8, BigInt(this.descriptor), true);
    const { descriptor, scratch } = this;
    if (ffi.syscallWords(abi.SYS_IO_URING_REGISTER, descriptor, abi.REGISTER_RING_FDS, scratch.address, 1) !== 1) {
      return false;
    }
    this.enterDescriptor = view.getUint32(0, true);
    return true;
  }
}

/** Tries from the newest set of flags down; the last error is the one thrown. */
function setUp(parameters: ffi.Mapping, submissions: number, completions: number): number {
  const common =
    abi.SETUP_CQSIZE |
    abi.SETUP_CLAMP |
    abi.SETUP_SUBMIT_ALL |
    abi.SETUP_TASKRUN_FLAG |
    abi.SETUP_SINGLE_ISSUER |
    abi.SETUP_DEFER_TASKRUN;
  let error = 0;
  for (const flags of [common | abi.SETUP_NO_SQARRAY, common]) {
    new Uint8Array(parameters.buffer, 0, abi.PARAMS_BYTES).fill(0);
    const view = new DataView(parameters.buffer);
    view.setUint32(abi.PARAMS_CQ_ENTRIES, completions, true);
    view.setUint32(abi.PARAMS_FLAGS, flags, true);
    const result = ffi.syscallWords(abi.SYS_IO_URING_SETUP, submissions, parameters.address, 0, 0);
    if (result >= 0) return result;
    error = ffi.errno();
    if (error !== ffi.EINVAL) break;
  }
  throw new RingError('io_uring_setup', error);
}

function isTransient(error: number): boolean {
  return error === 0 || error === ffi.EINTR || error === ffi.EAGAIN || error === ffi.EBUSY;
}
