/** `proxy_pass`: where to, and what becomes of the path. */
import { type Constants, hasVariables, splitVariables } from './variables.ts';

export interface Target {
  /** Name or address of a group or a server, as a server of the model is written. */
  readonly name: string;
  /** `$proxy_host` */
  readonly proxyHost: string;
  /** `$proxy_port` */
  readonly proxyPort: string;
  /** Null: the path stays as sent. */
  readonly uri: string | null;
}

export function parseTarget(
  text: string,
  constants: Constants,
): Target | { readonly problem: string; readonly isError?: true } {
  const parts = splitVariables(text);
  if (parts === null) return { problem: 'a `$` has no name behind it' };
  const known = parts
    .map(({ variable, text: literal }) => (variable === null ? literal : (constants.get(variable) ?? literal)))
    .join('');
  const isVariable = hasVariables(text);
  if (known.startsWith('https://')) return { problem: 'servers are not spoken to in TLS yet' };
  if (!known.startsWith('http://')) {
    if (known.startsWith('$') || known.startsWith('{'))
      return { problem: 'a variable says where to, which is not there yet' };
    return { problem: 'invalid URL prefix', isError: true };
  }
  const rest = known.slice('http://'.length);
  const match = rest.startsWith('unix:') ? /^(unix:[^:]+)(?::(.*))?$/s.exec(rest) : /^([^/?$]*)(.*)$/s.exec(rest);
  if (match === null || match[1] === '') {
    return rest.startsWith('$')
      ? { problem: 'a variable says where to, which is not there yet' }
      : { problem: 'no host in upstream', isError: true };
  }
  const [, name, path = ''] = match;
  if (name.includes('{')) return { problem: 'a variable says where to, which is not there yet' };
  if (isVariable && /^\$\{?request_uri\}?$/.test(path))
    return { name, proxyHost: hostOf(name), proxyPort: portOf(name), uri: null };
  if (path !== '' && (isVariable || hasVariables(path))) return { problem: 'variables in its path are not there yet' };
  if (path.includes('?')) return { problem: 'a query in its path is not there yet' };
  if (path !== '' && !path.startsWith('/')) return { problem: 'invalid path', isError: true };
  return { name, proxyHost: hostOf(name), proxyPort: portOf(name), uri: path === '' ? null : path };
}

/** The port is only part of it where it is not 80. */
function hostOf(name: string): string {
  return name.startsWith('unix:') ? 'localhost' : name.replace(/:80$/, '');
}

function portOf(name: string): string {
  return name.startsWith('unix:') ? '' : (/:([0-9]+)$/.exec(name)?.[1] ?? '80');
}

/** What replaces the matched prefix. nginx puts both together as they are; `prefix` of the model takes care of slashes. */
export function rewriteFor(kind: 'exact' | 'prefix', path: string, uri: string): Record<string, string> {
  if (kind === 'exact') return { path: uri };
  if (path.endsWith('/') === uri.endsWith('/')) return { prefix: uri };
  const from = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return { regex: `^${from}`, to: uri.replaceAll('$', '$$$$') };
}
