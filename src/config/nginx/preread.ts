/** `ssl_preread` and `proxy_pass $name`: where a TLS connection goes that is passed on, by the `map` that says what the name is. */
import { lookUp } from '../../base/look-up.ts';
import { isHostname } from '../words/addresses.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { hasVariables } from './variables.ts';

export interface Preread {
  /** The first whose match fits; null: nothing is asked. */
  readonly routes: readonly { readonly match: PlainMap; readonly target: string }[] | null;
  /** Where others go; null: nowhere. */
  readonly otherwise: string | null;
}

const VARIABLE = /^\$\{?(\w+)\}?$/;
/** No name is longer. */
const REACH_MAX = 1024;
const ALONE = 'acme-tls/1';
const VERSIONS = /^(TLSv1(\.[1-3])?|SSLv3)$/;

/** A `map` of what can only say where `proxy_pass` leads to. */
export function isOfHello({ args }: Directive): boolean {
  return /^\$\{?ssl_preread_(protocol|alpn_protocols)\}?$/.test(args[0]?.text ?? '');
}

/** Null: it was refused. */
export function readPreread(server: Scope, pass: Directive, notes: Notes): Preread | null {
  const [{ text, place }] = pass.args;
  const name = VARIABLE.exec(text)?.[1];
  const maps = server.outer?.own('map') ?? [];
  const map = maps.find(({ args }) => VARIABLE.exec(args[1]?.text ?? '')?.[1] === name);
  const of = VARIABLE.exec(map?.args[0]?.text ?? '')?.[1];
  const isOn = server.argument('ssl_preread')?.toLowerCase() === 'on';
  const read = lookUp(READERS, of ?? '');
  if (map === undefined || read === undefined || !isOn) {
    const fix = 'let a `map` of $ssl_preread_server_name say what it is, with `ssl_preread on`';
    notes.notYet(place, `\`proxy_pass ${text}\``, 'what the variable is, is not known', fix);
    return null;
  }
  const lines = (map.block ?? []).filter(({ args }) => args.length > 0);
  const odd = lines.find(({ name: key, args }) => key.startsWith('~') || args.length > 1 || hasVariables(args[0].text));
  if (odd !== undefined) {
    const reason = 'only texts, and with `hostnames` names, lead to a text here';
    notes.notYet(odd.place, `\`${odd.name}\` in \`map $${of}\``, reason, 'write the names themselves');
    return null;
  }
  const standard = lines.find(({ name: key }) => key === 'default')?.args[0].text ?? '';
  const others = lines.filter(({ name: key }) => key !== 'default');
  const hasHosts = (map.block ?? []).some(({ name: key, args }) => key === 'hostnames' && args.length === 0);
  return read(others, standard === '' ? null : standard, hasHosts, notes);
}

type Reader = (
  lines: readonly Directive[],
  otherwise: string | null,
  hasHosts: boolean,
  notes: Notes,
) => Preread | null;

const READERS: Readonly<Record<string, Reader>> = {
  ssl_preread_server_name: byName,
  ssl_preread_alpn_protocols: byProtocol,
  ssl_preread_protocol: byVersion,
};

/** Exact names first, then the longest of those with an asterisk, as nginx looks for them. */
function byName(
  lines: readonly Directive[],
  otherwise: string | null,
  hasHosts: boolean,
  notes: Notes,
): Preread | null {
  const found: { readonly name: string; readonly target: string }[] = [];
  for (const { name: key, args, place } of lines) {
    const name = key.toLowerCase();
    const target = args[0].text;
    const isPattern = hasHosts && /^\*?\./.test(name);
    if (name === '' && target === (otherwise ?? '')) continue;
    if (!isHostname(isPattern ? name.replace(/^\*?\./, '') : name) || target === '') {
      const reason =
        name === '' ? 'who asks for no host goes where `default` leads' : 'it is no name that is passed on';
      notes.notYet(place, `\`${key}\` in \`map $ssl_preread_server_name\``, reason, 'leave it out');
      return null;
    }
    if (!isPattern || !name.startsWith('*')) found.push({ name: isPattern ? name.slice(1) : name, target });
    if (isPattern) found.push({ name: `*.${name.replace(/^\*?\./, '')}`, target });
  }
  const sorted = found.toSorted((one, other) => reachOf(one.name) - reachOf(other.name));
  return { routes: sorted.map(({ name, target }) => ({ match: { 'server-name': name }, target })), otherwise };
}

/** How far a name reaches, the least first. */
function reachOf(name: string): number {
  return name.startsWith('*') ? REACH_MAX - name.length : 0;
}

/** nginx has the whole list there, `h2,http/1.1`. Only of one protocol it is certain that a client offers nothing else (RFC 8737). */
function byProtocol(
  lines: readonly Directive[],
  otherwise: string | null,
  _hasHosts: boolean,
  notes: Notes,
): Preread | null {
  const odd = lines.find(({ name, args }) => name !== ALONE || args[0].text === '');
  if (odd !== undefined) {
    const reason = `it is the list of all that a client offers: only \`${ALONE}\` is possible`;
    notes.notYet(odd.place, `\`${odd.name}\` in \`map $ssl_preread_alpn_protocols\``, reason);
    return null;
  }
  return { routes: lines.map(({ args }) => ({ match: { alpn: ALONE }, target: args[0].text })), otherwise };
}

/** Whether it is TLS at all. */
function byVersion(
  lines: readonly Directive[],
  otherwise: string | null,
  _hasHosts: boolean,
  notes: Notes,
): Preread | null {
  const targets = new Set(lines.filter(({ name }) => VERSIONS.test(name)).map(({ args }) => args[0].text));
  const plain = lines.find(({ name }) => name === '')?.args[0].text;
  const odd = lines.find(({ name }) => name !== '' && !VERSIONS.test(name));
  const others = plain ?? otherwise;
  const [target = otherwise ?? ''] = targets;
  if (odd !== undefined || targets.size > 1 || target === '') {
    const place = odd?.place ?? lines[0]?.place;
    const reason = 'all versions of TLS have to lead to one place';
    if (place !== undefined) notes.notYet(place, '`map $ssl_preread_protocol`', reason, 'let them lead to one');
    return null;
  }
  return { routes: [{ match: {}, target }], otherwise: others === '' ? null : others };
}
