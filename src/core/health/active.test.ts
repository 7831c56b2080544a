import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ActiveHealth } from './active.ts';

function after(rise: number, fall: number, results: string): string {
  const health = new ActiveHealth(rise, fall);
  for (const result of results) health.handleResult(result === '+');
  return health.state;
}

test('a server is assumed to be up before its first probe', () => {
  assert.equal(after(2, 3, ''), 'assumed');
});

test('the first probe decides: one failure takes an assumed server down, one pass confirms it', () => {
  assert.equal(after(2, 3, '-'), 'down');
  assert.equal(after(2, 3, '+'), 'up');
});

test('a server that was seen up goes down after `fall` failures in a row and not before', () => {
  assert.equal(after(2, 3, '+--'), 'up');
  assert.equal(after(2, 3, '+---'), 'down');
  assert.equal(after(2, 3, '+--+--+--'), 'up');
});

test('a server that is down comes up after `rise` passes in a row and not before', () => {
  assert.equal(after(2, 3, '-+'), 'down');
  assert.equal(after(2, 3, '-++'), 'up');
  assert.equal(after(2, 3, '-+-+-+'), 'down');
});

test('rise and fall of 1 follow every probe', () => {
  assert.equal(after(1, 1, '+-'), 'down');
  assert.equal(after(1, 1, '+-+'), 'up');
});

test('any row of results gives the state that reading the whole history gives', () => {
  const counts = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(counts, counts, fc.array(fc.boolean(), { maxLength: 60 }), (rise, fall, results) => {
      const health = new ActiveHealth(rise, fall);
      let isUp = true;
      results.forEach((isPassed, i) => {
        const changed = health.handleResult(isPassed);
        // The naive model: look back over as many results as are needed now.
        const need = i === 0 ? 1 : isUp ? fall : rise;
        const row = results.slice(Math.max(0, i + 1 - need), i + 1);
        const isTurned = row.length === need && row.every((result) => result !== isUp);
        if (isTurned) isUp = !isUp;
        assert.equal(health.state, isUp ? 'up' : 'down');
        assert.equal(changed, isTurned || i === 0);
      });
    }),
  );
});
