/** `auth_basic`, `auth_request` and what goes with them: what a location wants to know of who enters, as `auth` of the model. */
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

const DELAY_MS_MAX = 60_000;

/** The name of the user, which nginx has under its own. */
export const USER_VARIABLE = 'remote_user';

/** In this block; null: it wants to know nothing. */
export function readAuth(scope: Scope, constants: Constants, notes: Notes): PlainMap | null {
  const basic = readBasic(scope, constants, notes);
  const ask = readAsk(scope, constants, notes);
  if (basic === null && ask === null) return null;
  const isAny = scope.argument('satisfy') === 'any';
  const delay = readDelay(scope.find('auth_delay'), notes);
  return {
    ...(basic === null ? {} : { basic }),
    ...(ask === null ? {} : { ask }),
    ...(isAny ? { satisfy: 'any' } : {}),
    ...(delay === null ? {} : { delay }),
  };
}

function readBasic(scope: Scope, constants: Constants, notes: Notes): PlainMap | null {
  const directive = scope.find('auth_basic');
  const [word] = directive?.args ?? [];
  if (word === undefined || word.text === 'off') return null;
  const realm = translateText(word.text, constants);
  const file = scope.find('auth_basic_user_file')?.args[0];
  if ('problem' in realm) notes.notYet(word.place, `\`auth_basic ${word.text}\``, realm.problem);
  else if (file === undefined)
    notes.notYet(word.place, '`auth_basic` without `auth_basic_user_file`', 'nginx lets everybody in there');
  else if (hasVariables(file.text))
    notes.notYet(file.place, `\`auth_basic_user_file ${file.text}\``, 'its path has to be without variables');
  else return { users: file.text, realm: realm.template, set: { [USER_VARIABLE]: 'name' } };
  return null;
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
