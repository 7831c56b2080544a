/** Any bytes are a configuration or an error with a place: never an exception, never without end. */
import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import { loadDocuments } from '../load.ts';
import { keepalivedFrontEnd } from './front-end.ts';
import { TABLES } from './reference.ts';

const PIECES: readonly string[] = [
  ...TABLES.flatMap(({ directives }) => Object.keys(directives)),

  '{',
  '}',
  '{\n',
  '}\n',
  '\n',
  '\n',
  ' ',
  ' ',
  '"',
  "'",
  '\\',
  '#',
  '!',
  '$',
  '${',
  '@',
  '~SEQ(a,1,1,9) ',
  '~LST(a,b,c) $a',
  '$A=',
  '$A',
  '${A}',
  '${_PWD}',
  '${_RANDOM 1 2}',
  '$A=\\\n',
  'include x',
  'include *',
  '@lb01 ',
  '@^lb01 ',
  'interface',
  'eth0',
  'virtual_router_id',
  '5',
  'priority',
  '-1',
  '1.5',
  'advert_int',
  'authentication',
  'auth_type PASS',
  'auth_pass',
  'virtual_ipaddress',
  '192.0.2.1/24',
  '2001:db8::1',
  'dev',
  'track_script',
  'weight',
  'reverse',
  'script',
  'notify',
  'notify_master "/bin/x y" root',
  'unicast_peer',
  'nopreempt',
  'state MASTER',
  'group',
  'real_server',
  'TCP_CHECK',
  'HTTP_GET',
  'url',
  'path /',
  'lb_algo',
  'rr',
  '\0',
  '\r',
  '\u00e9',
  '\ud800',
  '__proto__',
  'constructor',
  '999999999999',
  ';',
];

export function fuzzKeepalived(prng: Prng): void {
  const pick = (): string => {
    return prng.below(12) === 0 ? String.fromCharCode(prng.below(300)) : PIECES[prng.below(PIECES.length)];
  };
  const text = Array.from({ length: prng.below(60) }, () => pick() + (prng.below(3) === 0 ? '\n' : ' ')).join('');
  const files = { read: () => ({ text }), glob: (pattern: string) => (pattern.includes('*') ? [] : [pattern]) };
  const context = { files, node: prng.below(4) === 0 ? null : 'lb01' };
  const { config, diagnostics } = loadDocuments([keepalivedFrontEnd.read({ name: 'f', text }, context)], 'lb01');
  const isRefused = diagnostics.some(({ severity }) => severity === 'error');
  assert(config !== null || isRefused, 'a configuration, or an error');
  for (const { line, column } of diagnostics) assert(line >= 1 && column >= 1, 'each with a place');
}
