/** Any bytes are a configuration, or an error with a place: never an exception, nor time or memory without bound. */
import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import { loadDocuments } from '../load.ts';
import { DIRECTIVE_NAMES } from './directive-table.ts';
import { nginxFrontEnd } from './front-end.ts';

const PIECES = [
  '{',
  '}',
  ';',
  ' ',
  '\n',
  '#',
  '"',
  "'",
  '\\',
  '$',
  '${',
  '~',
  '~*',
  '^~',
  '=',
  '(',
  ')',
  '*',
  '.',
  '\t',
  '\r',
  '\u0000',
  'é',

  'http {',
  'server {',
  'location / {',
  'location ~ ^/(a|b)+$ {',
  'upstream u {',
  'server 192.0.2.1;',
  'stream {',
  'if ($host = a) {',

  'listen 80;',
  'listen [::]:81 default_server;',
  'server_name a.b *.c ~^x$;',
  'proxy_pass http://u/x;',
  'return 301 $scheme://$host$request_uri;',

  'rewrite ^/(.*)$ /x/$1 break;',
  'proxy_set_header X $http_y;',
  'add_header A b always;',
  'include x/*.conf;',
  'include y;',
  'set $a b;',
  '1',
  '10s',
  '5m',
  '-1',
  'on',
  'off',
  'default',
  '444',
  '200',
  '/',
  'http://',
  'unix:/x',
  '99999999999999999999',
];
const LENGTH_MAX = 60;

export function fuzzNginx(prng: Prng): void {
  let text = prng.oneIn(2) ? 'http { ' : '';
  for (let count = prng.below(LENGTH_MAX); count > 0; count--) {
    if (prng.oneIn(12)) text += String.fromCharCode(prng.below(256));
    else if (prng.oneIn(4)) text += ` ${DIRECTIVE_NAMES[prng.below(DIRECTIVE_NAMES.length)]} `;
    else text += `${PIECES[prng.below(PIECES.length)]}${prng.oneIn(3) ? ' ' : ''}`;
  }
  if (prng.oneIn(2)) text += ' } } }';
  const files = {
    read: (path: string) => (path.endsWith('y') ? { text } : { reason: 'no such file' }),
    glob: (pattern: string) => (pattern.startsWith('x') ? [] : ['y']),
  };
  const document = nginxFrontEnd.read({ name: 'nginx.conf', text }, { files, node: null });
  const { config, diagnostics } = loadDocuments([document], null);
  assert(config !== null || diagnostics.some(({ severity }) => severity === 'error'), 'an error says what is wrong');
  for (const { file, line, column } of diagnostics) {
    assert(file !== '' && line >= 1 && column >= 1, 'every diagnostic has a place');
  }
}
