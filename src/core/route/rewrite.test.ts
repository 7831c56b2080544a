import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PathMatchPlan, RewritePlan } from '../../config/plan/route.ts';
import { request, text } from '../value/fixtures.test.ts';
import { exact, prefix, regex, route } from './fixtures.test.ts';
import { NormalPath, normaliseRule } from '../value/path.ts';
import { REWRITE_BAD_PATH, REWRITE_TOO_LONG, compileRewrite, writeOriginForm, type Rewrite } from './rewrite.ts';

const out = new Uint8Array(200_000);

function compiled(path: PathMatchPlan | null, rewrite: RewritePlan): Rewrite {
  return compileRewrite(route({ path }, rewrite)) as Rewrite;
}

/** The new target, or the code. */
function rewritten(path: PathMatchPlan | null, rewrite: RewritePlan, target: string): string | number {
  const { bytes, head } = request(target);
  const end = compiled(path, rewrite).write(bytes, head, out, 10, out.length);
  return end < 0 ? end : text(out, 10, end);
}

function byPrefix(from: string, to: string, target: string): string | number {
  return rewritten(prefix(from), { kind: 'prefix', value: to }, target);
}

test('a route without rewrite has none', () => {
  assert.equal(compileRewrite(route()), null);
});

test('prefix: what the rule matched is replaced, the query stays', () => {
  assert.equal(byPrefix('/api/', '/', '/api/x?q=1'), '/x?q=1');
  assert.equal(byPrefix('/api/', '/v2/', '/api/x/y/'), '/v2/x/y/');
  assert.equal(byPrefix('/api', '/v2', '/api'), '/v2');
  assert.equal(byPrefix('/api', '/v2', '/apiary?'), '/v2ary?');
  assert.equal(byPrefix('/', '/sub/', '/x'), '/sub/x');
});

test('prefix: where the two parts meet there is exactly one slash, if either has one', () => {
  assert.equal(byPrefix('/api', '/', '/api/x'), '/x');
  assert.equal(byPrefix('/api', '/', '/api'), '/');
  assert.equal(byPrefix('/api', '', '/api/x'), '/x');
  assert.equal(byPrefix('/api', '', '/api'), '/');
  assert.equal(byPrefix('/api/', '', '/api/x'), '/x');
  assert.equal(byPrefix('/api/', '/v2', '/api/x'), '/v2/x');
  assert.equal(byPrefix('/api/', '/v2', '/api/'), '/v2/');
  assert.equal(byPrefix('/api', 'v2/', '/api/x'), '/v2/x');
});

test('prefix: a path in normal form is passed on byte for byte', () => {
  assert.equal(byPrefix('/api/', '/', '/api/a%2Fb%20"{|}^;=@'), '/a%2Fb%20"{|}^;=@');
});

test('prefix: another path is passed on in normal form, reserved characters with their escapes', () => {
  assert.equal(byPrefix('/api/', '/', '//%61pi/./x/../y%2fz%3B;%C3%A9"'), '/y%2Fz%3B;%C3%A9%22');
  assert.equal(byPrefix('/caf\u00e9/', '/', '/caf%c3%a9/%2B+'), '/%2B+');
});

test('prefix: an exact path is replaced as a whole, and a route without path gets the prefix in front', () => {
  assert.equal(rewritten(exact('/old'), { kind: 'prefix', value: '/new' }, '/old?q'), '/new?q');
  assert.equal(rewritten(null, { kind: 'prefix', value: '/base' }, '/x'), '/base/x');
  assert.equal(rewritten(null, { kind: 'prefix', value: '/base/' }, '/x'), '/base/x');
  assert.equal(rewritten(regex('x'), { kind: 'prefix', value: '/base' }, '/x'), '/base/x');
});

test('prefix: what was harmless behind the prefix must not become a way up behind the replacement', () => {
  const twice = ['/a%252e%252e/x', '/a.%252E', '/a..%2Fx', '/a..%5Cx', '/a..\\x', '/a..;/x', '/a..%252fx'];
  for (const target of ['/a..', '/a../x', '/a./x', '/a%2e%2e/x', '/a.', ...twice]) {
    assert.equal(byPrefix('/a', '/b/', target), REWRITE_BAD_PATH, target);
  }
  assert.equal(byPrefix('/a', '/b/', '/a.../x'), '/b/.../x');
  assert.equal(byPrefix('/a', '/b', '/a../x'), '/b../x');
  assert.equal(rewritten(null, { kind: 'prefix', value: '/b' }, '/../x'), REWRITE_BAD_PATH);
});

