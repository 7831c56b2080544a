/** The end of a line pair (`createLinePair` of port/host.ts) that a thread of the keeper reads, until nobody writes any more. */
import { closeSync, readSync } from 'node:fs';
import { awaitReady, POLLIN } from '../io/linux/libc.ts';

/** The thread waits for no longer at a time: so long whoever ends it waits. */
export const LOOK_MS = 200;
/** As much as is ever written at once. */
const READ_BYTES = 256 * 1024;

export class LineInput {
  readonly bytes = Buffer.alloc(READ_BYTES);
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Waits a moment for lines: so many bytes of them are in `bytes`. -1: none have come; 0: none will, nobody writes any more. */
  read(): number {
    if (!awaitReady(this.descriptor, POLLIN, LOOK_MS)) return -1;
    try {
      return readSync(this.descriptor, this.bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1;
      throw error;
    }
  }

  /** Those who write have gone, or go within so many milliseconds, LOOK_MS at most. */
  isAbandoned(withinMs: number): boolean {
    return awaitReady(this.descriptor, 0, withinMs);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
