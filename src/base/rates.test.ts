import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf, perSecond, quantileOf } from './rates.ts';

test('rates are of what was added, and of a counter that began anew nothing', () => {
  assert.deepEqual([perSecond(10, 30, 4), perSecond(30, 10, 4), perSecond(10, 30, 0)], [5, 0, 0]);
  assert.deepEqual(growthOf([1, 5], [3, 2, 4]), [2, 0, 4]);
});

test('quantiles are between the bounds of their bucket', () => {
  assert.equal(quantileOf([], 0.5), null);
  assert.equal(quantileOf([0, 0], 0.5), null);
  assert.equal(quantileOf([10], 0.5), 0.5);
  assert.equal(quantileOf([10, 0, 0], 0.5), 0.5);
  assert.equal(quantileOf([0, 10], 0.5), 1.5);
  assert.equal(quantileOf([5, 5, 0], 0.5), 1);
  assert.equal(quantileOf([0, 0, 4, 4], 0.5), 4);
  assert.equal(quantileOf([0, 0, 4, 4], 0.99), 7.92);
  assert.equal(quantileOf([5, 0, 0, 5], 0.5), 1);
  assert.equal(quantileOf([0, 0, 10], 1), 4);
});
