import assert from 'node:assert/strict';
import { test } from 'node:test';
import { select, type Wanted } from './selection.ts';

const ALL = [
  'test/ha-run.test.js',
  'test/http-routes.test.js',
  'test/ha-interop.test.js',
  'test/ha-interop-rivals.test.js',
  'test/keepalived-differential.test.js',
  'src/base/hash.test.js',
  'src/keeper/keeper.test.js',
  'sim/sim.test.js',
];

function wanted(changes: Partial<Wanted> = {}): Wanted {
  return { words: [], isUnitOnly: false, hasLong: false, ...changes };
}

test('a run leaves out what takes minutes, and says so', () => {
  const { sharing, others, alone, left } = select(ALL, wanted());
  assert.deepEqual(sharing, ['src/base/hash.test.js', 'src/keeper/keeper.test.js']);
  assert.deepEqual(others, ['test/ha-run.test.js', 'sim/sim.test.js', 'test/http-routes.test.js']);
  assert.deepEqual(alone, []);
  assert.deepEqual(
    left.map(([start]) => start),
    ['test/ha-interop', 'test/keepalived-differential'],
  );
});

test('a run of everything has each file once', () => {
  const { sharing, others, alone, left } = select(ALL, wanted({ hasLong: true }));
  assert.deepEqual([...sharing, ...others, ...alone].toSorted(), ALL.toSorted());
  assert.deepEqual(alone, ['test/ha-interop-rivals.test.js', 'test/ha-interop.test.js']);
  assert.equal(others[0], 'test/keepalived-differential.test.js');
  assert.deepEqual(left, []);
});

test('what is named is run, however long it takes', () => {
  const { others, alone, left } = select(ALL, wanted({ words: ['rivals', 'differential'] }));
  assert.deepEqual(others, ['test/keepalived-differential.test.js']);
  assert.deepEqual(alone, ['test/ha-interop-rivals.test.js']);
  assert.deepEqual(left, []);
});

test('the tests of the pure layers are all that there is of them, and leave nothing out', () => {
  assert.deepEqual(select(ALL, wanted({ isUnitOnly: true })), {
    sharing: ['src/base/hash.test.js'],
    others: [],
    alone: [],
    left: [],
  });
});
