/**
 * Which advertisement interval of a peer is believed. Active_Down_Interval is made of it, and so a single advert could have a
 * backup wait for two minutes: with 40.95 s in it, forged or mistaken, and nobody behind it.
 *
 * An interval of up to three times the own one is believed at once, as RFC 9568 section 6.4.2 has it: nobody waits for more
 * than three of his own down intervals then. A longer one is believed in full once two adverts of that peer which both name it
 * have come that far apart, and this router was not active in between. So a peer that really advertises so rarely is waited for, after its second advert.
 */
import { equalBytes } from '../../base/bytes.ts';
import type { HeardAdvert } from './heard-advert.ts';

/** Of the own interval: what is believed of anybody. */
const INTERVALS_BELIEVED = 3;
/** An advert may be late and the next one punctual, by this part of the interval. */
const EARLY_DIVISOR = 8;
/** More routers than this do not share one set of addresses; the longest unheard is forgotten. */
const CLAIMS_MAX = 16;
const LONG_AGO = Number.NEGATIVE_INFINITY;

interface Claim {
  readonly source: Uint8Array;
  readonly intervalUs: number;
  /** When it was first made, without another one since. */
  readonly sinceUs: number;
  /** What is believed until it is proven. */
  readonly believedUs: number;
}

export class IntervalBelief {
  private believedUsMax = 0;
  /** What was proven to a predecessor, of whoever is heard first. */
  private expectedUs = 0;
  private readonly claims: Claim[] = [];

  constructor(ownIntervalUs: number) {
    this.apply(ownIntervalUs, null, 0);
  }

  /** The own interval is another one now. What is believed of the router that is followed goes on being believed. */
  apply(ownIntervalUs: number, followed: Uint8Array | null, followedUs: number): void {
    this.believedUsMax = INTERVALS_BELIEVED * ownIntervalUs;
    if (followed === null || followedUs <= this.believedUsMax) return;
    const claim = { source: followed.slice(), intervalUs: followedUs, sinceUs: LONG_AGO, believedUs: followedUs };
    this.note(this.indexOf(followed), claim);
  }

  /** This router has been active for an interval, and nobody with more right has corrected it: whoever claimed one is not. */
  forget(): void {
    this.claims.length = 0;
  }

  /** A predecessor has believed so much of the active router. */
  expect(intervalUs: number): void {
    this.expectedUs = intervalUs;
  }

  /** The interval to count with, never longer than the advertised one. To be asked for every advert of a peer. */
  believe({ source, intervalUs }: HeardAdvert, nowUs: number): number {
    const index = this.indexOf(source);
    const former = index < 0 ? null : this.claims[index];
    const { expectedUs } = this;
    this.expectedUs = 0;
    if (intervalUs <= this.believedUsMax) {
      if (index >= 0) this.claims.splice(index, 1);
      return intervalUs;
    }
    if (intervalUs <= expectedUs) {
      this.note(index, { source: source.slice(), intervalUs, sinceUs: LONG_AGO, believedUs: intervalUs });
      return intervalUs;
    }
    const believedUs = Math.max(this.believedUsMax, former === null ? 0 : believed(former, nowUs));
    if (former?.intervalUs === intervalUs) return believed(former, nowUs);
    // A peer that goes over to a longer interval advertises no less often than before until that is proven.
    const claim = { source: source.slice(), intervalUs, sinceUs: nowUs, believedUs: Math.min(believedUs, intervalUs) };
    this.note(index, claim);
    return claim.believedUs;
  }

  private indexOf(source: Uint8Array): number {
    return this.claims.findIndex((claim) => equalBytes(claim.source, source));
  }

  /** In the place of the former one of the same peer, if `index` is not below 0. */
  private note(index: number, claim: Claim): void {
    if (index >= 0) this.claims.splice(index, 1);
    if (this.claims.length === CLAIMS_MAX) this.claims.shift();
    this.claims.push(claim);
  }
}

function believed({ intervalUs, sinceUs, believedUs }: Claim, nowUs: number): number {
  return nowUs - sinceUs >= intervalUs - intervalUs / EARLY_DIVISOR ? intervalUs : believedUs;
}
