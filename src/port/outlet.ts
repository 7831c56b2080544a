/**
 * Where a proxy writes lines without waiting: a file, a pipe or a socket that the keeper has opened. What is written stands in memory of
 * its own, in two halves: one is filled while the other is being written.
 */

/** Each half. Twice what a disk that takes its time for a moment lets wait. */
export const OUTLET_HALF_BYTES = 128 * 1024;

export interface Outlet {
  /** Two halves of OUTLET_HALF_BYTES. What is being written must not be changed. */
  readonly memory: Uint8Array;
  /** Begins to write `length` bytes at `offset`. One at a time: `handleWritten` follows, in a later turn. */
  write(offset: number, length: number): void;
  /**
   * Gives the descriptor back as soon as nothing is being written; what is may be cut off. `handleWritten` is not called any more.
   */
  close(): void;
}

export interface OutletHandler {
  /** So many bytes were taken, which may be fewer than it was given. Negative: none, for this system error (-errno). */
  handleWritten(count: number): void;
}