test('path: the whole path is replaced, the query stays', () => {
  assert.equal(rewritten(prefix('/'), { kind: 'path', value: '/one page' }, '/x/y?q'), '/one%20page?q');
  assert.equal(rewritten(prefix('/'), { kind: 'path', value: 'x' }, '/'), '/x');
});

test('regex: as String.prototype.replace on the normal form', () => {
  const rewrite: RewritePlan = { kind: 'regex', regex: '^/user/([0-9]+)(/.*)?$', to: '/u$2/$1' };
  assert.equal(rewritten(null, rewrite, '/user/12/x?q'), '/u/x/12?q');
  assert.equal(rewritten(null, rewrite, '//user/%31/'), '/u//1');
  assert.equal(rewritten(null, rewrite, '/other'), '/other');
  assert.equal(rewritten(null, { kind: 'regex', regex: '\u00e9', to: '\u00e8' }, '/%C3%A9'), '/%C3%A8');
  assert.equal(rewritten(null, { kind: 'regex', regex: '^.*$', to: 'x y%#' }, '/'), '/x%20y%25%23');
  // What would be refused as a request is not made of one.
  assert.equal(rewritten(null, { kind: 'regex', regex: '^.*$', to: 'x\r\n' }, '/'), REWRITE_BAD_PATH);
});

test('regex: a ? in the replacement begins the query, in front of the one that was sent', () => {
  const rewrite: RewritePlan = { kind: 'regex', regex: '^/(.*)$', to: '/index.php?p=$1' };
  assert.equal(rewritten(null, rewrite, '/a/b'), '/index.php?p=a/b');
  assert.equal(rewritten(null, rewrite, '/a?x=1&y'), '/index.php?p=a&x=1&y');
  assert.equal(rewritten(null, rewrite, '/a?'), '/index.php?p=a');
  assert.equal(rewritten(null, rewrite, '/a%3Fb'), '/index.php?p=a%3Fb');
});

test('regex: a result that climbs is refused', () => {
  assert.equal(rewritten(null, { kind: 'regex', regex: '^/a(.*)$', to: '/b/$1' }, '/a../x'), REWRITE_BAD_PATH);
  assert.equal(rewritten(null, { kind: 'regex', regex: 'x', to: '..' }, '/a/x/b'), REWRITE_BAD_PATH);
  assert.equal(rewritten(null, { kind: 'regex', regex: 'x', to: '%2e%2e' }, '/a/x'), REWRITE_BAD_PATH);
  for (const target of ['/a..%2Fx', '/a..%5Cx', '/a..;/x', '/a%252e%252e/x', '/ax/..%2F..%2Fy']) {
    assert.equal(rewritten(null, { kind: 'regex', regex: '^/a', to: '/b/' }, target), REWRITE_BAD_PATH, target);
  }
});

test('what does not fit is said, not cut, and nothing is written behind the end', () => {
  const rewrites: readonly (readonly [PathMatchPlan | null, RewritePlan])[] = [
    [prefix('/a'), { kind: 'prefix', value: '/bcd' }],
    [null, { kind: 'path', value: '/bcdefg' }],
    [null, { kind: 'regex', regex: 'a', to: 'bcdefg' }],
  ];
  for (const [path, rewrite] of rewrites) {
    const { bytes, head } = request('/aaa?q"');
    const one = compiled(path, rewrite);
    const room = one.write(bytes, head, out, 0, out.length);
    for (let end = 0; end < room; end++) {
      out.fill(0xee);
      assert.equal(one.write(bytes, head, out, 0, end), REWRITE_TOO_LONG);
      assert.ok(out.subarray(end, room + 8).every((byte) => byte === 0xee));
    }
    assert.equal(one.write(bytes, head, out, 0, room), room);
  }
  const { bytes, head } = request(`/${'a'.repeat(20_000)}`);
  const growing = compiled(null, { kind: 'regex', regex: '^(.*)$', to: '$1$1$1$1' });
  assert.equal(growing.write(bytes, head, out, 0, out.length), REWRITE_TOO_LONG);
});

