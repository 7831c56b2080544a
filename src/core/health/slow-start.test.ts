import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nextStepMs, slowStartShare } from './slow-start.ts';

test('the share rises from one eighth to all', () => {
  assert.equal(slowStartShare(0, 30_000), 1 / 8);
  assert.equal(slowStartShare(15_000, 30_000), 18 / 32);
  assert.equal(slowStartShare(29_999, 30_000), 31 / 32);
  assert.equal(slowStartShare(30_000, 30_000), 1);
});

test('going from step to step visits every share in order and ends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), (slowStartMs) => {
      let at = 0;
      let steps = 0;
      for (; at < slowStartMs; steps++) {
        const next = nextStepMs(at, slowStartMs);
        assert.ok(next > at && next <= slowStartMs);
        assert.ok(slowStartShare(next, slowStartMs) >= slowStartShare(at, slowStartMs));
        at = next;
      }
      assert.ok(steps <= 29, `${steps} changes of weight`);
      assert.equal(slowStartShare(at, slowStartMs), 1);
    }),
  );
});
