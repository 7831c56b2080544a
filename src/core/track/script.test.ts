import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nextRunMs, SCRIPT_TRANSITIONS, ScriptTrack } from './script.ts';

/** `+` and `-` are results of the check, `r` and `R` of the recover command: failed, done. Returns the states. */
function play(track: ScriptTrack, inputs: string): string {
  const states: string[] = [];
  for (const input of inputs) {
    if (input === '+' || input === '-') track.handleCheck(input === '+');
    else track.handleRecovery(input === 'R');
    states.push(track.state);
  }
  return states.join(' ');
}

const CASES: { name: string; rise: number; fall: number; recover: boolean; inputs: string; states: string }[] = [
  { name: 'the first pass decides', rise: 3, fall: 3, recover: false, inputs: '+', states: 'up' },
  { name: 'the first failure decides', rise: 3, fall: 3, recover: false, inputs: '-', states: 'down' },
  {
    name: '`fall` failures in a row take it down',
    rise: 1,
    fall: 3,
    recover: false,
    inputs: '+--+---',
    states: 'up up up up up up down',
  },
  {
    name: '`rise` passes in a row bring it up',
    rise: 2,
    fall: 1,
    recover: false,
    inputs: '+-+-++',
    states: 'up down down down down up',
  },
  {
    name: 'what is recovered never was down',
    rise: 1,
    fall: 2,
    recover: true,
    inputs: '+--R+--R+',
    states: 'up up recovering confirming up up recovering confirming up',
  },
  {
    name: 'recovering that does not help is a failure',
    rise: 1,
    fall: 2,
    recover: true,
    inputs: '+--R-',
    states: 'up up recovering confirming down',
  },
  {
    name: 'a recover command that fails is a failure, and is run once until all is well again',
    rise: 2,
    fall: 2,
    recover: true,
    inputs: '+--r--+--++--R+',
    states: 'up up recovering down down down down down down down up up recovering confirming up',
  },
  {
    name: 'what fails from the start is recovered first',
    rise: 2,
    fall: 2,
    recover: true,
    inputs: '-R+',
    states: 'recovering confirming up',
  },
];

for (const { name, rise, fall, recover, inputs, states } of CASES) {
  test(`a script: ${name}`, () => {
    assert.equal(play(new ScriptTrack({ rise, fall, hasRecover: recover }), inputs), states);
  });
}

test('the verdict is open until the first result, and stays what it was while recovering', () => {
  const track = new ScriptTrack({ rise: 1, fall: 1, hasRecover: true });
  assert.equal(track.isUp, null);
  assert.equal(track.next, 'check');
  track.handleCheck(false);
  assert.equal(track.isUp, null);
  assert.equal(track.next, 'recover');
  track.handleRecovery(true);
  assert.equal(track.isUp, null);
  assert.equal(track.next, 'check-now');
  track.handleCheck(true);
  assert.equal(track.isUp, true);
  track.handleCheck(false);
  assert.equal(track.isUp, true);
  track.handleRecovery(false);
  assert.equal(track.isUp, false);
  assert.equal(track.next, 'check');
});

test('a result that nobody waits for changes nothing', () => {
  const track = new ScriptTrack({ rise: 1, fall: 1, hasRecover: true });
  track.handleRecovery(false);
  assert.equal(track.state, 'unknown');
  track.handleCheck(false);
  track.handleCheck(true);
  assert.equal(track.state, 'recovering');
});

/** The same from the whole history, without states: what an operator would say it should be. */
function naiveVerdict(history: readonly boolean[], rise: number, fall: number): boolean | null {
  let verdict: boolean | null = null;
  for (let end = 1; end <= history.length; end++) {
    const row = (length: number, value: boolean): boolean =>
      end >= length && history.slice(end - length, end).every((result) => result === value);
    if (verdict === null) verdict = history[0];
    else if (verdict && row(fall, false)) verdict = false;
    else if (!verdict && row(rise, true)) verdict = true;
  }
  return verdict;
}

test('without a recover command the verdict is that of a naive reading of the history', () => {
  const count = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(count, count, fc.array(fc.boolean(), { maxLength: 30 }), (rise, fall, history) => {
      const track = new ScriptTrack({ rise, fall, hasRecover: false });
      for (const result of history) track.handleCheck(result);
      assert.equal(track.isUp, naiveVerdict(history, rise, fall));
    }),
  );
});

test('a recover command never makes a verdict worse, and is never run twice without a well check between', () => {
  const count = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(count, count, fc.array(fc.boolean(), { maxLength: 40 }), (rise, fall, results) => {
      const track = new ScriptTrack({ rise, fall, hasRecover: true });
      const checks: boolean[] = [];
      let isArmed = true;
      for (const result of results) {
        if (track.next === 'recover') {
          assert.ok(isArmed, 'recovered twice');
          isArmed = false;
          track.handleRecovery(result);
        } else {
          checks.push(result);
          track.handleCheck(result);
          if (track.state === 'up') isArmed = true;
        }
        // Whoever is down with a recover command had `fall` failures, or failed right after it.
        if (track.isUp === false) assert.equal(track.state, 'down');
      }
      assert.ok(checks.length === 0 || track.isUp !== null || track.state !== 'up');
    }),
  );
});

test('every state of the table can be left', () => {
  for (const [state, ways] of Object.entries(SCRIPT_TRANSITIONS)) {
    assert.ok(
      Object.values(ways).some((to) => to !== state),
      state,
    );
  }
});

test('runs begin at whole intervals, and one that takes too long leaves out what it overlaps', () => {
  const cases = [
    [1000, 2000, 1000, 3000],
    [1000, 2000, 1200, 3000],
    [1000, 2000, 3000, 3000],
    [1000, 2000, 3001, 5000],
    [1000, 2000, 6999, 7000],
  ];
  for (const [began, interval, now, next] of cases) assert.equal(nextRunMs(began, interval, now), next);
});
