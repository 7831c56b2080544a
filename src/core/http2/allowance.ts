/** So much at once, and so much a second from then on: a bucket of tokens. */
const SECOND_MS = 1000;

export class Allowance {
  private readonly atOnce: number;
  private readonly perSecond: number;
  private left: number;
  private at: number;

  constructor(atOnce: number, perSecond: number, now: number) {
    this.atOnce = atOnce;
    this.perSecond = perSecond;
    this.left = atOnce;
    this.at = now;
  }

  /** False: it is used up. */
  take(count: number, now: number): boolean {
    this.left -= count;
    if (this.left >= 0) return true;
    // only who has spent much makes us calculate
    this.left = Math.min(this.atOnce, this.left + ((now - this.at) * this.perSecond) / SECOND_MS);
    this.at = now;
    return this.left >= 0;
  }
}
