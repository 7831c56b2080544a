/**
 * How fast the bytes of one stream may go on: those of the first second at once, and then as many as the rate has in the time since it began. Pure:
 * who asks has the clock and the bytes.
 *
 * Whoever passes bytes asks for `room`, and when there is none, comes again at `dueAt`. So a stream that is never short of bytes gets the rate
 * exactly, in steps of STEP_MS, however late the timers are; one that was silent may catch up, as with nginx, whose rate is an average since the
 * beginning too.
 */

/** What may go on before it is due: a stream moves four times a second, and not for every byte. */
const STEP_MS = 250;
const SECOND_MS = 1000;

export class Pace {
  /** Bytes in a second, at least 1. */
  private readonly rate: number;
  private readonly startMs: number;
  /** Bytes that have gone on, less those at the beginning that do not count. */
  private passed: number;

  /** The first `after` bytes are not counted. `now`: milliseconds of any clock that does not run back. */
  constructor(rate: number, after: number, now: number) {
    this.rate = rate;
    this.startMs = now;
    this.passed = -after;
  }

  /** So many bytes may go on now. 0: none before `dueAt`, which is later than now. */
  room(now: number): number {
    const { passed, rate, startMs } = this;
    if (now < this.dueAt) return Math.max(0, rate - passed);
    const ms = Math.max(SECOND_MS, now - startMs + STEP_MS);
    return Math.max(1, Math.floor((rate * ms) / SECOND_MS) - passed);
  }

  /** So many bytes have gone on. */
  pass(bytes: number): void {
    this.passed += bytes;
  }

  /** When what has gone on is paid for, and more may. */
  get dueAt(): number {
    return this.startMs + Math.max(0, Math.ceil((this.passed * SECOND_MS) / this.rate));
  }
}
