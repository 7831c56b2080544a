/**
 * The arithmetic of VRRP's timers (RFC 9568 section 6.1, RFC 3768 section 6.1), in whole microseconds: the skew of
 * priority 254 at 10 ms adverts is 78 µs.
 */
import type { Version } from '../../wire/vrrp/advert.ts';

export const US_PER_CS = 10_000;
export const US_PER_S = 1_000_000;

/** How many adverts may be missed: Active_Down_Interval is this many intervals and the skew. */
export const DOWN_ADVERTS = 3;

/**
 * Skew_Time: the higher the priority, the sooner a router takes over. Version 3: ((256 - priority) * interval) / 256 of
 * the active router's interval. Version 2: (256 - priority) / 256 seconds.
 */
export function skewUs(version: Version, priority: number, activeIntervalUs: number): number {
  const baseUs = version === 2 ? US_PER_S : activeIntervalUs;
  return Math.ceil(((256 - priority) * baseUs) / 256);
}

/** Active_Down_Interval: three intervals of the active router and the skew. */
export function downIntervalUs(version: Version, priority: number, activeIntervalUs: number): number {
  return DOWN_ADVERTS * activeIntervalUs + skewUs(version, priority, activeIntervalUs);
}

/** The longest that a peer of any priority waits after a release. */
export function longestSkewUs(version: Version, activeIntervalUs: number): number {
  return skewUs(version, 1, activeIntervalUs);
}
