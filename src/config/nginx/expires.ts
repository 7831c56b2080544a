/** `expires`: how long what is answered may be kept, in Expires and Cache-Control. */
import { parseTerm } from '../words/term.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

export interface Expires {
  /** What it is whatever comes: fields by name, with their values as templates. */
  readonly fields: Readonly<Record<string, string>>;
  /** `expires` of the model; null: the fields say all. */
  readonly rule: PlainMap | null;
}

const NOTHING: Expires = { fields: {}, rule: null };
const FIXED = {
  epoch: { Expires: 'Thu, 01 Jan 1970 00:00:01 GMT', 'Cache-Control': 'no-cache' },
  max: { Expires: 'Thu, 31 Dec 2037 23:55:55 GMT', 'Cache-Control': 'max-age=315360000' },
} as const;

export function readExpires(scope: Scope, constants: Constants, notes: Notes): Expires {
  const directive = scope.find('expires');
  if (directive === null) return NOTHING;
  const { args } = directive;
  const isModified = args[0].text === 'modified' && args.length > 1;
  const { place, text } = args[isModified ? 1 : 0];
  const of = isModified ? { of: 'modified' } : {};
  if (hasVariables(text)) {
    const found = translateText(text, constants, 'response');
    if ('template' in found) return { fields: {}, rule: { after: found.template, ...of } };
    notes.notYet(place, `\`expires ${text}\``, found.problem);
    return NOTHING;
  }
  const term = args.length === (isModified ? 2 : 1) ? parseTerm(text, isModified) : null;
  if (term === null) {
    notes.error(place, 'invalid value', 'write for example 30d, -1, @15h30m, modified 1h, epoch, max or off');
    return NOTHING;
  }
  if (term === 'off') return NOTHING;
  if (typeof term === 'string') return { fields: FIXED[term], rule: null };
  if (isModified || term.isTimeOfDay) return { fields: {}, rule: { after: text, ...of } };
  const { seconds } = term;
  const cacheControl = seconds < 0 ? 'no-cache' : `max-age=${seconds}`;
  return { fields: { Expires: `{date:${seconds}s}`, 'Cache-Control': cacheControl }, rule: null };
}
