/** How long a response may be kept: a term in words to what Expires and Cache-Control say. */
import { HTTP_DATE_BYTES, writeHttpDate } from '../../base/date-text.ts';
import { parseTerm } from '../../config/words/term.ts';

export interface Expiry {
  readonly expires: string;
  readonly cacheControl: string;
}

const DAY_S = 86_400;
const PAST = 'no-cache';
const EPOCH: Expiry = { expires: 'Thu, 01 Jan 1970 00:00:01 GMT', cacheControl: PAST };
const MAX: Expiry = { expires: 'Thu, 31 Dec 2037 23:55:55 GMT', cacheControl: 'max-age=315360000' };

/** `modifiedMs`: of a term that begins with the last change; NaN: it is not known, and the term begins now. Null: nothing is said. */
export function expiryOf(text: string, isModified: boolean, nowMs: number, modifiedMs: number): Expiry | null {
  const term = parseTerm(text, isModified);
  if (term === null || term === 'off') return null;
  if (term === 'epoch') return EPOCH;
  if (term === 'max') return MAX;
  const now = Math.floor(nowMs / 1000);
  const start = isModified && !Number.isNaN(modifiedMs) ? Math.floor(modifiedMs / 1000) : now;
  const end = term.isTimeOfDay ? nextTime(now, term.seconds) : start + term.seconds;
  // a term of nothing ends now, whenever it began
  const at = term.seconds === 0 && !term.isTimeOfDay ? now : end;
  const isPast = (term.seconds < 0 && !term.isTimeOfDay) || at < now;
  return { expires: dateText(at), cacheControl: isPast ? PAST : `max-age=${at - now}` };
}

/** When it is this time of the day next, in UTC. */
function nextTime(now: number, seconds: number): number {
  const today = now - (now % DAY_S) + seconds;
  return today > now ? today : today + DAY_S;
}

function dateText(second: number): string {
  const bytes = new Uint8Array(HTTP_DATE_BYTES);
  writeHttpDate(bytes, Math.max(0, second) * 1000);
  return String.fromCharCode(...bytes);
}
