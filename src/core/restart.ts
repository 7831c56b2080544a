/**
 * When to start a process again that ended: at once, unless it keeps ending soon after its start. Then it waits longer each
 * time, so that a broken machine is not busy with starting processes only.
 */

const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 2000;
/** A process that ran this long was not broken from the start. */
const STABLE_MS = 10_000;

export class RestartPolicy {
  /** How often it ended soon after its start, in a row. */
  failures = 0;

  /** The process ended `ranMs` after its start. How long to wait before the next start: 0, 100, 200, 400 ... 2000 ms. */
  handleExit(ranMs: number): number {
    this.failures = ranMs >= STABLE_MS ? 1 : this.failures + 1;
    if (this.failures === 1) return 0;
    return Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** (this.failures - 2));
  }
}
