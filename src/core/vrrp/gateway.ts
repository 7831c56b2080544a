/**
 * Whether the gateway can be reached, as a guard: a router that cannot reach what lies behind the segment has no use for
 * the addresses, and a peer on the other side of a cut may take them.
 *
 * It asks twice an interval, and gives up after just under two intervals without an answer. A peer that is cut off waits
 * for three intervals and its skew, counted from an advert that may be one interval old: so where only one side of a cut
 * has the gateway, the other side has released before the first one takes over. Below 200 ms adverts it asks less often
 * than that, and this order is not kept.
 */
const ASKS_PER_INTERVAL = 2;
const PERIOD_US_MIN = 100_000;
const PERIOD_US_MAX = 1_000_000;
const PATIENCE_PERIODS = 3.8;

export class GatewayGuard {
  /** Null: not known yet. */
  passes: boolean | null = null;
  private readonly periodUs: number;
  private nextAskUs: number;
  private answeredUs: number;
  private hasAnswered = false;

  constructor(intervalUs: number, nowUs: number) {
    this.periodUs = Math.min(Math.max(intervalUs / ASKS_PER_INTERVAL, PERIOD_US_MIN), PERIOD_US_MAX);
    this.nextAskUs = nowUs;
    this.answeredUs = nowUs;
  }

  /** When `tick` is due. */
  get deadlineUs(): number {
    return this.passes === false ? this.nextAskUs : Math.min(this.nextAskUs, this.givesUpUs);
  }

  /** The gateway was heard. */
  handleAnswer(nowUs: number): void {
    this.answeredUs = nowUs;
    this.hasAnswered = true;
    this.passes = true;
  }

  /** Null: never. */
  get lastAnswerUs(): number | null {
    return this.hasAnswered ? this.answeredUs : null;
  }

  /** Returns whether to ask now; `passes` may have changed. */
  tick(nowUs: number): boolean {
    if (nowUs >= this.givesUpUs) this.passes = false;
    if (nowUs < this.nextAskUs) return false;
    this.nextAskUs = Math.max(this.nextAskUs + this.periodUs, nowUs + this.periodUs / 2);
    return true;
  }

  private get givesUpUs(): number {
    return this.answeredUs + PATIENCE_PERIODS * this.periodUs;
  }
}
