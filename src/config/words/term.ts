/** How long a response may be kept, in words, as nginx's `expires` has them. */
import { parseTime } from '../nginx/values.ts';

export type Term =
  | 'off'
  | 'epoch'
  | 'max'
  /** From its beginning, or the next time that it is so late in the day. */
  | { readonly seconds: number; readonly isTimeOfDay: boolean };

const DAY_S = 86_400;
/** A thousand years: dates have four digits. */
const SECONDS_MAX = 366 * DAY_S * 1000;

/** Null: it is none. `isModified`: it begins with the last change of what is answered. */
export function parseTerm(text: string, isModified: boolean): Term | null {
  if (text === 'off') return text;
  if (!isModified && (text === 'epoch' || text === 'max')) return text;
  const [, sign, written] = /^([-+@]?)(.*)$/s.exec(text)!;
  const ms = parseTime(written, true);
  if (ms === null || ms / 1000 > SECONDS_MAX) return null;
  const seconds = ms / 1000;
  if (sign !== '@') return { seconds: sign === '-' ? -seconds : seconds, isTimeOfDay: false };
  return isModified || seconds >= DAY_S ? null : { seconds, isTimeOfDay: true };
}
