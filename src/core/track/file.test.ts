import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeNumber, parseTrackedNumber } from './file.ts';

test('the number that a file begins with counts, as keepalived 2.2.7 reads it', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['7\n', 7],
    ['  8 x', 8],
    ['7.9\n', 7],
    ['-200', -200],
    ['+3', 3],
    ['hello', 0],
    ['', 0],
    ['-', 0],
    ['2147483647', 2147483647],
    ['99999999999', null],
  ];
  for (const [text, value] of cases) assert.equal(parseTrackedNumber(text), value, JSON.stringify(text));
});

test('without a weight all but 0 is a fault; with one the product is added, and a fault below -253', () => {
  assert.deepEqual(judgeNumber(0, 0), { isUp: true, amount: 0 });
  assert.deepEqual(judgeNumber(-1, 0), { isUp: false, amount: 0 });
  assert.deepEqual(judgeNumber(3, 2), { isUp: true, amount: 6 });
  assert.deepEqual(judgeNumber(-253, 1), { isUp: true, amount: -253 });
  assert.deepEqual(judgeNumber(127, -2), { isUp: false, amount: 0 });
  assert.deepEqual(judgeNumber(500, 1), { isUp: true, amount: 500 });
});
