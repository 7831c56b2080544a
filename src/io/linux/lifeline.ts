/**
 * How one process learns at once that another one is gone: a pipe that nobody writes to, whose one end the other process
 * holds for its life.
 *
 * A process that dies closes its descriptors from the highest to the lowest, and each packet socket takes the kernel a grace
 * period of RCU, which is ten milliseconds and more; only then is the process itself gone for its parent (or a pidfd). So its
 * end of the pipe is moved above everything else that it opens: the news arrives first. A kernel that closes in another order
 * makes it later, and nothing else.
 */
import { closeSync } from 'node:fs';
import * as libc from './libc.ts';

export interface Lifeline {
  /** For the process whose life it is; to be closed by everybody else. */
  readonly heldEnd: number;
  /** At its end (POLLHUP) when that process is gone. */
  readonly watchedEnd: number;
}

/** Above what a process with as many sockets as it may have opens; and where descriptors are limited to 1024. */
const PLACES = [8_000, 1_000];

export function createLifeline(): Lifeline {
  const ends = libc.pipe();
  if (typeof ends === 'number') throw new Error(`cannot create a pipe: ${libc.errorName(ends)}`);
  return { heldEnd: ends[1], watchedEnd: ends[0] };
}

/** To be called by the process whose life it is. What is returned can be closed to say that it is over. */
export function holdLifeline(heldEnd: number): number {
  for (const place of PLACES) {
    const held = libc.duplicateFrom(heldEnd, place);
    if (held < 0) continue;
    closeSync(heldEnd);
    return held;
  }
  return heldEnd;
}
