/**
 * Making this process run when its time has come, also while others use every processor: as far as it is permitted, and
 * without it being needed.
 */
import { setPriority } from 'node:os';
import koffi from 'koffi';

const library = koffi.load(null);
const scheduler = library.func('int sched_setscheduler(int, int, const void *)') as (...operands: unknown[]) => number;

const SCHED_FIFO_RESET_ON_FORK = 1 | 0x4000_0000;
/** Above everything that is not real-time, below the kernel's own threads. */
const REALTIME_PRIORITY = 10;
const NICE_MIN = -20;

/** Returns what was possible, for people. */
export function becomePunctual(): string {
  if (scheduler(0, SCHED_FIFO_RESET_ON_FORK, Int32Array.of(REALTIME_PRIORITY)) === 0) return 'real-time (SCHED_FIFO)';
  try {
    setPriority(NICE_MIN);
    return `nice ${NICE_MIN}`;
  } catch {
    return 'like any other process: CAP_SYS_NICE is missing';
  }
}
