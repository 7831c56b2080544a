/**
 * Whether a quorum of witnesses answers: machines that are not part of the pair, asked again and again. A node that cannot
 * reach them is cut off, or so overloaded that it may as well be. Pure: answers and the time come in, a verdict comes out.
 *
 * The times are those of the gateway guard, for the same reason: where only one side of a cut has the quorum, the other
 * side has given up before the first one takes over. Each is asked twice an interval of the adverts, and given up when it
 * has not answered for just under two intervals. Asked less often than that (below 500 ms adverts) this order is not kept.
 */
const ASKS_PER_INTERVAL = 2;
const PERIOD_MS_MIN = 250;
const PERIOD_MS_MAX = 1_000;
const PATIENCE_PERIODS = 3.8;

export class Witnesses {
  /** Null: neither has a quorum answered yet, nor has it had the time to. */
  passes: boolean | null = null;
  readonly periodMs: number;
  /** An answer that takes longer is none. */
  readonly patienceMs: number;
  private readonly quorum: number;
  /** Of a clock that stands still while this process does: its own sleep is nobody's silence. */
  private readonly answeredAt: number[];
  private readonly startedAt: number;
  private sleptMs = 0;
  private lastRunMs: number;
  private nextAskMs: number;

  constructor(count: number, quorum: number, advertiseMs: number, nowMs: number) {
    this.quorum = quorum;
    this.periodMs = Math.min(Math.max(advertiseMs / ASKS_PER_INTERVAL, PERIOD_MS_MIN), PERIOD_MS_MAX);
    this.patienceMs = PATIENCE_PERIODS * this.periodMs;
    this.answeredAt = Array.from({ length: count }, () => Number.NEGATIVE_INFINITY);
    this.startedAt = nowMs;
    this.lastRunMs = nowMs;
    this.nextAskMs = nowMs;
  }

  /** When `handleTime` is due. */
  get deadlineMs(): number {
    const givesUpAt = this.passes === true ? this.latest(this.quorum) : this.startedAt;
    return this.passes === false
      ? this.nextAskMs
      : Math.min(this.nextAskMs, givesUpAt + this.patienceMs + this.sleptMs);
  }

  /** The witness answered a question. */
  handleAnswer(index: number, nowMs: number): void {
    this.answeredAt[index] = this.awakeMs(nowMs);
    this.judge(nowMs);
  }

  /** Returns whether all are to be asked now. `passes` may have changed. */
  handleTime(nowMs: number): boolean {
    this.judge(nowMs);
    if (nowMs < this.nextAskMs) return false;
    this.nextAskMs = Math.max(this.nextAskMs + this.periodMs, nowMs + this.periodMs / 2);
    return true;
  }

  isAnswering(index: number, nowMs: number): boolean {
    return this.awakeMs(nowMs) - this.answeredAt[index] < this.patienceMs;
  }

  private judge(nowMs: number): void {
    const awakeMs = this.awakeMs(nowMs);
    if (awakeMs - this.latest(this.quorum) < this.patienceMs) this.passes = true;
    else if (this.passes === true || awakeMs - this.startedAt >= this.patienceMs) this.passes = false;
  }

  /** When the last one of the `count` that answered last did. */
  private latest(count: number): number {
    return this.answeredAt.toSorted((a, b) => b - a)[count - 1];
  }

  private awakeMs(nowMs: number): number {
    const passedMs = nowMs - this.lastRunMs;
    this.lastRunMs = nowMs;
    if (passedMs > 2 * this.periodMs) this.sleptMs += passedMs - this.periodMs;
    return nowMs - this.sleptMs;
  }
}
