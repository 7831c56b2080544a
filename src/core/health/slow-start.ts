/**
 * A server that comes back gets its share of the work step by step: 1/8 at once, all of it after the slow-start time. Cold
 * caches, connection pools and just-in-time compilers make the first second the slowest.
 *
 * Steps, because every change of a weight makes the proxies compute their balancing tables anew.
 */

const STEPS = 32;
const FIRST_STEP = 4;

/** The part of its weight, 0..1, that a server has this long after its recovery. */
export function slowStartShare(sinceMs: number, slowStartMs: number): number {
  if (sinceMs >= slowStartMs) return 1;
  return stepAt(sinceMs, slowStartMs) / STEPS;
}

/** How long after the recovery the share changes next; slowStartMs at the latest. */
export function nextStepMs(sinceMs: number, slowStartMs: number): number {
  const step = stepAt(sinceMs, slowStartMs) + 1;
  const stepMs = Math.ceil(((step - FIRST_STEP) / (STEPS - FIRST_STEP)) * slowStartMs);
  return Math.min(slowStartMs, Math.max(sinceMs + 1, stepMs));
}

function stepAt(sinceMs: number, slowStartMs: number): number {
  return FIRST_STEP + Math.floor((sinceMs / slowStartMs) * (STEPS - FIRST_STEP));
}
