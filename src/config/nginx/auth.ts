/** `auth_request` and what goes with it: whom a location asks who may enter, as `auth` of the model. */
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';
import { type Constants, translateText } from './variables.ts';

const DELAY_MS_MAX = 60_000;

/** In this block; null: nobody is asked. */
export function readAuth(scope: Scope, constants: Constants, notes: Notes): PlainMap | null {
  const ask = readAsk(scope, constants, notes);
  if (ask === null) return null;
  const isAny = scope.argument('satisfy') === 'any';
  const delay = readDelay(scope.find('auth_delay'), notes);
  return {
    ask,
    ...(isAny ? { satisfy: 'any' } : {}),
    ...(delay === null ? {} : { delay }),
  };
}

function readAsk(scope: Scope, constants: Constants, notes: Notes): PlainMap | null {
  const directive = scope.find('auth_request');
  const [word] = directive?.args ?? [];
  if (word === undefined || word.text === 'off') return null;
  if (!/^\/[^{}$?]*$/.test(word.text)) {
    notes.notYet(word.place, `\`auth_request ${word.text}\``, 'it has to be a path, without variables');
    return null;
  }
  const set: PlainMap = {};
  for (const one of scope.all('auth_request_set')) readSet(one, set, constants, notes);
  // the query of the request is not for whom it is asked of
  return { to: `${word.text}?`, ...(Object.keys(set).length === 0 ? {} : { set }) };
}

function readSet({ args, place }: Directive, into: PlainMap, constants: Constants, notes: Notes): void {
  const [variable, { text }] = args;
  const name = /^\$(\w+)$/.exec(variable.text)?.[1];
  if (name === undefined) {
    notes.error(variable.place, `invalid variable name "${variable.text}"`, 'write it with a `$`');
    return;
  }
  const translated = translateText(text, constants, 'response');
  if (constants.get(name) !== `{value:${name}}`)
    notes.notYet(place, `\`auth_request_set $${name}\``, 'it has a meaning of its own');
  else if ('problem' in translated) notes.notYet(place, `\`auth_request_set $${name} "${text}"\``, translated.problem);
  else into[name] = translated.template;
}

function readDelay(directive: Directive | null, notes: Notes): string | null {
  if (directive === null) return null;
  const [{ place, text }] = directive.args;
  const ms = parseTime(text);
  if (ms === null) {
    notes.error(place, '"auth_delay" directive invalid value', 'write for example 10s');
    return null;
  }
  return ms === 0 ? null : formatDuration(Math.min(ms, DELAY_MS_MAX));
}
