/** `return`: a code, a code with a text, a code with a URL, or a URL. */
import { absolutePrefix, type Front, PAGE_TYPE, pageOf } from './answers.ts';
import type { PlainMap } from './document.ts';
import { typesOf } from './files.ts';
import type { NamedValues } from './named-values.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

export interface Answer {
  readonly status: number;
  /** Nothing is said but the status: an `error_page` may say more. */
  readonly isPage: boolean;
  /** The keys of a route; `response`: what is changed in the header fields. */
  action(scope: Scope, response: PlainMap): PlainMap;
}

export interface AnswerContext {
  readonly constants: Constants;
  readonly front: Front;
  readonly values: NamedValues;
  readonly notes: Notes;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function readReturn({ args, place }: Directive, context: AnswerContext): Answer | null {
  const { notes } = context;
  const [first, second] = args;
  if (second === undefined && /^(https?:\/\/|\$scheme)/.test(first.text))
    return redirect(302, first.text, place, context);
  const status = /^[0-9]{1,3}$/.test(first.text) ? Number(first.text) : null;
  if (status === null) {
    notes.error(
      first.place,
      `invalid return code "${first.text}"`,
      'write a status code, or a URL that begins with http://',
    );
    return null;
  }
  if (status === 444) {
    return { status, isPage: false, action: () => ({ close: true }) };
  }
  if (status < 200 || status > 599) {
    notes.notYet(
      first.place,
      `\`return ${first.text}\``,
      'it is no status code of a response',
      'write one from 200 to 599',
    );
    return null;
  }
  if (REDIRECTS.has(status) && second !== undefined) return redirect(status, second.text, second.place, context);
  return respond(status, second === undefined ? null : second.text, place, context);
}

/** A Location that begins with `/` becomes a whole URL, as nginx does it. `query`: a template, put behind it. */
export function redirect(
  status: number,
  text: string,
  place: Directive['place'],
  { constants, front, notes }: AnswerContext,
  query = '',
): Answer | null {
  const translated = translateText(text, constants);
  if ('problem' in translated) {
    notes.notYet(place, `\`return ${status} ${text}\``, translated.problem);
    return null;
  }
  const template = `${translated.template}${query}`;
  const isPath = template.startsWith('/') || template.startsWith('{uri}');
  return {
    status,
    isPage: true,
    action: (scope, response) => {
      const to = isPath ? `${absolutePrefix(scope, front)}${template}` : template;
      return withHeaders({ redirect: { to, status } }, response);
    },
  };
}

function respond(
  status: number,
  text: string | null,
  place: Directive['place'],
  context: AnswerContext,
): Answer | null {
  const translated = translateText(text ?? '', context.constants, 'response');
  if ('problem' in translated) {
    context.notes.notYet(place, `\`return ${status}\``, translated.problem);
    return null;
  }
  const isBodyless = status === 204 || status === 205 || status === 304;
  return {
    status,
    isPage: text === null,
    action: (scope, response) => {
      const respondKeys: PlainMap = { status };
      if (!isBodyless) respondKeys['body'] = text === null ? pageOf(status) : translated.template;
      if (respondKeys['body'] === '') delete respondKeys['body'];
      const page = respondKeys['body'] === undefined ? '' : PAGE_TYPE;
      const type = takeContentType(response) ?? (text === null ? page : contentTypeOf(scope));
      if (type !== '') respondKeys['content-type'] = type;
      return withHeaders({ respond: respondKeys }, response);
    },
  };
}

/** By the extension of the path, where that is known. */
function contentTypeOf(scope: Scope): string {
  const extension = /[^/]\.([^./]+)$/.exec(scope.exactPath ?? '')?.[1];
  const known = extension === undefined ? undefined : typesOf(scope)[extension.toLowerCase()];
  return known ?? scope.argument('default_type') ?? 'text/plain';
}

/** nginx would write a second field; the one that is added is the one that was meant. */
function takeContentType(response: PlainMap): string | null {
  const add = response['add'] as Record<string, string | string[]> | undefined;
  if (add === undefined) return null;
  const name = Object.keys(add).find((one) => one.toLowerCase() === 'content-type');
  if (name === undefined) return null;
  const value = add[name];
  delete add[name];
  if (Object.keys(add).length === 0) delete response['add'];
  return typeof value === 'string' ? value : value[value.length - 1];
}

function withHeaders(route: PlainMap, response: PlainMap): PlainMap {
  return Object.keys(response).length === 0 ? route : { ...route, headers: { response } };
}
