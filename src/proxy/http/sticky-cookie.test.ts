import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8, latin1 } from '../../base/text.ts';
import type { StickyCookiePlan } from '../../config/plan/upstream.ts';
import { request } from '../../core/value/fixtures.test.ts';
import { StickyCookie } from './sticky-cookie.ts';

const NOW = Date.UTC(1994, 10, 6, 8, 49, 37);
const PLAN: StickyCookiePlan = {
  name: 's',
  maxAgeS: null,
  domain: '',
  sameSite: '',
  path: '',
  secure: false,
  isHttpOnly: false,
  isSaidAlways: false,
};

function line(changes: Partial<StickyCookiePlan>, target = '/'): string {
  const cookie = new StickyCookie({ ...PLAN, ...changes });
  const attributes = cookie.render(request(target));
  const lines = latin1Of(cookie.addTo(encodeUtf8('A: b\r\n'), encodeUtf8('id'), attributes, NOW));
  assert.match(lines, /^A: b\r\nSet-Cookie: s=id(.*)\r\n$/);
  return lines.slice('A: b\r\nSet-Cookie: s=id'.length, -2);
}

function latin1Of(bytes: Uint8Array): string {
  return latin1(bytes, 0, bytes.length);
}

test('a cookie has the attributes that are asked for', () => {
  assert.equal(line({}), '');
  assert.equal(line({ path: '/a', isHttpOnly: true, secure: true }), '; path=/a; httponly; secure');
  assert.equal(line({ secure: 'auto' }), '', 'the client speaks in clear');
  assert.equal(line({ maxAgeS: 3780 }), '; expires=Sun, 06-Nov-94 09:52:37 GMT; max-age=3780');
  assert.equal(line({ maxAgeS: 315_360_000 }), '; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000');
});

test('values of a request may say its domain and SameSite, and nothing else', () => {
  const changes = { domain: '{query:d}', sameSite: '{query:s}' };
  assert.equal(line(changes, '/?d=a.example&s=lax'), '; domain=a.example; samesite=lax');
  assert.equal(line(changes, '/?d=&s='), '');
  assert.equal(line(changes, '/?s=wrong'), '; samesite=strict');
  assert.equal(line(changes, '/?d=a;path=/&s=none'), '; samesite=none', 'it would end before its time');
  assert.equal(line(changes, `/?d=${'a'.repeat(300)}`), '');
});

test('what is the same for the next request is the same array', () => {
  const cookie = new StickyCookie({ ...PLAN, domain: '{host}' });
  const first = cookie.render(request('/', 'a.example'));
  assert.equal(cookie.render(request('/b', 'a.example')), first);
  assert.notEqual(cookie.render(request('/', 'b.example')), first);
  assert.equal(latin1Of(first), '; domain=a.example', 'what was rendered stays');
});
