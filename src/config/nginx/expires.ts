/** `expires`: how long what is answered may be kept, in Expires and Cache-Control. */
import type { NamedValues } from './named-values.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';

/** Fields by name, with their values as templates. */
export type ExpiryFields = Readonly<Record<'Expires' | 'Cache-Control', string>>;

const NAMES = ['Expires', 'Cache-Control'] as const;
const FIXED: Readonly<Record<string, ExpiryFields>> = {
  epoch: { Expires: 'Thu, 01 Jan 1970 00:00:01 GMT', 'Cache-Control': 'no-cache' },
  max: { Expires: 'Thu, 31 Dec 2037 23:55:55 GMT', 'Cache-Control': 'max-age=315360000' },
};

/** Null: the fields stay as they are. */
export function readExpires(scope: Scope, values: NamedValues, notes: Notes): ExpiryFields | null {
  const directive = scope.find('expires');
  if (directive === null) return null;
  const [{ text, place }] = directive.args;
  const variable = /^\$\{?(\w+)\}?$/.exec(text)?.[1];
  const chosen = variable === undefined || directive.args.length > 1 ? null : fieldsBy(variable, values);
  if (chosen !== null) return chosen;
  if (directive.args.length > 1 || /^[@$]/.test(text)) {
    const what = directive.args.map((word) => word.text).join(' ');
    const reason = 'only a time from now, `epoch`, `max` and `off` are there, and maps to such';
    notes.leftOut(place, `expires ${what}`, reason);
    return null;
  }
  if (text === 'off') return null;
  const fields = fieldsOf(text);
  if (fields === null) notes.error(place, 'invalid value', 'write for example 30d, -1, epoch, max or off');
  return fields;
}

/** By what the variable is in the end; null: that is not known. `off` leaves what a server has said. */
function fieldsBy(variable: string, values: NamedValues): ExpiryFields | null {
  const choices = values.choicesOf(variable)?.filter((choice) => choice !== 'off') ?? [];
  const known = choices.map((choice) => [choice, fieldsOf(choice)] as const);
  if (known.length === 0 || known.some(([, fields]) => fields === null)) return null;
  const [expires, cacheControl] = NAMES.map((name) => {
    const exact = Object.fromEntries(known.map(([choice, fields]) => [choice, fields![name]]));
    const otherwise = values.isLate(variable) ? { otherwise: `{response:${name}}` } : {};
    return `{value:${values.addOwn(name.toLowerCase(), { map: `{value:${variable}}`, exact, ...otherwise })}}`;
  });
  return { Expires: expires, 'Cache-Control': cacheControl };
}

/** Null: it is no time, as nginx writes it. */
function fieldsOf(text: string): ExpiryFields | null {
  if (Object.hasOwn(FIXED, text)) return FIXED[text];
  const [, sign, time] = /^([-+]?)(.*)$/s.exec(text)!;
  const ms = parseTime(time, true);
  if (ms === null) return null;
  const seconds = ms / 1000;
  const isPast = sign === '-' && seconds > 0;
  return {
    Expires: `{date:${isPast ? '-' : ''}${seconds}s}`,
    'Cache-Control': isPast ? 'no-cache' : `max-age=${seconds}`,
  };
}
