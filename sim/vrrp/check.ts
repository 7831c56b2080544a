/**
 * What must hold, looked at whenever anything has changed.
 *
 * Most conditions may be violated for a moment (a frame is on its way), or for as long as the segment is not whole and some
 * time after. So each is an interval: it must not last longer than its tolerance beyond the end of its grace.
 */

export class Condition {
  readonly name: string;
  private readonly toleranceUs: number;
  private brokenSinceUs: number | null = null;
  private graceUs = Number.POSITIVE_INFINITY;

  constructor(name: string, toleranceUs: number) {
    this.name = name;
    this.toleranceUs = toleranceUs;
  }

  /** Until then anything is allowed. */
  excuse(untilUs: number): void {
    this.graceUs = untilUs;
  }

  /** The condition is broken or not, from now on. Returns how long it was broken too long, or null. */
  set(isBroken: boolean, nowUs: number): number | null {
    if (isBroken && this.brokenSinceUs === null) this.brokenSinceUs = nowUs;
    const excess = this.excess(nowUs);
    if (!isBroken) this.brokenSinceUs = null;
    return excess;
  }

  private excess(nowUs: number): number | null {
    if (this.brokenSinceUs === null) return null;
    const lastedUs = nowUs - Math.max(this.brokenSinceUs, this.graceUs);
    return lastedUs > this.toleranceUs ? lastedUs : null;
  }
}

export interface Violation {
  readonly condition: string;
  readonly atUs: number;
  readonly detail: string;
}
