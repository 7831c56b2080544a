/**
 * `set_real_ip_from`, `real_ip_header` and `real_ip_recursive`: whose word is taken for who the client is, as `forwarded` of the
 * listener that servers share.
 */
import { isHostname } from '../words/addresses.ts';
import type { PlainMap } from './document.ts';
import { networkOf } from './named-values.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';

const NAMES = ['set_real_ip_from', 'real_ip_header', 'real_ip_recursive'] as const;

export interface RealIp {
  /** As the model has it. */
  readonly forwarded: PlainMap | 'pass';
  /** Whose PROXY protocol header is believed. */
  readonly proxied: readonly string[];
}

/** Of servers with one address. */
export function readRealIp(servers: readonly Scope[], notes: Notes): RealIp {
  const [first, ...others] = servers.map((server) => readServer(server, notes));
  for (const [i, other] of others.entries()) {
    if (JSON.stringify(other) === JSON.stringify(first)) continue;
    const from = NAMES.flatMap((name) => [servers[i + 1], servers[0]].map((scope) => scope.find(name)));
    const { place } = from.find((directive) => directive !== null) as Directive;
    const reason = 'who the client is has to be known before its request names a server';
    notes.notYet(place, '`set_real_ip_from` of one of several servers with an address', reason, 'write it in `http`');
    break;
  }
  for (const server of servers) refuseInside(server.directives, notes);
  return first;
}

function readServer(server: Scope, notes: Notes): RealIp {
  const trust = readTrusted(server, notes);
  const field = server.argument('real_ip_header') ?? 'X-Real-IP';
  if (trust.length === 0) return { forwarded: 'pass', proxied: [] };
  if (field === 'proxy_protocol') return { forwarded: 'pass', proxied: trust };
  const isRecursive = server.argument('real_ip_recursive')?.toLowerCase() === 'on';
  const forwarded = { trust, field, ...(isRecursive ? {} : { hops: 'last' }), pass: true };
  return { forwarded, proxied: [] };
}

/** `set_real_ip_from`. */
export function readTrusted(scope: Scope, notes: Notes): readonly string[] {
  const trust: string[] = [];
  for (const { args } of scope.all('set_real_ip_from')) {
    const [{ text, place }] = args;
    const network = text === 'unix:' ? 'unix' : networkOf(text);
    if (network !== null) trust.push(network);
    else if (isHostname(text))
      notes.notYet(place, `\`set_real_ip_from ${text}\``, 'a name could have any address', 'write its addresses');
    else notes.error(place, `host not found in set_real_ip_from "${text}"`, 'write an address or a network');
  }
  return trust;
}

function refuseInside(directives: readonly Directive[], notes: Notes): void {
  for (const { name, block } of directives) {
    if (name !== 'location' && name !== 'if' && name !== 'limit_except') continue;
    for (const inner of block ?? []) {
      if (!(NAMES as readonly string[]).includes(inner.name)) continue;
      const reason = 'who the client is has to be known before its request finds a location';
      notes.notYet(inner.place, `\`${inner.name}\` in a location`, reason, 'write it in `http` or in the server');
    }
    refuseInside(block ?? [], notes);
  }
}
