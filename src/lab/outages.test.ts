import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from './outages.ts';

test('an outage lasts from the first failed request to the first one that is answered again', () => {
  const outages = new Outages();
  outages.add(0, 'answered');
  outages.add(1, 'refused');
  outages.add(2, 'no answer');
  outages.add(5, 'answered');
  assert.deepEqual(outages.all, [{ fromMs: 1, toMs: 5, failed: 2, outcomes: { refused: 1, 'no answer': 1 } }]);
  assert.equal(outages.isDown, false);
  assert.equal(outages.longestMs(100), 4);
});

test('an outage that has not ended lasts until now', () => {
  const outages = new Outages();
  outages.add(10, 'reset');
  assert.equal(outages.isDown, true);
  assert.equal(outages.longestMs(25), 15);
  assert.equal(outages.totalMs(25), 15);
});

test('several outages add up, and so do the ways in which requests failed', () => {
  const outages = new Outages();
  for (const [at, outcome] of [
    [0, 'reset'],
    [2, 'answered'],
    [3, 'reset'],
    [4, 'refused'],
    [8, 'answered'],
  ] as const) {
    outages.add(at, outcome);
  }
  assert.equal(outages.totalMs(8), 7);
  assert.equal(outages.longestMs(8), 5);
  assert.deepEqual(outages.outcomes(), { reset: 2, refused: 1 });
  assert.equal(outages.blindMs, 4);
});
