import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refreshDelayMs } from './refresh.ts';

test('the time to live counts within 1 s and 60 s, and 10 s where it is unknown', () => {
  assert.equal(refreshDelayMs(0, 0), 1_000);
  assert.equal(refreshDelayMs(5_000, 0), 5_000);
  assert.equal(refreshDelayMs(86_400_000, 0), 60_000);
  assert.equal(refreshDelayMs(null, 0), 10_000);
});

test('a name without an answer is asked for again soon, then less often', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 1000].map((failures) => refreshDelayMs(5_000, failures)),
    [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000],
  );
});
