/**
 * Counts the failures that real traffic met at one server: `failures` of them `within` a time are too many. A sliding
 * window, not a bucket: failures on both sides of a bucket's edge are as many.
 */

export class FailureWindow {
  private readonly failures: number;
  private readonly withinMs: number;
  /** Oldest first. Never more of them than `failures`, for then it is over. */
  private reports: { readonly time: number; readonly count: number }[] = [];
  private sum = 0;

  /** `failures` is 1 or more. */
  constructor(failures: number, withinMs: number) {
    this.failures = failures;
    this.withinMs = withinMs;
  }

  /** `count` failures happened. True if there were too many lately; then the count begins anew. */
  handleFailures(now: number, count: number): boolean {
    while (this.reports.length > 0 && this.reports[0].time <= now - this.withinMs)
      this.sum -= this.reports.shift()!.count;
    this.reports.push({ time: now, count });
    this.sum += count;
    if (this.sum < this.failures) return false;
    this.clear();
    return true;
  }

  clear(): void {
    this.reports = [];
    this.sum = 0;
  }
}
