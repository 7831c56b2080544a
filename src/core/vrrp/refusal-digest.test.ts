import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalDigest } from './refusal-digest.ts';
import { type Refusal, REFUSALS, refusalText } from './refusals.ts';

const S = 1_000_000;
const A = Uint8Array.of(192, 0, 2, 1);
const B = Uint8Array.of(192, 0, 2, 2);

test('the first one is told at once, the others once a second, by reason and with their number', () => {
  const totals = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<Refusal, number>;
  const digest = new RefusalDigest(totals);
  const refuse = (reason: Refusal, source: Uint8Array, nowUs: number): void => {
    totals[reason]++;
    digest.note(reason, source, nowUs, -7.25 * S);
  };
  assert.equal(digest.deadlineUs, Number.POSITIVE_INFINITY);
  refuse('ttl', A, S);
  assert.equal(digest.deadlineUs, S);
  assert.deepEqual(digest.tick(S), [{ kind: 'refused', reason: 'ttl', from: '192.0.2.1', why: '', count: 1 }]);
  for (let i = 0; i < 1000; i++) refuse(i % 4 === 0 ? 'checksum' : 'ttl', i === 0 ? A : B, S + i);
  assert.equal(digest.deadlineUs, 2 * S);
  assert.deepEqual(digest.tick(2 * S - 1), []);
  assert.deepEqual(digest.tick(2 * S), [
    { kind: 'refused', reason: 'ttl', from: '192.0.2.2', why: '', count: 750 },
    { kind: 'refused', reason: 'checksum', from: '192.0.2.1', why: '', count: 250 },
  ]);
  assert.equal(digest.deadlineUs, Number.POSITIVE_INFINITY);
});

test('clocks that do not agree, and other keys, are told in words', () => {
  assert.equal(refusalText('stale', 7.25 * S), 'signed 7.3 s ahead of this clock: do the clocks agree?');
  assert.equal(refusalText('stale', -3_600 * S), 'signed 3600.0 s behind this clock: do the clocks agree?');
  assert.equal(refusalText('code', 0), 'signed with another key');
});
