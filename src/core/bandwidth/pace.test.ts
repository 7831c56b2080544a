import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Pace } from './pace.ts';

/** What has gone on by then of a stream that is never short of bytes, and is looked at when it is due, so late. */
function run(rate: number, after: number, untilMs: number, lateMs: () => number, pieceMax = Infinity): number {
  const pace = new Pace(rate, after, 0);
  let total = 0;
  let looks = 0;
  for (let now = 0; now < untilMs; now = Math.max(now, pace.dueAt) + lateMs()) {
    let room = pace.room(now);
    assert.ok(room > 0, `nothing may go on at ${now} though it is due`);
    while (room > 0) {
      const piece = Math.min(room, pieceMax);
      pace.pass(piece);
      total += piece;
      room = pace.room(now);
    }
    assert.ok(pace.dueAt > now, 'the next time to look is later');
    assert.ok(++looks <= 2 + untilMs / Math.min(250, 1000 / rate), 'it is not looked at again and again');
  }
  return total;
}

test('the first second goes at once, and the rest by the rate', () => {
  const pace = new Pace(1000, 0, 5000);
  assert.equal(pace.room(5000), 1000);
  pace.pass(1000);
  assert.equal(pace.room(5000), 0);
  assert.equal(pace.dueAt, 6000);
  assert.equal(pace.room(6000), 250);
});

test('what is not counted goes before all that', () => {
  const pace = new Pace(1000, 5000, 0);
  assert.equal(pace.room(0), 6000);
  pace.pass(6000);
  assert.equal(pace.dueAt, 1000);
});

test('a byte in a second is one', () => {
  assert.equal(
    run(1, 0, 10_000, () => 0),
    10,
  );
});

test('a stream that is never short of bytes gets its rate within a step, however late it is looked at', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.integer({ min: 0, max: 2 ** 32 }),
      fc.integer({ min: 0, max: 60 }),
      (rate, after, late) => {
        const untilMs = 20_000;
        const total = run(rate, after, untilMs, () => late) - after;
        assert.ok(total >= rate * (untilMs / 1000 - 0.35) - 1, `${total} bytes are too few for ${rate} a second`);
        assert.ok(total <= rate * (untilMs / 1000 + 0.26) + 1, `${total} bytes are too many for ${rate} a second`);
      },
    ),
    { numRuns: 200 },
  );
});

test('in pieces it is as fast as in one, to a step', () => {
  const pieces = run(100_000, 0, 10_000, () => 0, 777);
  const whole = run(100_000, 0, 10_000, () => 0);
  assert.ok(Math.abs(pieces - whole) <= 25_000, `${pieces} and ${whole}`);
});

test('a clock that stands still lets nothing more through, and one that jumps no more than its time', () => {
  const pace = new Pace(100, 0, 0);
  pace.pass(pace.room(0));
  for (let i = 0; i < 100; i++) assert.equal(pace.room(0), 0);
  pace.pass(pace.room(3_600_000));
  assert.ok(pace.dueAt > 3_600_000);
});
