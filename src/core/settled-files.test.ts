import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LOOK_INTERVAL_MS, SettledFiles } from './settled-files.ts';

/** What each look of a row sees of one file, and in which looks it says that it has changed. */
function looks(states: string): number[] {
  const files = new SettledFiles(new Map([['f', states[0]]]));
  return Array.from(states).flatMap((state, i) => {
    return files.handleLook(i * LOOK_INTERVAL_MS, new Map([['f', state]])).length > 0 ? [i] : [];
  });
}

function withKey(state: string): Map<string, string> {
  return new Map([
    ['f', '1'],
    ['key', state],
  ]);
}

test('a change is one when it has stood still for two looks', () => {
  assert.deepEqual(looks('aaaa'), []);
  assert.deepEqual(looks('aabbbb'), [4]);
  assert.deepEqual(looks('abcdeeeee'), [6], 'a file that is being written');
  assert.deepEqual(looks('a-bbbb'), [4], 'gone for a moment');
  assert.deepEqual(looks('abaaaa'), [], 'and back again');
  assert.deepEqual(looks('abbbccc'), [3, 6]);
});

test('a file that is looked at from now on has not changed, the next time it has', () => {
  const files = new SettledFiles(new Map([['f', '1']]));
  assert.deepEqual(files.handleLook(0, withKey('a')), []);
  assert.deepEqual(files.handleLook(500, withKey('b')), []);
  assert.deepEqual(files.handleLook(1_500, withKey('b')), ['key']);
});

test('the last state is always taken note of once it rests, and nothing is told twice', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[abc]{1,30}$/), (states) => {
      const whole = `${states}${states.at(-1)!.repeat(3)}`;
      const files = new SettledFiles(new Map([['f', whole[0]]]));
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
