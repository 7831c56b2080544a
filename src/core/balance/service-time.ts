/**
 * How long the servers of one upstream take, and for how long a try that failed sooner goes on counting as load.
 *
 * Whoever counts connections sends most to who is done first, and nobody is done as soon as a server that refuses or answers
 * 500 at once: with nine healthy servers beside it that take 100 ms, it would get nearly every request. By Little's law a
 * server's connections are its requests per second times the time that each of them counts. So a failed try counts for as
 * long as one that is served takes on average: then equal connections are equal shares, for a failing server too. A server
 * that is slow to fail, and every one that is healthy, is counted as before.
 *
 * Rejected: fewer weight after failures (nginx's smooth weighted round-robin does it), which needs a rule for how it comes
 * back, and does nothing for the queue, whose next waiter goes to whoever gives a place back first.
 */

/** A new time counts for one part in so many. */
const MEMORY = 16;
/** Assumed before anything was served. */
const FIRST_MS = 100;
/** Of whatever takes longer than this, a failure counts only so long: as long as nginx leaves out a server that failed. */
export const HOLD_MS_MAX = 10_000;

export class ServiceTime {
  private meanMs = FIRST_MS;

  /** Something was served, and took this long. */
  note(tookMs: number): void {
    this.meanMs += (tookMs - this.meanMs) / MEMORY;
  }

  /** How much longer a try counts that has failed after `tookMs`: milliseconds, with fractions. */
  holdMs(tookMs: number): number {
    return Math.max(0, Math.min(this.meanMs, HOLD_MS_MAX) - tookMs);
  }
}
