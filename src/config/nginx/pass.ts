/** `proxy_pass` and `grpc_pass`: where to, and what becomes of the path. */
import { normalText } from './locations.ts';
import type { Directive } from './parse.ts';
import { type Constants, hasVariables, splitVariables, type TextPart, translateText } from './variables.ts';

/** What passes requests on, as the names of its directives begin. */
export type PassModule = 'proxy' | 'grpc';

/** The module of a `_pass`. */
export function moduleOf({ name }: Directive): PassModule {
  return name === 'grpc_pass' ? 'grpc' : 'proxy';
}

export interface Target {
  /** Each request says where it goes; then `name` is a template, with path and query. */
  readonly isByRequest: boolean;
  readonly isTls: boolean;
  /** Name or address of a group or a server, as a server of the model is written. */
  readonly name: string;
  /** `$proxy_host` */
  readonly proxyHost: string;
  /** `$proxy_port` */
  readonly proxyPort: string;
  /** Null: the path stays as sent. */
  readonly uri: string | null;
  /** Path and query with values in them, which nothing is added to; null: there are none. */
  readonly target: string | null;
}

/** `isError`: nginx would not start. */
export type ParsedTarget = Target | { readonly problem: string; readonly isError?: true };

/** Of `grpc_pass`: a scheme is not needed, and there is no path. */
export function parseGrpcTarget(text: string, constants: Constants, isVariable: boolean): ParsedTarget {
  const scheme = /^grpcs?:\/\//i.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  const target = parseTarget(
    `${scheme.toLowerCase() === 'grpcs://' ? 'https' : 'http'}://${rest}`,
    constants,
    isVariable,
  );
  if ('problem' in target || target.isByRequest) return target;
  if (target.uri !== null || target.target !== null)
    return { problem: `invalid URL "${text}": it has a path`, isError: true };
  // nginx knows no usual port here, and leaves none out
  return { ...target, proxyHost: target.name.startsWith('unix:') ? 'localhost' : target.name };
}

/** `isVariable`: it was written with variables, which stand for some of it now. */
export function parseTarget(text: string, constants: Constants, isVariable = hasVariables(text)): ParsedTarget {
  const parts = splitVariables(text);
  if (parts === null) return { problem: 'a `$` has no name behind it' };
  const known = parts
    .map(({ variable, text: literal }) => (variable === null ? literal : (constants.get(variable) ?? literal)))
    .join('');
  const scheme = /^https?:\/\//.exec(known)?.[0];
  if (scheme === undefined) {
    if (isVariable) return byRequest(text, 'http://', constants);
    return { problem: 'invalid URL prefix', isError: true };
  }
  const isTls = scheme === 'https://';
  const standardPort = isTls ? '443' : '80';
  const rest = known.slice(scheme.length);
  const match = rest.startsWith('unix:') ? /^(unix:[^:]+)(?::(.*))?$/s.exec(rest) : /^([^/?$]*)(.*)$/s.exec(rest);
  if (match === null || match[1] === '') {
    return isVariable ? byRequest(text, scheme, constants) : { problem: 'no host in upstream', isError: true };
  }
  const [, name, path = ''] = match;
  // what is behind the name is a path, or may be more of the name
  const isWhole = !path.startsWith('$') || /^\$\{?(request_uri|uri|document_uri)\b/.test(path);
  if (name.includes('{') || name.endsWith(':') || !isWhole) return byRequest(text, scheme, constants);
  const place = {
    isByRequest: false,
    isTls,
    name,
    proxyHost: hostOf(name, standardPort),
    proxyPort: portOf(name, standardPort),
  };
  if (isVariable && /^\$\{?request_uri\}?$/.test(path)) return { ...place, uri: null, target: null };
  if (path !== '' && isVariable) {
    const target = targetOf(textBehind(parts, constants, known.length - path.length), constants);
    if (typeof target !== 'string') return target;
    return { ...place, uri: null, target };
  }
  if (path.includes('?')) return { problem: 'a query in its path is not there yet' };
  if (path !== '' && !path.startsWith('/')) return { problem: 'invalid path', isError: true };
  return { ...place, uri: path === '' ? null : path, target: null };
}

/** Where to is part of what a variable says, and so are path and query. */
function byRequest(text: string, scheme: string, constants: Constants): Target | { readonly problem: string } {
  const translated = translateText(text, constants);
  if ('problem' in translated) return translated;
  const name = translated.template.startsWith(scheme) ? translated.template.slice(scheme.length) : translated.template;
  const own = { proxyHost: '{server-by}', proxyPort: '{server-by-port}' };
  return { isByRequest: true, isTls: scheme === 'https://', name, ...own, uri: null, target: null };
}

/** What is written behind the first so many characters of what is known of a text. */
function textBehind(parts: readonly TextPart[], constants: Constants, length: number): string {
  let left = length;
  let text = '';
  for (const { variable, text: literal } of parts) {
    const known = variable === null ? literal : (constants.get(variable) ?? literal);
    text += left <= 0 ? literal : known.slice(left);
    left -= known.length;
  }
  return text;
}

/** Path and query of a URL that has variables. nginx takes them as they are: the query of the request is not added. */
function targetOf(written: string, constants: Constants): string | { readonly problem: string } {
  const withQuery = /^(.*)\$\{?is_args\}?\$\{?(?:args|query_string)\}?$/s.exec(written);
  const [path, end] = withQuery === null ? [written, '?'] : [withQuery[1], ''];
  const translated = translateText(path, constants);
  if ('problem' in translated) return translated;
  if (/\{(uri|path|query)\}/.test(translated.template)) {
    return { problem: '$request_uri can only be all of the path' };
  }
  if (withQuery !== null && path.includes('?')) return { problem: 'it has two queries' };
  return translated.template === '' ? '/' : `${translated.template}${end}`;
}

/** The port is only part of it where it is another one. */
function hostOf(name: string, standardPort: string): string {
  if (name.startsWith('unix:')) return 'localhost';
  return name.endsWith(`:${standardPort}`) ? name.slice(0, -standardPort.length - 1) : name;
}

function portOf(name: string, standardPort: string): string {
  return name.startsWith('unix:') ? '' : (/:([0-9]+)$/.exec(name)?.[1] ?? standardPort);
}

/** What replaces the matched prefix. nginx puts both together as they are; `prefix` of the model takes care of slashes. */
export function rewriteFor(kind: 'exact' | 'prefix', path: string, uri: string): Record<string, string> {
  if (kind === 'exact') return { path: uri };
  if (path.endsWith('/') === uri.endsWith('/')) return { prefix: uri };
  const from = normalText(path).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return { regex: `^${from}`, to: uri.replaceAll('$', '$$$$') };
}
