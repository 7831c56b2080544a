/** `sticky`: how clients keep their servers. */
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { parseTime } from './values.ts';
import { type Constants, translateText } from './variables.ts';

/** Longer is for ever. */
const MAX_AGE_MS = 315_360_000_000;

/** What nginx remembers a session for that is not used. */
const LEARNED_IDLE_MS = 600_000;

/** What the model has for it; null: it is refused, and that is noted. */
export function readSticky({ args, place }: Directive, variables: Constants, notes: Notes): PlainMap | null {
  const [{ text: kind }, ...rest] = args;
  const templateOf = (text: string, at = place): string | null => {
    const found = translateText(text, variables);
    if ('template' in found) return found.template;
    notes.notYet(at, `\`sticky ... ${text}\``, found.problem);
    return null;
  };
  if (kind === 'route') {
    const id = rest.map((arg) => templateOf(arg.text, arg.place));
    return id.length === 0 || id.includes(null) ? null : { id };
  }
  if (kind === 'learn') {
    return readLearn(rest, place, notes);
  }
  if (kind !== 'cookie' || rest.length === 0) {
    notes.error(place, `unknown parameter "${kind}" in "sticky"`, 'write for example `sticky cookie server`');
    return null;
  }
  const [{ text: name }, ...options] = rest;
  // nginx says nothing that is not written, and says it in every response
  const cookie: Record<string, string | boolean> = {
    name,
    path: '',
    secure: false,
    'http-only': false,
    'same-site': '',
    'every-response': true,
  };
  for (const { text, place: at } of options) {
    const [key, value = ''] = text.split(/=(.*)/s, 2);
    const maxAge = value === 'max' ? MAX_AGE_MS : parseTime(value, true);
    if (text === 'secure') cookie['secure'] = true;
    else if (text === 'httponly') cookie['http-only'] = true;
    else if (key === 'path') cookie['path'] = value;
    else if (key === 'expires' && maxAge !== null) {
      cookie['max-age'] = formatDuration(Math.min(MAX_AGE_MS, Math.max(1000, maxAge)));
    } else if (key === 'domain' || key === 'samesite') {
      const template = templateOf(value, at);
      if (template === null) return null;
      cookie[key === 'domain' ? 'domain' : 'same-site'] = template;
    } else {
      notes.error(at, `unknown parameter "${text}" in "sticky"`, 'correct or remove it');
      return null;
    }
  }
  return { cookie };
}

/** What is made and what is looked up has to be one cookie. */
function readLearn(args: Directive['args'], place: Directive['place'], notes: Notes): PlainMap | null {
  let created: string | null = null;
  let lookedUp: string | null = null;
  let idle = LEARNED_IDLE_MS;
  for (const { text, place: at } of args) {
    const [key, value = ''] = text.split(/=(.*)/s, 2);
    const [, made] = /^\$upstream_cookie_(\w+)$/.exec(value) ?? [];
    const [, asked] = /^\$cookie_(\w+)$/.exec(value) ?? [];
    const time = parseTime(value, true);
    if (key === 'create' && made !== undefined) created ??= made;
    else if (key === 'lookup' && asked !== undefined) lookedUp ??= asked;
    else if (key === 'create' || key === 'lookup') {
      const cookie = key === 'create' ? '$upstream_cookie_NAME' : '$cookie_NAME';
      notes.notYet(at, `\`sticky learn ${text}\``, 'sessions are known by cookies alone', `write ${key}=${cookie}`);
      return null;
    } else if (key === 'timeout' && time !== null) idle = Math.max(1000, time);
    else if (key === 'sync') {
      notes.leftOut(at, `sticky learn ${text}`, 'what is learned stays on this node');
    } else if (key !== 'zone' && text !== 'header') {
      notes.error(at, `unknown parameter "${text}" in "sticky"`, 'correct or remove it');
      return null;
    }
  }
  if (created === null || created !== lookedUp) {
    notes.notYet(
      place,
      '`sticky learn`',
      'what is created and what is looked up is not one cookie',
      'write create=$upstream_cookie_NAME lookup=$cookie_NAME',
    );
    return null;
  }
  return { learn: { cookie: created, idle: formatDuration(Math.min(MAX_AGE_MS, idle)) } };
}
