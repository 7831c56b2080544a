/**
 * When to ask for a name again. The answer's own time to live where it is known, within bounds: below a second it would be
 * a flood, and nobody who changes an address wants to wait longer than a minute for it.
 */

const TTL_MS_MIN = 1_000;
const TTL_MS_MAX = 60_000;
/** Where the time to live is unknown: a hosts file, or a resolver that is no DNS. */
const DEFAULT_MS = 10_000;
const RETRY_MS_MIN = 1_000;

/** `failures`: how often in a row there was no answer, this time included. `ttlMs`: null if unknown. */
export function refreshDelayMs(ttlMs: number | null, failures: number): number {
  if (failures > 0) return Math.min(DEFAULT_MS, RETRY_MS_MIN * 2 ** (failures - 1));
  return ttlMs === null ? DEFAULT_MS : Math.min(TTL_MS_MAX, Math.max(TTL_MS_MIN, ttlMs));
}
