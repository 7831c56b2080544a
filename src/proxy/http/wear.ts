import type { WearPlan } from '../../config/plan/record.ts';

/** A connection has been used enough, for this many requests and so long: what is under way on it is the last. */
export function isWorn(wear: WearPlan, requests: number, ageMs: number): boolean {
  return (wear.requests > 0 && requests >= wear.requests) || (wear.ageMs > 0 && ageMs >= wear.ageMs);
}
