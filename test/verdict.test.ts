import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from './run-files.ts';
import { type Runs, verdictOf } from './verdict.ts';

const WELL: Outcome = { passed: 3, skipped: [], failed: [] };
const NOTHING: Outcome = { passed: 0, skipped: [], failed: [] };
const ILL: Outcome = { passed: 2, skipped: [], failed: [{ name: 'it moves', file: 'test/moves.test.js' }] };

function runs(changes: Partial<Runs>): Runs {
  return { first: [WELL], again: NOTHING, repeated: [], mustNotSkip: false, mustBeStable: false, ...changes };
}

test('a run in which everything passes is good', () => {
  assert.deepEqual(verdictOf(runs({})), { isGood: true, lines: ['3 passed, 0 failed, 0 unstable, 0 skipped'] });
});

test('a test that passes only when it is repeated is told as unstable', () => {
  const { lines } = verdictOf(runs({ first: [WELL, ILL], again: WELL, repeated: ['test/moves.test.js'] }));
  assert.deepEqual(lines, ['unstable: test/moves.test.js: it moves', '5 passed, 0 failed, 1 unstable, 0 skipped']);
});

test('a test that fails again is broken, not unstable', () => {
  const { isGood, lines } = verdictOf(runs({ first: [ILL], again: ILL, repeated: ['test/moves.test.js'] }));
  assert.equal(isGood, false);
  assert.deepEqual(lines, ['failed: test/moves.test.js: it moves', '2 passed, 1 failed, 0 unstable, 0 skipped']);
});

test('what cannot be repeated has failed', () => {
  const { isGood, lines } = verdictOf(runs({ first: [ILL] }));
  assert.equal(isGood, false);
  assert.match(lines[0], /^failed: /);
});

test('a test of the same name in another file is another test', () => {
  const other: Outcome = { ...NOTHING, failed: [{ name: 'it moves', file: 'test/other.test.js' }] };
  const { lines } = verdictOf(runs({ first: [ILL], again: other, repeated: ['test/moves.test.js'] }));
  assert.deepEqual(lines.slice(0, 2), [
    'failed: test/other.test.js: it moves',
    'unstable: test/moves.test.js: it moves',
  ]);
});

test('a run without a test is not good, nor one that skips where it must not', () => {
  assert.equal(verdictOf(runs({ first: [NOTHING] })).isGood, false);
  const skipping = { ...WELL, skipped: ['it flies (no wings)'] };
  assert.equal(verdictOf(runs({ first: [skipping] })).isGood, true);
  assert.equal(verdictOf(runs({ first: [skipping], mustNotSkip: true })).isGood, false);
});

test('where tests must be stable, one that passes only when it is repeated fails the run', () => {
  const unstable = { first: [WELL, ILL], again: WELL, repeated: ['test/moves.test.js'] };
  assert.equal(verdictOf(runs(unstable)).isGood, true);
  const { isGood, lines } = verdictOf(runs({ ...unstable, mustBeStable: true }));
  assert.equal(isGood, false);
  assert.deepEqual(lines, [
    'unstable: test/moves.test.js: it moves',
    'no test may be unstable here',
    '5 passed, 0 failed, 1 unstable, 0 skipped',
  ]);
  assert.equal(verdictOf(runs({ mustBeStable: true })).isGood, true);
});
