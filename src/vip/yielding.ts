/**
 * In an upgrade: when the owner that takes part may end and leave everything as it is, for the next program's to go on with. In a good
 * moment no advert is due soon, no address is changing hands, and nobody is overdue; it is not waited for longer than some intervals.
 */
import { US_PER_S } from '../core/vrrp/intervals.ts';
import type { VipOwner } from './owner.ts';
import type { VipPlan } from './plan.ts';

/** What the next one may take to begin. */
const SLACK_US = 20_000;
/** Of the longest one, for a good moment to come. */
const WAIT_INTERVALS = 3;
const WAIT_US_MAX = 5 * US_PER_S;

/** From when on any moment is good. */
export function yieldsByUs({ routers }: VipPlan, nowUs: number): number {
  const longestUs = Math.max(0, ...routers.map(({ intervalUs }) => intervalUs));
  return nowUs + Math.min(WAIT_INTERVALS * longestUs, WAIT_US_MAX);
}

export function mayYield(owner: VipOwner, { routers }: VipPlan, nowUs: number, byUs: number): boolean {
  if (nowUs >= byUs) return true;
  const slackUs = Math.min(SLACK_US, ...routers.map(({ intervalUs }) => intervalUs / 2));
  return owner.isCalm && owner.deadlineUs - nowUs >= slackUs;
}
