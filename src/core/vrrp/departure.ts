/**
 * An active router that leaves has told its peers to take over, and holds the addresses until one has, or until the slowest of them
 * would have.
 */
import { longestSkewUs } from './intervals.ts';
import type { RouterSettings } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** It repeats its release after this part of an interval: sooner than most peers take over. */
const RELEASE_REPEAT_DIVISOR = 16;

export class Departure {
  /** What it becomes then. */
  to: 'initialize' | 'backup' = 'initialize';
  private endUs = NEVER;
  /** When the release is repeated. */
  private repeatUs = NEVER;

  begin(to: 'initialize' | 'backup', { version, intervalUs }: RouterSettings, nowUs: number): void {
    this.to = to;
    this.repeatUs = nowUs + intervalUs / RELEASE_REPEAT_DIVISOR;
    this.endUs = this.repeatUs + longestSkewUs(version, intervalUs) + intervalUs / 4;
  }

  end(): void {
    this.endUs = NEVER;
    this.repeatUs = NEVER;
  }

  get deadlineUs(): number {
    return Math.min(this.endUs, this.repeatUs);
  }

  /** Nobody took over in the time that the slowest peer may need. */
  isOver(nowUs: number): boolean {
    return nowUs >= this.endUs;
  }

  /**
   * True, once: the release is to be repeated. The first one may be lost, or overtaken by the advert before it, which would cost the
   * peers their whole patience.
   */
  takeRepeat(nowUs: number): boolean {
    if (nowUs < this.repeatUs) return false;
    this.repeatUs = NEVER;
    return true;
  }
}
