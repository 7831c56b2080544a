/**
 * Making this process run when its time has come, also while others use every processor: as far as it is permitted, and
 * without it being needed. See docs/decisions/vip-process.md for what each part of it is worth.
 */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import koffi from 'koffi';

const library = koffi.load(null);
const setScheduler = library.func('int sched_setscheduler(int, int, const void *)') as (
  ...operands: unknown[]
) => number;
const getScheduler = library.func('int sched_getscheduler(int)') as (thread: number) => number;
const systemCall = library.func('long syscall(long, int, void *, unsigned int, unsigned int)') as (
  ...operands: unknown[]
) => number;

const SCHED_FIFO_RESET_ON_FORK = 1 | 0x4000_0000;
/** Above everything that is not real-time, below the kernel's own threads. */
const REALTIME_PRIORITY = 10;
/** Of the threads that node has beside: the lowest that goes before whatever is not real-time. */
const OTHERS_PRIORITY = 1;
const SCHED_OTHER = 0;
const NICE_MIN = -20;

const SYS_SCHED_SETATTR = process.arch === 'arm64' ? 274 : 314;
const SYS_SCHED_GETATTR = process.arch === 'arm64' ? 275 : 315;
/** `struct sched_attr`: size, policy (0: SCHED_OTHER), flags, nice, priority, and the runtime, here that of a slice. */
const ATTRIBUTE_BYTES = 48;
const ATTRIBUTE_RUNTIME_AT = 24;
/** The shortest that the kernel grants. */
const SLICE_NS = 100_000;

/** What node must be started with for a process that is to be punctual. */
export const PUNCTUAL_NODE_OPTIONS: readonly string[] = [
  // Collections are done by the thread that does everything else: no other thread, which might not run now, is waited for.
  '--single-threaded-gc',
  '--expose-gc',
  // Nor one that compiles: a collection would wait for it. The loop takes a tenth of a millisecond with or without that.
  '--no-opt',
  '--no-maglev',
  // Enough for what is allocated between two calls of `collectYoung`; a collection is dear when much of it was used.
  '--min-semi-space-size=2',
  '--max-semi-space-size=2',
];

/** Returns what was possible, for people. */
export function becomePunctual(): string {
  if (becomeRealtime(REALTIME_PRIORITY)) {
    endPunctually();
    return 'real-time (SCHED_FIFO)';
  }
  const slice = shortenSlice() ? ', in short slices' : '';
  const missing = `real-time needs CAP_SYS_NICE, or LimitRTPRIO=${REALTIME_PRIORITY}`;
  try {
    setPriority(NICE_MIN);
    return `nice ${NICE_MIN}${slice} (${missing})`;
  } catch {
    return `like any other process${slice} (${missing})`;
  }
}

/**
 * A process that is killed is not gone before each of its threads has run once more, and until then whoever stands by does
 * not hear of it: on a busy machine that took a tenth of a second. The other threads have nothing else to do.
 */
function endPunctually(): void {
  for (const name of readdirSync('/proc/self/task')) {
    const thread = Number(name);
    if (getScheduler(thread) !== SCHED_OTHER) continue;
    setScheduler(thread, SCHED_FIFO_RESET_ON_FORK, Int32Array.of(OTHERS_PRIORITY));
  }
}

/** For the calling thread; what it starts has it not. False: that is not permitted. */
export function becomeRealtime(priority: number): boolean {
  return setScheduler(0, SCHED_FIFO_RESET_ON_FORK, Int32Array.of(priority)) === 0;
}

/**
 * Collects the memory that was used since the last time. To be called when there is time for it: V8 itself does it when the
 * memory is used up, which is in the middle of something, and a millisecond of an advert's.
 */
export function collectYoung(): void {
  globalThis.gc?.({ type: 'minor', execution: 'sync' });
}

/**
 * Whoever asks for shorter slices of the processor gets them sooner, and as much in all (EEVDF, Linux 6.12 and later). That
 * needs no privilege. False: this kernel has no such thing.
 */
function shortenSlice(): boolean {
  const attributes = new Uint8Array(ATTRIBUTE_BYTES);
  const view = new DataView(attributes.buffer);
  view.setUint32(0, ATTRIBUTE_BYTES, true);
  view.setBigUint64(ATTRIBUTE_RUNTIME_AT, BigInt(SLICE_NS), true);
  systemCall(SYS_SCHED_SETATTR, 0, attributes, 0, 0);
  // Older ones accept it without a word, and do not have it afterwards.
  systemCall(SYS_SCHED_GETATTR, 0, attributes, ATTRIBUTE_BYTES, 0);
  return view.getBigUint64(ATTRIBUTE_RUNTIME_AT, true) === BigInt(SLICE_NS);
}
