/** `proxy_redirect`, `proxy_cookie_domain`, `proxy_cookie_path` and `proxy_cookie_flags`: what becomes of fields of a server's response. */
import { lookUp } from '../../base/look-up.ts';
import { parseRegex } from '../../base/regex/syntax.ts';
import type { PlainMap } from './document.ts';
import type { Location } from './locations.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { translatePcre } from './pcre.ts';
import type { Scope } from './scope.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

export interface Passed {
  /** The argument of `proxy_pass`. */
  readonly url: string;
  /** It has a path. */
  readonly hasPath: boolean;
  readonly location: Location | null;
  readonly constants: Constants;
  /** What nginx puts in front of a Location that begins with `/`. */
  readonly base: string;
}

/** Of `headers.response`. */
export function readReplacements(scope: Scope, passed: Passed, notes: Notes): PlainMap {
  const reader = new Reader(passed.constants, notes);
  const replace = [...redirectsOf(scope, passed, reader), ...attributesOf(scope, reader)];
  const flags = flagsOf(scope, reader);
  return {
    ...(replace.length === 0 ? {} : { replace }),
    ...(flags.length === 0 ? {} : { 'cookie-flags': flags }),
  };
}

function isOff(directives: readonly Directive[]): boolean {
  return directives.some(({ args }) => args.length === 1 && args[0].text === 'off');
}

function redirectsOf(scope: Scope, passed: Passed, reader: Reader): PlainMap[] {
  const directives = scope.all('proxy_redirect');
  if (isOff(directives)) return [];
  const rules: PlainMap[] = [];
  const add = (rule: PlainMap | null): void => {
    if (rule === null) return;
    rules.push({ field: 'Location', ...rule, ...(passed.base === '' ? {} : { base: passed.base }) });
    rules.push({ field: 'Refresh', ...rule });
  };
  if (directives.length === 0) add(standardRedirect(passed));
  for (const directive of directives) {
    const [first, second] = directive.args;
    if (second !== undefined) add(reader.rule(directive, first.text, second.text));
    else if (first.text !== 'default') {
      reader.notes.error(first.place, `invalid parameter "${first.text}"`, 'write off, default, or two texts');
    } else if (hasVariables(passed.url)) {
      const reason = '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables';
      reader.notes.error(first.place, reason, 'write off, or what is replaced by what');
    } else {
      const before = scope.directives.slice(0, scope.directives.indexOf(directive));
      if (!before.some(({ name }) => name === 'proxy_pass')) {
        const reason = '"proxy_redirect default" should be placed after the "proxy_pass" directive';
        reader.notes.error(first.place, reason, 'write it behind `proxy_pass`');
      }
      add(standardRedirect(passed));
    }
  }
  return rules;
}

/** What `default` means; null: nothing, because a variable says where to. */
function standardRedirect({ url, hasPath, location }: Passed): PlainMap | null {
  if (hasVariables(url)) return null;
  if (!hasPath) return { prefix: `${url}/`, by: '/' };
  return location === null ? null : { prefix: url, by: decodeURIComponent(location.path) };
}

function attributesOf(scope: Scope, reader: Reader): PlainMap[] {
  const rules: PlainMap[] = [];
  for (const [name, attribute] of [
    ['proxy_cookie_domain', 'Domain'],
    ['proxy_cookie_path', 'Path'],
  ] as const) {
    const directives = scope.all(name);
    if (isOff(directives)) continue;
    for (const directive of directives) {
      const [first, second] = directive.args;
      if (second === undefined) {
        reader.notes.error(first.place, `invalid parameter "${first.text}"`, 'write off, or two texts');
        continue;
      }
      const isDomain = attribute === 'Domain';
      // of a domain that is no expression the dot in front means nothing
      const hasDots = !isDomain || first.text.startsWith('~');
      const [from, to] = [first.text, second.text].map((text) => (hasDots ? text : text.replace(/^\./, '')));
      const rule = reader.rule(directive, from, to, isDomain);
      if (rule !== null) rules.push({ field: 'Set-Cookie', attribute, ...rule });
    }
  }
  return rules;
}

const FLAGS: Readonly<Record<string, readonly ['add' | 'remove', string]>> = {
  secure: ['add', 'Secure'],
  httponly: ['add', 'HttpOnly'],
  'samesite=strict': ['add', 'SameSite=Strict'],
  'samesite=lax': ['add', 'SameSite=Lax'],
  'samesite=none': ['add', 'SameSite=None'],
  nosecure: ['remove', 'Secure'],
  nohttponly: ['remove', 'HttpOnly'],
  nosamesite: ['remove', 'SameSite'],
};

function flagsOf(scope: Scope, reader: Reader): PlainMap[] {
  const directives = scope.all('proxy_cookie_flags');
  if (isOff(directives)) return [];
  const rules: PlainMap[] = [];
  for (const { args, place } of directives) {
    const [name, ...flags] = args;
    const lists: { add: string[]; remove: string[] } = { add: [], remove: [] };
    for (const flag of flags) {
      const known = lookUp(FLAGS, flag.text.toLowerCase());
      if (known === undefined) {
        const fix = `write ${Object.keys(FLAGS).join(', ')}`;
        reader.notes.error(flag.place, `invalid parameter "${flag.text}"`, fix);
      } else lists[known[0]].push(known[1]);
    }
    const cookie = reader.cookie(name.text, place);
    if (cookie === null) continue;
    rules.push({
      cookie,
      ...(lists.add.length === 0 ? {} : { add: lists.add }),
      ...(lists.remove.length === 0 ? {} : { remove: lists.remove }),
    });
  }
  return rules;
}

class Reader {
  readonly notes: Notes;
  private readonly constants: Constants;

  constructor(constants: Constants, notes: Notes) {
    this.constants = constants;
    this.notes = notes;
  }

  /** `isWhole`: the text is all of the value, not its beginning. */
  rule({ name, place }: Directive, from: string, to: string, isWhole = false): PlainMap | null {
    if (from.startsWith('~')) {
      const isCaseless = isWhole || from.startsWith('~*');
      const regex = this.regex(from.replace(/^~\*?/, ''), isCaseless, place);
      if (regex === null) return null;
      const groups = [...parseRegex(regex).groupNames].map(([group, at]) => [group, `{capture:${at}}`] as const);
      const by = this.text(name, to, place, new Map([...this.constants, ...groups]));
      return by === null ? null : { regex, by };
    }
    const by = this.text(name, to, place);
    const text = this.text(name, from, place);
    return by === null || text === null ? null : { [isWhole ? 'is' : 'prefix']: text, by };
  }

  cookie(text: string, place: Directive['place']): string | PlainMap | null {
    if (text.startsWith('~')) {
      const regex = this.regex(text.slice(1), true, place);
      return regex === null ? null : { regex };
    }
    if (!hasVariables(text)) return text;
    this.notes.notYet(place, `\`proxy_cookie_flags ${text}\``, 'the name of a cookie is text or an expression');
    return null;
  }

  private text(name: string, text: string, place: Directive['place'], constants = this.constants): string | null {
    const translated = translateText(text, constants, 'response');
    if ('template' in translated) return translated.template;
    this.notes.notYet(place, `\`${name} ... ${text}\``, translated.problem);
    return null;
  }

  private regex(text: string, isCaseless: boolean, place: Directive['place']): string | null {
    const { regex, reason } = translatePcre(text, isCaseless, true);
    if (regex === null) this.notes.notYet(place, `the regular expression \`${text}\``, reason);
    return regex;
  }
}
