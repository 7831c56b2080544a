import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashKeyPlan } from '../../config/plan/upstream.ts';
import { request } from '../value/fixtures.test.ts';
import { HashKey } from './hash-key.ts';

const FALLBACK = 12345;

function key(plan: HashKeyPlan, target: string, ...fields: string[]): number {
  return new HashKey(plan).of(request(target, 'a.example', 'GET', fields), FALLBACK);
}

const header: HashKeyPlan = { kind: 'header', name: 'x-user' };
const cookie: HashKeyPlan = { kind: 'cookie', name: 'sid' };
const query: HashKeyPlan = { kind: 'query', name: 'u' };
const path: HashKeyPlan = { kind: 'path', name: null };

test('the keys are the same for ever', () => {
  assert.deepEqual(
    [
      key(header, '/', 'X-User: alice'),
      key(cookie, '/', 'Cookie: sid=alice'),
      key(query, '/?u=alice'),
      key(path, '/alice'),
    ],
    [-1350780298, -1350780298, -1350780298, -548393616],
  );
});

test('header: the value of the first field of that name', () => {
  const alice = key(header, '/', 'X-User: alice');
  assert.notEqual(key(header, '/', 'X-User: bob'), alice);
  assert.equal(key(header, '/x?y', 'A: b', 'x-uSER:alice ', 'X-User: bob'), alice);
});

test('RFC 6265 section 4.2.1: the first cookie of that name, in any Cookie field', () => {
  const alice = key(cookie, '/', 'Cookie: sid=alice');
  assert.equal(key(cookie, '/', 'Cookie: a=b; sid=alice; sid=bob'), alice);
  assert.equal(key(cookie, '/', 'Cookie: a=b;sid=alice'), alice);
  assert.equal(key(cookie, '/', 'Cookie: a=sid=bob;  sid=alice ; x'), alice);
  assert.equal(key(cookie, '/', 'Cookie: asid=bob; sidx=bob; sid; SID=bob', 'Cookie: sid=alice'), alice);
  assert.equal(key(cookie, '/', 'X-Cookie: sid=alice'), FALLBACK);
  for (const other of ['sid', 'sid=', 'sid=; x=alice', '', ';;', 'si', 'x=1; si']) {
    assert.equal(key(cookie, '/', `Cookie: ${other}`), FALLBACK, other);
  }
});

test('query: the first parameter of that name, decoded', () => {
  const alice = key(query, '/?u=alice');
  assert.equal(key(query, '/x?a=b&u=%61lice&u=bob'), alice);
  assert.equal(key(query, '/x?%75=alice'), alice);
  assert.equal(key(query, '/?u=a+b'), key(query, '/?u=a%20b'));
});

test('path: however it is spelt, and without the query', () => {
  const one = key(path, '/a/b');
  assert.equal(key(path, '/a/b?c'), one);
  assert.equal(key(path, '//a/./%62'), one);
  assert.notEqual(key(path, '/a/b/'), one);
  assert.equal(key(path, '/..'), key(path, '/..?'));
  assert.equal(key(path, 'http://a.example'), key(path, '/'));
});

test('a request without the value gets the fallback, and so does an empty value', () => {
  assert.equal(key(header, '/'), FALLBACK);
  assert.equal(key(header, '/', 'X-User:'), FALLBACK);
  assert.equal(key(cookie, '/'), FALLBACK);
  assert.equal(key(query, '/?v=1'), FALLBACK);
  assert.equal(key(query, '/?u='), FALLBACK);
});
