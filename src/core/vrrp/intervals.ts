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

/**
 * How late the kernel removes an address whose lifetime has ended: measured on Linux 6.18, up to 0.2 s for lifetimes of 1
 * to 5 s. Longer ones are checked at full seconds.
 */
const LIFETIME_SLACK_US = 200_000;
const LIFETIME_PRECISE_S_MAX = 5;

/**
 * For how many seconds an address is given to the kernel with every advert. The longest time that has passed when the
 * most impatient peer takes over after the last advert, so that a router that died, or froze, holds no address then; the
 * kernel counts whole seconds, so below 0.4 s adverts it can be up to a second too long, and no shorter lifetime exists.
 */
export function addressLifetimeS(version: Version, intervalUs: number): number {
  const patienceUs = downIntervalUs(version, 254, intervalUs);
  const lifetimeS = Math.floor((patienceUs - LIFETIME_SLACK_US) / US_PER_S);
  return Math.max(1, lifetimeS > LIFETIME_PRECISE_S_MAX ? lifetimeS - 1 : lifetimeS);
}
