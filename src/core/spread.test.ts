import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingsDue } from './spread.ts';

/** How many are closed at each look, until none is left. */
function closings(count: number, everyMs: number, withinMs: number): number[] {
  const closed: number[] = [];
  for (let now = everyMs; count > 0; now += everyMs) {
    const due = closingsDue(count, everyMs, withinMs - (now - everyMs));
    closed.push(due);
    count -= due;
  }
  return closed;
}

test('many are closed evenly, and all of them in time', () => {
  const closed = closings(10_000, 50, 1000);
  assert.equal(closed.length, 20);
  assert.ok(closed.every((count) => count === 500));
});

test('a few are closed one at a time', () => {
  assert.deepEqual(closings(3, 50, 1000), [1, 1, 1]);
});

test('without any time, or late, all are closed at once', () => {
  assert.equal(closingsDue(70, 50, 0), 70);
  assert.equal(closingsDue(70, 50, 50), 70);
  assert.equal(closingsDue(70, 2000, 1000), 70);
  assert.equal(closingsDue(0, 50, 1000), 0);
});
