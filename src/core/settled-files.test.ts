import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LOOK_INTERVAL_MS, SettledFiles, type Sight } from './settled-files.ts';

function watch(read: Record<string, string>): SettledFiles {
  const files = new SettledFiles();
  files.handleRead(sight(read));
  return files;
}

function sight(states: Record<string, string>): Sight {
  return new Map(Object.entries(states));
}

/** What each look of a row sees of one file, and in which looks it says that it has changed. */
function looks(states: string): number[] {
  const files = watch({ f: states[0] });
  return Array.from(states).flatMap((state, i) => {
    return files.handleLook(i * LOOK_INTERVAL_MS, new Map([['f', state]])).length > 0 ? [i] : [];
  });
}

test('a change is one when it has stood still for two looks', () => {
  assert.deepEqual(looks('aaaa'), []);
  assert.deepEqual(looks('aabbbb'), [4]);
  assert.deepEqual(looks('abcdeeeee'), [6], 'a file that is being written');
  assert.deepEqual(looks('a-bbbb'), [4], 'gone for a moment');
  assert.deepEqual(looks('abaaaa'), [], 'and back again');
  assert.deepEqual(looks('abbbccc'), [3, 6]);
});

test('what was replaced after it was read and before the first look has changed, as soon as it rests', () => {
  const files = watch({ f: '1', key: 'a' });
  assert.deepEqual(files.handleLook(5_000, sight({ f: '1', key: 'b' })), []);
  assert.deepEqual(files.handleLook(6_000, sight({ f: '1', key: 'b' })), ['key']);
  files.handleRead(sight({ f: '1', key: 'b', more: 'x' }));
  assert.deepEqual(files.handleLook(6_500, sight({ f: '1', key: 'b', more: 'y' })), []);
  assert.deepEqual(files.handleLook(7_500, sight({ f: '1', key: 'b', more: 'y' })), ['more']);
});

test('what was read before a change that is known by now has changed', () => {
  const files = watch({ f: 'old' });
  files.handleLook(0, sight({ f: 'new' }));
  assert.deepEqual(files.handleLook(1_000, sight({ f: 'new' })), ['f']);
  files.handleRead(sight({ f: 'new' }));
  assert.deepEqual(files.handleLook(1_500, sight({ f: 'new' })), []);
  files.handleRead(sight({ f: 'old' }));
  assert.deepEqual(files.handleLook(2_000, sight({ f: 'new' })), ['f']);
  assert.deepEqual(files.handleLook(2_500, sight({ f: 'new' })), [], 'it is told once');
});

test('the last state is always taken note of once it rests, and nothing is told twice', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[abc]{1,30}$/), (states) => {
      const whole = `${states}${states.at(-1)!.repeat(3)}`;
      const files = watch({ f: whole[0] });
      let known = whole[0];
      Array.from(whole).forEach((state, i) => {
        if (files.handleLook(i * LOOK_INTERVAL_MS, new Map([['f', state]])).length === 0) return;
        assert.notEqual(state, known);
        assert.equal(state, whole[i - 1]);
        known = state;
      });
      assert.equal(known, whole.at(-1));
    }),
  );
});
