/** For how long an address is given to the kernel with every advert: what removes it when nobody else can any more. */
import type { Version } from '../../wire/vrrp/advert.ts';
import { downIntervalUs, US_PER_S } from './intervals.ts';
import { PROBE_US } from './probe.ts';

/**
 * How late the kernel removes an address whose lifetime has ended: measured on Linux 6.18, up to 0.2 s for lifetimes of 1
 * to 5 s. Longer ones are checked at full seconds.
 */
const SLACK_US = 200_000;
const PRECISE_S_MAX = 5;

/**
 * The longest life, in seconds, that is over when the most impatient peer begins to ask who has the address, before it
 * takes over. So a router that died, or froze, holds no address then. The kernel counts whole seconds: below 0.45 s adverts
 * it can be up to a second too long, and no shorter lifetime exists.
 */
export function addressLifetimeS(version: Version, intervalUs: number): number {
  const lifetimeS = Math.floor((patienceUs(version, intervalUs) - SLACK_US) / US_PER_S);
  return Math.max(1, lifetimeS > PRECISE_S_MAX ? lifetimeS - 1 : lifetimeS);
}

/** How long an address may still be there after it was given to the kernel for the last time. */
export function lastingUs(version: Version, intervalUs: number): number {
  const lifetimeS = addressLifetimeS(version, intervalUs);
  return lifetimeS * US_PER_S + (lifetimeS > PRECISE_S_MAX ? US_PER_S : 0) + SLACK_US;
}

/** Closer together they would be of no use: a process that stood still is not late by less. */
const RENEWAL_GAP_US_MIN = 100_000;
/** How late a renewal may be on a busy machine; one that is later is left out. */
export const RENEWAL_LATE_US_MAX = 50_000;

/**
 * When, after an advert, the life of the addresses is renewed once more, besides with every advert: so late that it ends
 * just in time when no other advert follows, and as often before that as makes no gap larger than the one until the next
 * advert. A process that then stands still keeps its addresses for longer: with adverts each second, for 1.6 s instead of
 * 1 s.
 */
export function renewalsUs(version: Version, intervalUs: number): readonly number[] {
  const lifetimeUs = addressLifetimeS(version, intervalUs) * US_PER_S;
  const slackUs = lifetimeUs > PRECISE_S_MAX * US_PER_S ? US_PER_S + SLACK_US : SLACK_US;
  const lastUs = Math.min(
    patienceUs(version, intervalUs) - slackUs - lifetimeUs - RENEWAL_LATE_US_MAX,
    intervalUs - RENEWAL_GAP_US_MIN,
  );
  if (lastUs < RENEWAL_GAP_US_MIN) return [];
  const count = Math.ceil(lastUs / Math.max(intervalUs - lastUs, 2 * RENEWAL_GAP_US_MIN));
  return Array.from({ length: count }, (_, i) => Math.floor((lastUs * (i + 1)) / count));
}

/** From an advert until the most impatient peer asks who has the addresses. */
function patienceUs(version: Version, intervalUs: number): number {
  return downIntervalUs(version, 254, intervalUs) - PROBE_US;
}
