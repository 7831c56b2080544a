import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEAT_MS, CONNECT_MS_MAX, PeerLink, SILENCE_MS_MAX } from './link.ts';
import { FORMAT, type PeerMessage } from './messages.ts';
import { ABSENCE_MS, ARRIVAL_MS, mayObtainAtMs, MOMENT_MS, type PeerPresence } from './obtainer.ts';

const HELLO: PeerMessage = { type: 'hello', format: FORMAT, node: 'lb02', version: '2' };

function linkOf(node = 'lb01', peer = 'lb02'): PeerLink {
  return new PeerLink({ node, peer, version: '1', fraction: 0 }, 0);
}

function upLink(): PeerLink {
  const link = linkOf();
  link.handleTime(0);
  link.handleConnected(10);
  assert.deepEqual(link.handleMessage(HELLO, 20), [{ kind: 'up' }]);
  return link;
}

function up(name: string): PeerPresence {
  return { name, isUp: true, sinceMs: 5 };
}

function down(name: string, sinceMs: number): PeerPresence {
  return { name, isUp: false, sinceMs };
}

test('the first of two names connects, both say who they are, and then it is up', () => {
  const link = linkOf();
  assert.deepEqual(link.handleTime(0), [{ kind: 'dial' }]);
  assert.equal(link.state, 'connecting');
  assert.deepEqual(link.handleConnected(10), [
    { kind: 'send', message: { type: 'hello', format: FORMAT, node: 'lb01', version: '1', agrees: true } },
  ]);
  assert.deepEqual(link.handleMessage(HELLO, 20), [{ kind: 'up' }]);
  assert.deepEqual([link.state, link.sinceMs, link.reason, link.version], ['up', 20, '', '2']);
  assert.deepEqual(link.handleMessage({ type: 'confirmed', number: 1 }, 30), [
    { kind: 'message', message: { type: 'confirmed', number: 1 } },
  ]);
});

test('the other one waits, and is never the one that connects', () => {
  const link = linkOf('lb02', 'lb01');
  assert.equal(link.nextMs, Infinity);
  assert.deepEqual(link.handleTime(1e9), []);
  link.handleConnected(1);
  link.handleClosed('it is gone', 2);
  assert.deepEqual(link.handleTime(1e9), []);
  assert.deepEqual([link.state, link.reason], ['apart', 'it is gone']);
});

test('whoever was turned away in the place of the peer is named, while it is not there', () => {
  const link = linkOf('lb02', 'lb01');
  link.handleStranger('it is another one');
  assert.deepEqual([link.state, link.reason], ['apart', 'it is another one']);
  link.handleConnected(10);
  link.handleMessage({ ...HELLO, node: 'lb01' }, 20);
  link.handleStranger('it is another one');
  assert.deepEqual([link.state, link.reason], ['up', '']);
});

test('who does not answer is tried later and later, and is gone since the first time', () => {
  const link = linkOf();
  let nowMs = 0;
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    assert.deepEqual(link.handleTime(nowMs), [{ kind: 'dial' }]);
    nowMs += CONNECT_MS_MAX;
    assert.deepEqual(link.handleTime(nowMs), [{ kind: 'close' }]);
    waits.push(link.nextMs - nowMs);
    nowMs = link.nextMs;
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000, 5_000]);
  assert.deepEqual([link.sinceMs, link.reason], [0, 'it does not answer within 5 s']);
});

test('who connects and says nothing, or something else, or is another one, is left', () => {
  const cases: readonly (readonly [PeerMessage | string, RegExp])[] = [
    [{ type: 'beat' }, /does not say who it is/],
    [{ ...HELLO, node: 'lb03' }, /says that it is lb03/],
    [{ ...HELLO, format: 2 }, /speaks format 2, and this one 1/],
    ['it sends too much', /too much/],
  ];
  for (const [message, reason] of cases) {
    const link = linkOf();
    link.handleTime(0);
    link.handleConnected(10);
    assert.deepEqual(link.handleMessage(message, 20), [{ kind: 'close' }]);
    assert.match(link.reason, reason);
    assert.deepEqual(link.handleMessage(HELLO, 30), [], 'what comes after it does not count');
  }
  const silent = linkOf();
  silent.handleTime(0);
  silent.handleConnected(10);
  assert.deepEqual(silent.handleTime(silent.nextMs), [{ kind: 'close' }]);
  assert.match(silent.reason, /says nothing/);
});

test('a peer that is gone without a word is noticed, and one that only beats lives', () => {
  const link = upLink();
  let nowMs = 20;
  for (let i = 0; i < 100; i++) {
    nowMs = link.nextMs;
    assert.deepEqual(link.handleTime(nowMs), [{ kind: 'send', message: { type: 'beat' } }]);
    assert.deepEqual(link.handleMessage({ type: 'beat' }, nowMs), []);
  }
  const heardMs = nowMs;
  while (link.state === 'up') {
    nowMs = link.nextMs;
    link.handleTime(nowMs);
  }
  assert.ok(nowMs - heardMs >= SILENCE_MS_MAX && nowMs - heardMs <= SILENCE_MS_MAX + BEAT_MS);
  assert.deepEqual([link.reason, link.sinceMs], ['it was silent for 10 s', nowMs]);
  assert.deepEqual(link.handleTime(nowMs + 500), [{ kind: 'dial' }], 'it was up: it is tried soon');
});

test('the first of the names asks for certificates, and the next one when it is not there for long', () => {
  assert.equal(mayObtainAtMs('lb01', []), 0);
  assert.equal(mayObtainAtMs('lb01', [up('lb02')]), 5 + ARRIVAL_MS);
  assert.equal(mayObtainAtMs('lb01', [down('lb02', 7)]), 7 + MOMENT_MS);
  assert.equal(mayObtainAtMs('lb02', [up('lb01')]), Infinity);
  assert.equal(mayObtainAtMs('lb02', [down('lb01', 7)]), 7 + ABSENCE_MS);
  assert.equal(mayObtainAtMs('lb03', [down('lb01', 7), up('lb02')]), Infinity);
  assert.equal(mayObtainAtMs('lb03', [down('lb01', 7), down('lb02', 9)]), 9 + ABSENCE_MS);
});
