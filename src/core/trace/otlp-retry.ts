/** When what a collector did not take is sent again: OTLP 1.x, "OTLP/HTTP Response", "Failures" and "Retryable Response Codes". */
import { parseHttpDate } from '../../base/date-text.ts';

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const FIRST_MS = 1000;
const LAST_MS = 30_000;
/** Whatever Retry-After says. */
const WAIT_MS_MAX = 60_000;
export const TRIES_MAX = 6;

/** `status` 0: there was no answer. */
export function mayTryAgain(status: number, tries: number): boolean {
  return tries < TRIES_MAX && (status === 0 || RETRYABLE.has(status));
}

/** Milliseconds until the next try. `retryAfter`: the field, seconds or a date; `random`: 0 to 1, so that not all come at once. */
export function waitOf(tries: number, retryAfter: string | undefined, nowMs: number, random: number): number {
  const asked = retryAfter === undefined ? NaN : askedFor(retryAfter, nowMs);
  if (asked >= 0) return Math.min(asked, WAIT_MS_MAX);
  return Math.min(FIRST_MS * 2 ** (tries - 1), LAST_MS) * (0.5 + random / 2);
}

function askedFor(retryAfter: string, nowMs: number): number {
  return /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Math.max(0, parseHttpDate(retryAfter) - nowMs);
}
