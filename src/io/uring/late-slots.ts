/**
 * Received slots that wait, because their socket is paused. A received slot is in one queue at most, so the links are two
 * words per slot of the arena, and a socket holds only the first and the last.
 */
export class LateSlots {
  private readonly nexts: Int32Array;
  private readonly lengths: Int32Array;

  constructor(largeSlots: number) {
    this.nexts = new Int32Array(largeSlots);
    this.lengths = new Int32Array(largeSlots);
  }

  /** `slot` behind `last`, which is -1 in an empty queue. */
  append(last: number, slot: number, length: number): void {
    if (last >= 0) this.nexts[last] = slot;
    this.nexts[slot] = -1;
    this.lengths[slot] = length;
  }

  next(slot: number): number {
    return this.nexts[slot];
  }

  length(slot: number): number {
    return this.lengths[slot];
  }
}
