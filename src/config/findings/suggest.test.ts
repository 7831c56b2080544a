import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviseUnknownKey, calledElsewhere, type KeysBelow, nearest, orList } from './suggest.ts';

test('the nearest word is found through a typing error, a swap, case and underscores', () => {
  const words = ['bind', 'protocol', 'timeouts', 'max-connections', 'routes'];
  assert.equal(nearest('bnid', words), 'bind');
  assert.equal(nearest('Bind', words), 'bind');
  assert.equal(nearest('protocl', words), 'protocol');
  assert.equal(nearest('timeout', words), 'timeouts');
  assert.equal(nearest('max_conections', words), 'max-connections');
  assert.equal(nearest('router', words), 'routes');
});

test('a word that is near to nothing finds nothing', () => {
  assert.equal(nearest('xyz', ['bind', 'protocol']), null);
  assert.equal(nearest('', ['bind']), null);
  assert.equal(nearest('bind', []), null);
  assert.equal(nearest('a'.repeat(100_000), ['bind']), null);
});

function below(...names: string[]): KeysBelow {
  return { isList: false, keys: names };
}

test('an unknown key is advised by what others call it, by where it belongs, by likeness, or by what is possible', () => {
  const keys = { bind: below(), limits: below('head', 'connections'), timeouts: below('head', 'idle') };
  assert.equal(adviseUnknownKey('listen', {}, keys), 'write `bind`');
  assert.equal(adviseUnknownKey('idle', {}, keys), 'write `idle` inside `timeouts`');
  assert.equal(adviseUnknownKey('head', {}, keys), 'write `head` inside `limits` or `timeouts`');
  assert.equal(adviseUnknownKey('maxconn', {}, keys), 'write `connections` inside `limits`');
  assert.equal(adviseUnknownKey('limit', {}, keys), 'write `limits`, and below it head or connections');
  assert.equal(adviseUnknownKey('colour', {}, keys), 'leave it out; what is possible here: bind, limits, timeouts');
});

test('what is there already is not advised again', () => {
  assert.equal(adviseUnknownKey('bnid', { bind: '*:80' }, { bind: { isList: false, keys: [] } }), 'leave it out');
});

test('a list in words has its `or`', () => {
  assert.equal(orList([]), '');
  assert.equal(orList(['a']), 'a');
  assert.equal(orList(['a', 'b']), 'a or b');
  assert.equal(orList(['a', 'b', 'c']), 'a, b or c');
});

test('what others call a value leads to the key that has it here', () => {
  assert.equal(calledElsewhere('http', ['relay', 'kernel']), 'write `protocol: http`');
  assert.equal(calledElsewhere('h2', ['http', 'tcp', 'udp']), 'write http, and `http2: true` beside it');
  assert.equal(calledElsewhere('h2c', ['http1', 'http2', 'auto']), 'write http2');
  assert.equal(calledElsewhere('xyz', ['relay', 'kernel']), null);
  assert.equal(adviseUnknownKey('gzip', {}, { compress: below('level') }), 'write `compress`');
});
