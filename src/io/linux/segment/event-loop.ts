/**
 * The loop of the vip process: blocks until a descriptor is readable or a time has come, and calls whoever waits for it.
 * Node's event loop does not run meanwhile.
 */
import { assert } from '../../../base/assert.ts';
import * as libc from '../libc.ts';
import type { Readable } from './segment-interface.ts';
import { bootTimeUs, createTimer, EINTR, poll, POLLIN, POLLOUT, setTimer } from './system.ts';

/** Interfaces times five, and a few. */
const DESCRIPTORS_MAX = 4096;

interface Source {
  readonly descriptor: number;
  readonly handleReadable: () => void;
  handleWritable: (() => void) | null;
  isRemoved: boolean;
}

export class EventLoop implements Readable {
  private readonly timer: number;
  private timerUs = Number.POSITIVE_INFINITY;
  private sources: Source[] = [];
  /** For poll(2): a descriptor, and events. */
  private readonly words = new Int32Array(2 * DESCRIPTORS_MAX);

  constructor() {
    this.timer = createTimer();
    if (this.timer < 0) throw new Error(`cannot create a timer: ${libc.errorName(this.timer)}`);
  }

  add(descriptor: number, handleReadable: () => void): void {
    assert(this.sources.length < DESCRIPTORS_MAX - 1, 'too many descriptors');
    this.sources = [...this.sources, { descriptor, handleReadable, handleWritable: null, isRemoved: false }];
  }

  remove(descriptor: number): void {
    for (const source of this.sources) if (source.descriptor === descriptor) source.isRemoved = true;
    this.sources = this.sources.filter(({ isRemoved }) => !isRemoved);
  }

  /** Calls `handle` when the descriptor, which was added, is writable; null: not any more. */
  awaitWritable(descriptor: number, handle: (() => void) | null): void {
    for (const source of this.sources) if (source.descriptor === descriptor) source.handleWritable = handle;
  }

  /** Sleeps until something happens, at most until `untilUs` of `bootTimeUs`, and has it handled. */
  turn(untilUs: number): void {
    const { sources, words } = this;
    this.arm(untilUs);
    words[0] = this.timer;
    words[1] = POLLIN;
    for (let i = 0; i < sources.length; i++) {
      words[2 * i + 2] = sources[i].descriptor;
      words[2 * i + 3] = POLLIN | (sources[i].handleWritable === null ? 0 : POLLOUT);
    }
    const ready = poll(words, sources.length + 1, untilUs <= bootTimeUs() ? 0 : -1);
    if (ready === EINTR) return;
    assert(ready >= 0, 'poll failed');
    // It stays readable until it is set again.
    if (words[1] >>> 16 !== 0) this.timerUs = Number.NaN;
    for (let i = 0; i < sources.length; i++) {
      const events = words[2 * i + 3] >>> 16;
      const source = sources[i];
      if ((events & POLLOUT) !== 0 && !source.isRemoved) source.handleWritable?.();
      // Errors and hang-ups too: reading tells what it is.
      if ((events & ~POLLOUT) !== 0 && !source.isRemoved) source.handleReadable();
    }
  }

  private arm(untilUs: number): void {
    if (untilUs === this.timerUs) return;
    this.timerUs = untilUs;
    setTimer(this.timer, untilUs);
  }
}
