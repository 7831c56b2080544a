/**
 * `node standstill-process.js`: pinned to a processor, at a real-time priority above everything that is measured, it wakes each
 * millisecond and says when it could not: from when to when, in milliseconds since 1970. Then no program could run there,
 * whatever its priority: the machine that this one runs on had taken the processor, or the kernel did not let go of it.
 */
import { writeSync } from 'node:fs';
import koffi from 'koffi';
import { becomeRealtime, collectYoung } from '../../src/io/linux/segment/punctuality.ts';
import { unixTimeUs } from '../../src/io/linux/segment/system.ts';

/** Above that of what is measured. */
const PRIORITY = 60;
const TICK_US = 1_000;
const TOLERANCE_US = 200;
const COLLECT_TICKS = 500;

const CLOCK_REALTIME = 0;
const TIMER_ABSTIME = 1;
const sleepUntil = koffi.load(null).func('int clock_nanosleep(int, int, const void *, void *)') as (
  ...operands: unknown[]
) => number;

const timespec = new BigInt64Array(2);

// Only now: to start takes long, and nothing else would run meanwhile.
becomeRealtime(PRIORITY);

let dueUs = unixTimeUs();
for (let tick = 0; ; tick++) {
  // What was missed is not made up for.
  dueUs = Math.max(dueUs + TICK_US, unixTimeUs());
  timespec[0] = BigInt(Math.floor(dueUs / 1_000_000));
  timespec[1] = BigInt((dueUs % 1_000_000) * 1_000);
  sleepUntil(CLOCK_REALTIME, TIMER_ABSTIME, timespec, null);
  const nowUs = unixTimeUs();
  if (nowUs - dueUs > TOLERANCE_US) writeSync(1, `${dueUs / 1_000} ${nowUs / 1_000}\n`);
  if (tick % COLLECT_TICKS === 0) collectYoung();
}
