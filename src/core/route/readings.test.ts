/** What becomes of a path that servers read in different ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EscapedSlash } from '../../config/plan/listener.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import { request } from '../value/fixtures.test.ts';
import { exact, header, prefix, regex, route } from './fixtures.test.ts';
import { compileRewrite } from './rewrite.ts';
import { READ_SLASH } from '../value/path.ts';
import { ROUTE_BAD_PATH, ROUTE_DOUBTFUL_PATH, compileRoutes } from './table.ts';

const ADMIN = 0;
const OTHER = 1;
const DOUBTFUL = ROUTE_DOUBTFUL_PATH;
const BAD = ROUTE_BAD_PATH;
const routes = [route({ path: prefix('/admin/') }), route()];

function find(target: string, escapedSlash?: EscapedSlash, table: readonly RoutePlan[] = routes): number {
  return compileRoutes(table, escapedSlash).match(request(target));
}

const ROWS: readonly (readonly [target: string, route: number, why: string])[] = [
  // every server reads these the same
  ['/admin/x', ADMIN, 'as it is'],
  ['/%61dmin/x', ADMIN, 'an escaped letter'],
  ['//admin/x', ADMIN, 'two slashes'],
  ['/admin', OTHER, 'another path'],
  ['/ADMIN/x', OTHER, 'case matters'],
  // dot segments
  ['/x/../admin/x', DOUBTFUL, 'WSGI: /x/../admin/x'],
  ['/admin/../x', DOUBTFUL, 'WSGI: below /admin/'],
  ['/./admin/x', DOUBTFUL, 'one dot'],
  ['/x/%2e%2e/admin/x', DOUBTFUL, 'dots escaped'],
  ['/x/../y', OTHER, 'both readings, one route'],
  ['/admin/x/../y', ADMIN, 'both readings, one route'],
  ['/admin%2f../x', DOUBTFUL, 'WSGI: below /admin/'],
  // an escaped slash
  ['/admin%2Fx', DOUBTFUL, 'nginx: /admin/x'],
  ['/admin%2fx', DOUBTFUL, 'in lower case'],
  ['/%2Fadmin/x', DOUBTFUL, 'nginx: //admin/x'],
  ['/x/..%2Fadmin/x', DOUBTFUL, 'nginx: /admin/x'],
  ['/x%2F..%2Fadmin/x', DOUBTFUL, 'nginx: /admin/x'],
  ['/x/%2e%2e%2fadmin/x', DOUBTFUL, 'dots escaped, too'],
  ['/admin/..%2Fx', DOUBTFUL, 'nginx: /x'],
  ['/..%2Fadmin/x', DOUBTFUL, 'nginx: above the root'],
  ['/@scope%2Fname', OTHER, 'npm: both readings, one route'],
  ['/api/queues/%2F/orders', OTHER, 'RabbitMQ: a virtual host'],
  ['/admin/a%2Fb', ADMIN, 'both readings, one route'],
  // a backslash, and what Windows drops
  ['/admin\\x', DOUBTFUL, 'IIS, URL in Node: /admin/x'],
  ['/admin%5Cx', DOUBTFUL, 'IIS'],
  ['/x/..%5cadmin/x', DOUBTFUL, 'IIS'],
  ['/admin./x', DOUBTFUL, 'Windows: /admin/x'],
  ['/admin%20/x', DOUBTFUL, 'Windows: /admin/x'],
  ['/admin.%20./x', DOUBTFUL, 'Windows: /admin/x'],
  ['/x/..%20/admin/x', DOUBTFUL, 'Windows: /admin/x'],
  ['/wiki/U.S.', OTHER, 'both readings, one route'],
  ['/a\\b', OTHER, 'both readings, one route'],
  // path parameters
  ['/admin;x/y', DOUBTFUL, 'Tomcat: /admin/y'],
  ['/admin%3Bx/y', DOUBTFUL, 'decoded before'],
  ['/x/..;/admin/y', DOUBTFUL, 'Tomcat: /admin/y'],
  ['/;/admin/y', DOUBTFUL, 'Tomcat: //admin/y'],
  ['/map;zoom=3/x', OTHER, 'both readings, one route'],
  ['/admin/x;jsessionid=1', ADMIN, 'both readings, one route'],
  // escaped twice
  ['/%2561dmin/x', DOUBTFUL, 'decoded twice: /admin/x'],
  ['/admin%252Fx', DOUBTFUL, 'decoded twice: /admin/x'],
  ['/x/%252e%252e/admin/x', DOUBTFUL, 'decoded twice: /admin/x'],
  ['/admin%255Cx', DOUBTFUL, 'decoded twice: a backslash'],
  ['/admin%253Bx/y', DOUBTFUL, 'decoded twice: a parameter'],
  ['/100%25', OTHER, 'a percent sign'],
  ['/search/100%2520off', OTHER, 'both readings, one route'],
  // what nobody means well
  ['/admin%00/x', BAD, 'ends in C'],
  ['/adm%09in/x', BAD, 'a WHATWG URL drops tab, CR and LF'],
  ['/x/.%0A./admin/x', BAD, 'the same'],
  ['/admin%7F', BAD, 'a control character'],
  ['/x%2500', DOUBTFUL, 'decoded twice: ends in C'],
  ['/admin%c0%afx', BAD, 'overlong UTF-8'],
  ['/%e0%80%af', BAD, 'overlong UTF-8'],
  ['/%', BAD, 'no escape'],
  ['/%u002fadmin', BAD, 'no escape outside of old IIS'],
  ['/..', BAD, 'above the root'],
  ['/a%2Fb;c\\d%2541', DOUBTFUL, 'every doubt at once'],
];

for (const [target, expected, why] of ROWS) {
  test(`${target}: ${why}`, () => assert.equal(find(target), expected));
}

test('a table without paths looks at none', () => {
  for (const [target] of ROWS) assert.equal(find(target, 'compare', [route()]), 0, target);
});

test('exact paths and regular expressions are read in both ways as well', () => {
  const table = [route({ path: exact('/a/b') }), route({ path: regex('^/u/[^/]+$') }), route()];
  assert.equal(find('/a%2Fb', 'compare', table), DOUBTFUL);
  assert.equal(find('/u/x%2Fy', 'compare', table), DOUBTFUL);
  assert.equal(find('/u/x;y', 'compare', table), 1);
  assert.equal(find('/a;s=1/b', 'compare', table), DOUBTFUL);
  assert.equal(find('/v/x%2Fy', 'compare', table), 2);
});

test('conditions besides the path count in every reading', () => {
  const table = [route({ path: prefix('/admin/'), values: [header('x', { kind: 'present' })] }), route()];
  assert.equal(find('/admin%2Fx', 'compare', table), 1);
});

test('escaped-slash: keep, decode, refuse', () => {
  assert.equal(find('/admin%2Fx', 'keep'), OTHER);
  assert.equal(find('/admin%2Fx', 'decode'), ADMIN);
  assert.equal(find('/x%2F..%2Fadmin%2Fx', 'decode'), DOUBTFUL);
  assert.equal(find('/a%2Fb', 'refuse'), DOUBTFUL);
  assert.equal(find('/a/b', 'refuse'), OTHER);
  for (const fixed of ['keep', 'decode'] as const) assert.equal(find('/admin%5Cx', fixed), DOUBTFUL);
  const { bytes, head } = request('/api%2Fx%2Fy');
  const out = new Uint8Array(100);
  const rewrite = compileRewrite(route({ path: prefix('/api/') }, { kind: 'prefix', value: '/' }), READ_SLASH);
  assert.equal(Buffer.from(out.subarray(0, rewrite?.write(bytes, head, out, 0, 100))).toString(), '/x/y');
});

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** How servers read a path: each decodes what it knows, and then splits and resolves. */
function server(raw: string, slash: boolean, windows: boolean, params: boolean, twice: boolean, dots: boolean): string {
  let path = slash ? raw : raw.replace(/%2f/gi, '\u0001');
  path = decode(path);
  if (twice) path = decode(slash ? path : path.replace(/%2f/gi, '\u0001'));
  if (windows) path = path.replaceAll('\\', '/');
  if (params) path = path.replace(/;[^/]*/g, '');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    const name = windows ? segment.replace(/ +$/, '') : segment;
    if (name === '..' && !dots) kept.pop();
    else if (name !== '.' || dots) {
      const trimmed = windows ? name.replace(/[. ]+$/, '') : name;
      if (trimmed !== '') kept.push(trimmed);
    }
  }
  return `/${kept.join('/')}/`;
}

test('no server gets a path below /admin/ that did not take its route', () => {
  const pieces = [
    '/',
    '/',
    'admin',
    'x',
    '..',
    '.',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    ';',
    ';a',
    '%3b',
    '%252f',
    '%252e',
    '%2e',
    '%61',
    '%2561',
    '%20',
    '%255c',
  ];
  const raw = fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((parts) => `/${parts.join('')}`);
  const table = compileRoutes(routes);
  fc.assert(
    fc.property(raw, (target) => {
      if (table.match(request(target)) !== OTHER) return;
      for (let bits = 0; bits < 32; bits++) {
        const seen = server(target, (bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0, (bits & 8) > 0, bits > 15);
        assert.ok(!/^\/admin\/./.test(seen), `${target} is ${seen} to a server`);
      }
    }),
    { numRuns: 20_000 },
  );
});
