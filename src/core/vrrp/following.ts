/**
 * The active router that a backup follows, and how long that one may be silent: Active_Adver_Interval and Active_Down_Timer of
 * RFC 9568 section 6.2. Whether it is followed is router.ts's matter; which interval is believed of it, interval-belief.ts's.
 */
import { equalBytes } from '../../base/bytes.ts';
import type { HeardAdvert } from './heard-advert.ts';
import { downIntervalUs, skewUs } from './intervals.ts';
import type { RouterSettings } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

interface Followed {
  readonly source: Uint8Array;
  readonly priority: number;
  readonly atUs: number;
}

export class Following {
  /** Null: none was heard since this router began to listen. */
  router: Followed | null = null;
  /** Active_Adver_Interval. */
  intervalUs: number;
  /** When the Active_Down_Timer fires. */
  downUs = NEVER;
  private settings: RouterSettings;
  /** The end of the start delay: the Active_Down_Timer does not fire before. */
  private notBeforeUs = LONG_AGO;

  constructor(settings: RouterSettings) {
    this.settings = settings;
    this.intervalUs = settings.intervalUs;
  }

  /** Counts by these from now on, where it does not count by the interval of the router that is followed. */
  apply(settings: RouterSettings): void {
    this.settings = settings;
    if (this.router === null) this.intervalUs = settings.intervalUs;
  }

  /** A port or a switch may not forward yet. What is heard, or the time, ends this. */
  delay(nowUs: number): void {
    this.notBeforeUs = nowUs + this.settings.startDelayUs;
  }

  /** The owner of the addresses waits for nothing else. */
  waitForDelayOnly(): void {
    this.downUs = this.notBeforeUs;
  }

  /** Something is heard: the segment forwards, and the start delay has served its purpose. */
  endDelay(priority: number, nowUs: number): void {
    if (this.notBeforeUs <= nowUs) return;
    this.notBeforeUs = LONG_AGO;
    this.downUs = Math.min(this.downUs, nowUs + this.downInterval(priority));
  }

  /** Takes the sender for the active router: its interval, and a new Active_Down_Timer. */
  follow({ source, priority, intervalUs }: HeardAdvert, ownPriority: number, nowUs: number): void {
    const { router } = this;
    const kept = router !== null && equalBytes(router.source, source) ? router.source : source.slice();
    this.router = { source: kept, priority, atUs: nowUs };
    this.intervalUs = intervalUs;
    this.downUs = nowUs + this.downInterval(ownPriority);
  }

  /** Forgets it, and waits for the whole Active_Down_Interval of this router's own interval. */
  listen(ownPriority: number, nowUs: number): void {
    this.forget();
    this.listenOn(ownPriority, nowUs);
  }

  /** Whoever comes may advertise as rarely as this: a predecessor of this router has followed it. */
  expect(intervalUs: number, ownPriority: number, nowUs: number): void {
    this.intervalUs = Math.max(this.intervalUs, intervalUs);
    this.listenOn(ownPriority, nowUs);
  }

  /** Waits once more for the whole Active_Down_Interval. */
  listenOn(ownPriority: number, nowUs: number): void {
    this.downUs = Math.max(nowUs + this.downInterval(ownPriority), this.notBeforeUs);
  }

  forget(): void {
    this.router = null;
    this.intervalUs = this.settings.intervalUs;
  }

  /** Section 6.4.2: it has released. */
  skewOnly(ownPriority: number, nowUs: number): void {
    this.downUs = nowUs + this.skew(ownPriority);
  }

  /** The timer runs on by another priority. */
  shift(skewBeforeUs: number, ownPriority: number, nowUs: number): void {
    this.downUs = Math.max(nowUs, this.downUs + this.skew(ownPriority) - skewBeforeUs);
  }

  skew(ownPriority: number): number {
    return skewUs(this.settings.version, ownPriority, this.intervalUs);
  }

  downInterval(ownPriority: number): number {
    return downIntervalUs(this.settings.version, ownPriority, this.intervalUs);
  }
}
