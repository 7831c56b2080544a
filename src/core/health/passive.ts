/**
 * Counts the failures that real traffic met at one server: `failures` of them `within` a time are too many. A sliding
 * window, not a bucket: failures on both sides of a bucket's edge are as many.
 */

export class FailureWindow {
  private readonly withinMs: number;
  /** When the last failures happened; as long as the number that is too many. */
  private readonly times: Float64Array;
  private next = 0;

  /** `failures` is 1 or more. */
  constructor(failures: number, withinMs: number) {
    this.withinMs = withinMs;
    this.times = new Float64Array(failures).fill(-Infinity);
  }

  /** `count` failures happened. True if there were too many lately. */
  handleFailures(now: number, count: number): boolean {
    for (let i = Math.min(count, this.times.length); i > 0; i--) {
      this.times[this.next] = now;
      this.next = (this.next + 1) % this.times.length;
    }
    // The slot that is overwritten next holds the oldest.
    return this.times[this.next] > now - this.withinMs;
  }

  clear(): void {
    this.times.fill(-Infinity);
  }
}
