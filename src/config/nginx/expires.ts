/** `expires`: how long what is answered may be kept, in Expires and Cache-Control. */
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';

/** Fields by name, with their values as templates. */
export type ExpiryFields = Readonly<Record<'Expires' | 'Cache-Control', string>>;

const FIXED: Readonly<Record<string, ExpiryFields | null>> = {
  off: null,
  epoch: { Expires: 'Thu, 01 Jan 1970 00:00:01 GMT', 'Cache-Control': 'no-cache' },
  max: { Expires: 'Thu, 31 Dec 2037 23:55:55 GMT', 'Cache-Control': 'max-age=315360000' },
};

/** Null: the fields stay as they are. */
export function readExpires(scope: Scope, notes: Notes): ExpiryFields | null {
  const directive = scope.find('expires');
  if (directive === null) return null;
  const [{ text, place }] = directive.args;
  if (directive.args.length > 1 || /^[@$]/.test(text)) {
    const what = directive.args.map((word) => word.text).join(' ');
    notes.leftOut(place, `expires ${what}`, 'only a time from now, `epoch`, `max` and `off` are there');
    return null;
  }
  if (Object.hasOwn(FIXED, text)) return FIXED[text];
  const [, sign, time] = /^([-+]?)(.*)$/s.exec(text)!;
  const ms = parseTime(time, true);
  if (ms === null) {
    notes.error(place, 'invalid value', 'write for example 30d, -1, epoch, max or off');
    return null;
  }
  const seconds = ms / 1000;
  const isPast = sign === '-' && seconds > 0;
  return {
    Expires: `{date:${isPast ? '-' : ''}${seconds}s}`,
    'Cache-Control': isPast ? 'no-cache' : `max-age=${seconds}`,
  };
}