function originForm(target: string, method = 'GET'): string {
  const { bytes, head } = request(target, 'a.example', method);
  return text(out, 5, writeOriginForm(bytes, head, out, 5, out.length));
}

test('RFC 9112 section 3.2.1 and 3.2.4: the origin-form of what was sent in absolute-form', () => {
  assert.equal(originForm('http://a.example/x?q'), '/x?q');
  assert.equal(originForm('http://a.example'), '/');
  assert.equal(originForm('http://a.example', 'OPTIONS'), '*');
  assert.equal(originForm('*', 'OPTIONS'), '*');
  assert.equal(originForm('/x//../?'), '/x//../?');
});

const PIECES = [
  '/',
  '/',
  'a',
  'B',
  '.',
  '..',
  '%2e',
  '%2f',
  '%61',
  '%25',
  '%20',
  '%C3%A9',
  '%28',
  ';',
  '"',
  '{',
  '?',
  '&',
  '%41',
];
const target = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);
const ruleText = fc.array(fc.constantFrom('/', 'a', 'b', ' ', '\u00e9', '%', '%2F', '\n', '#', '?'), { maxLength: 5 });

test('whatever the target and the rule, the result is visible ASCII and begins with exactly what the rule says', () => {
  const rewrite = fc.oneof(
    ruleText.map((parts): RewritePlan => ({ kind: 'prefix', value: parts.join('') })),
    ruleText.map((parts): RewritePlan => ({ kind: 'path', value: parts.join('') })),
    fc
      .tuple(fc.constantFrom('a', '/', '.', '^.*$', '%'), ruleText)
      .map(([regex, parts]): RewritePlan => ({ kind: 'regex', regex, to: parts.join('') })),
  );
  fc.assert(
    fc.property(target, rewrite, fc.constantFrom(null, prefix('/'), prefix('/a'), prefix('/a/')), (raw, plan, path) => {
      const result = rewritten(path, plan, raw);
      if (typeof result === 'number') {
        assert.equal(result, REWRITE_BAD_PATH);
        return;
      }
      assert.match(result, /^\/[\x21-\x7e]*$/);
      assert.ok(!result.includes('#'));
      assert.ok(!/%(?![0-9A-Fa-f]{2})/.test(result.split('?')[0]));
    }),
    { numRuns: 3000 },
  );
});

function normal(view: NormalPath): string {
  return text(view.bytes, view.at, view.at + view.length);
}

test('a server that decodes the rewritten path gets the rest of the path that was sent', () => {
  const before = new NormalPath();
  const after = new NormalPath();
  fc.assert(
    fc.property(target, (tail) => {
      const { bytes, head } = request(`/pre/x${tail}`);
      if (!before.readFrom(bytes, head) || !normal(before).startsWith('/pre/x')) return;
      const end = compiled(prefix('/pre/'), { kind: 'prefix', value: '/post/sub/' }).write(
        bytes,
        head,
        out,
        0,
        out.length,
      );
      const query = head.queryLength;
      assert.ok(after.read(out, 0, end - query));
      assert.equal(normal(after), normal(before).replace('/pre/', '/post/sub/'));
      assert.equal(text(out, end - query, end), text(bytes, head.query, head.query + query));
    }),
    { numRuns: 3000 },
  );
});

test('bytes that no parser lets through come out escaped all the same', () => {
  const { bytes, head } = request('/api/xyz?abc');
  bytes[head.path + 6] = 0x0d;
  bytes[head.path + 7] = 0x0a;
  bytes[head.query + 2] = 0x20;
  const end = compiled(prefix('/api/'), { kind: 'prefix', value: '/' }).write(bytes, head, out, 0, out.length);
  assert.equal(text(out, 0, end), '/x%0D%0A?a%20c');
  assert.deepEqual(normaliseRule('/\r\n'), normaliseRule('/%0d%0a'));
});
