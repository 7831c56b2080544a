import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recurrence, TELL_INTERVAL_MS } from './recurrence.ts';

test('the first is told at once, and then one telling a minute while there are more', () => {
  const recurrence = new Recurrence<string>();
  assert.deepEqual(recurrence.handle(1000, 'a', 'A', 1, 'id-1'), {
    subject: 'A',
    count: 1,
    withinMs: 0,
    sample: 'id-1',
  });
  for (let i = 0; i < 1000; i++) assert.equal(recurrence.handle(1001 + i, 'a', 'A', 2, `id-${i}`), null);
  assert.equal(recurrence.nextDeadline, 1000 + TELL_INTERVAL_MS);
  assert.deepEqual(recurrence.due(1000 + TELL_INTERVAL_MS - 1), []);
  assert.deepEqual(recurrence.due(1000 + TELL_INTERVAL_MS), [
    { subject: 'A', count: 2000, withinMs: TELL_INTERVAL_MS, sample: 'id-999' },
  ]);
});

test('after a quiet minute the next one is a first one, and nothing is kept', () => {
  const recurrence = new Recurrence<string>();
  recurrence.handle(0, 'a', 'A', 1, '');
  assert.deepEqual(recurrence.due(TELL_INTERVAL_MS), []);
  assert.equal(recurrence.nextDeadline, Infinity);
  assert.notEqual(recurrence.handle(TELL_INTERVAL_MS + 1, 'a', 'A', 1, ''), null);
});

test('keys are counted apart', () => {
  const recurrence = new Recurrence<string>();
  assert.notEqual(recurrence.handle(0, 'a', 'A', 1, ''), null);
  assert.notEqual(recurrence.handle(0, 'b', 'B', 1, ''), null);
});
