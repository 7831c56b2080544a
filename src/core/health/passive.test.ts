import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FailureWindow } from './passive.ts';

test('three failures within ten seconds are too many, wherever the seconds begin', () => {
  const window = new FailureWindow(3, 10_000);
  assert.equal(window.handleFailures(9_000, 1), false);
  assert.equal(window.handleFailures(9_500, 1), false);
  assert.equal(window.handleFailures(18_000, 1), true);
});

test('failures that are further apart never add up', () => {
  const window = new FailureWindow(2, 1_000);
  for (let now = 0; now < 100_000; now += 1_000) assert.equal(window.handleFailures(now, 1), false);
});

test('failures that are reported together count one by one', () => {
  assert.equal(new FailureWindow(3, 1_000).handleFailures(0, 2), false);
  assert.equal(new FailureWindow(3, 1_000).handleFailures(0, 3), true);
  assert.equal(new FailureWindow(3, 1_000).handleFailures(0, 1_000_000_000), true);
});

test('having been too many, they are forgotten', () => {
  const window = new FailureWindow(2, 1_000);
  assert.equal(window.handleFailures(0, 3), true);
  assert.equal(window.handleFailures(1, 1), false);
  assert.equal(window.handleFailures(2, 1), true);
});

test('after clear the count begins anew', () => {
  const window = new FailureWindow(2, 1_000);
  window.handleFailures(0, 1);
  window.clear();
  assert.equal(window.handleFailures(1, 1), false);
});

test('any history gives what counting all failures of the window gives', () => {
  const step = fc.record({ passedMs: fc.integer({ min: 0, max: 50 }), count: fc.integer({ min: 1, max: 3 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 50 }), (failures, steps) => {
      const window = new FailureWindow(failures, 100);
      let all: number[] = [];
      let now = 0;
      for (const { passedMs, count } of steps) {
        now += passedMs;
        for (let i = 0; i < count; i++) all.push(now);
        const isTooMany = all.filter((time) => time > now - 100).length >= failures;
        assert.equal(window.handleFailures(now, count), isTooMany);
        if (isTooMany) all = [];
      }
    }),
  );
});
