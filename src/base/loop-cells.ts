/** What a proxy's loop does, counted in cells (base/histogram.ts): how long its turns took, what it gave to the kernel, and when it was short of buffers. */
import { countIn, HISTOGRAM_CELLS } from './histogram.ts';

/** The unit of turns, 62.5 us: the last bound is 4.1 s. */
export const LOOP_UNIT_MS = 1 / 16;

export const L_TURNS = 0;
export const L_SUBMISSIONS = HISTOGRAM_CELLS;
export const L_STARVED = L_SUBMISSIONS + 1;
export const LOOP_CELLS = L_STARVED + 1;

export class LoopCells {
  private readonly cells: Float64Array;
  private readonly at: number;

  /** Those from `at` on. Without any, nobody sees them. */
  constructor(cells: Float64Array = new Float64Array(LOOP_CELLS), at = 0) {
    this.cells = cells;
    this.at = at;
  }

  /** `tookMs`: without what it has waited for something to happen. */
  countTurn(tookMs: number, submissions: number): void {
    const { at, cells } = this;
    countIn(cells, at + L_TURNS, tookMs / LOOP_UNIT_MS);
    cells[at + L_SUBMISSIONS] += submissions;
  }

  /** So many wait, for no buffer to receive into is free. */
  countStarved(count: number): void {
    this.cells[this.at + L_STARVED] += count;
  }
}
