/**
 * Counting in cells of memory that processes share: 64-bit floats, exact up to 2^53. Each has one writer, and whoever reads one of them gets a
 * number that was there at some time. A histogram is so many cells in a row: a bucket for each power of two, and the sum of what was counted.
 */

/** What is below 1, 2, 4, ... 65,536 units, and the rest. */
export const BUCKETS = 18;
/** The buckets and the sum. */
export const HISTOGRAM_CELLS = BUCKETS + 1;

/** `value`: in the histogram's unit; what is negative counts as nothing. */
export function countIn(cells: Float64Array, at: number, value: number): void {
  const whole = value < 1 ? 0 : value | 0;
  const bucket = 32 - Math.clz32(whole);
  cells[at + (bucket < BUCKETS ? bucket : BUCKETS - 1)]++;
  cells[at + BUCKETS] += value > 0 ? value : 0;
}
