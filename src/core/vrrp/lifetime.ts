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
  const patienceUs = downIntervalUs(version, 254, intervalUs) - PROBE_US;
  const lifetimeS = Math.floor((patienceUs - SLACK_US) / US_PER_S);
  return Math.max(1, lifetimeS > PRECISE_S_MAX ? lifetimeS - 1 : lifetimeS);
}
