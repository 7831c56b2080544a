import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quorum } from './quorum.ts';

/** What becomes of these weights, one after the other. */
function judged(weights: readonly number[], weight: number, hysteresis: number): boolean[] {
  const quorum = new Quorum();
  return weights.map((sum) => {
    quorum.judge(sum, { weight, hysteresis });
    return quorum.isMet;
  });
}

test('a quorum is met from its weight on, and lost below it', () => {
  assert.deepEqual(judged([0, 1, 2, 3, 2, 1, 2], 2, 0), [false, false, true, true, true, false, true]);
});

test('with hysteresis it takes more to be met, and less to be lost', () => {
  assert.deepEqual(judged([3, 4, 3, 2, 1, 2, 3, 4], 3, 1), [false, true, true, true, false, false, false, true]);
});

test('with nothing it is lost, whatever the hysteresis is', () => {
  assert.deepEqual(judged([3, 1, 0], 1, 2), [true, true, false]);
});
