import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TICK_MS } from './limits.ts';
import { Timed, Timers, type ExpiryHandler } from './timers.ts';

class Named extends Timed {
  readonly name: number;
  constructor(name: number) {
    super();
    this.name = name;
  }
}

class Recorder implements ExpiryHandler {
  readonly expired: number[] = [];
  onExpiry: ((timed: Named, now: number) => void) | null = null;
  handleExpiry(timed: Timed, now: number): void {
    assert.equal(timed.deadline, 0);
    this.expired.push((timed as Named).name);
    this.onExpiry?.(timed as Named, now);
  }
  take(): number[] {
    return this.expired.splice(0).sort((a, b) => a - b);
  }
}

test('a timeout fires at the first tick that is not before its deadline', () => {
  const timers = new Timers(1000);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 1000 + 2 * TICK_MS + 1);
  timers.advance(1000 + 2 * TICK_MS, recorder);
  assert.deepEqual(recorder.take(), []);
  timers.advance(1000 + 3 * TICK_MS, recorder);
  assert.deepEqual(recorder.take(), [1]);
  timers.advance(1000 + 30 * TICK_MS, recorder);
  assert.deepEqual(recorder.take(), []);
});

test('a later deadline is only a number stored', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 500);
  timed.deadline = 1500;
  timers.advance(1000, recorder);
  assert.deepEqual(recorder.take(), []);
  timers.advance(1500, recorder);
  assert.deepEqual(recorder.take(), [1]);
});

test('a deadline stored as 0 does not fire, and arming works again before and after the wheel has seen it', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 500);
  timed.deadline = 0;
  timers.arm(timed, 700);
  timers.advance(600, recorder);
  assert.deepEqual(recorder.take(), []);
  timers.advance(700, recorder);
  assert.deepEqual(recorder.take(), [1]);
  timers.arm(timed, 800);
  timed.deadline = 0;
  timers.advance(2000, recorder);
  assert.deepEqual(recorder.take(), []);
  timers.arm(timed, 2100);
  timers.advance(2100, recorder);
  assert.deepEqual(recorder.take(), [1]);
});

test('a removed one is forgotten, and its links are let go', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 500);
  timers.remove(timed);
  timers.remove(timed);
  assert.equal(timed.wheelNext, null);
  assert.equal(timed.wheelPrevious, null);
  timers.advance(1000, recorder);
  assert.deepEqual(recorder.take(), []);
});

test('a handler may remove another one that is due in the same tick', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const both = [new Named(0), new Named(1)];
  for (const timed of both) timers.arm(timed, 500);
  recorder.onExpiry = (timed) => timers.remove(both[1 - timed.name]);
  timers.advance(500, recorder);
  assert.equal(recorder.take().length, 1);
});

test('a handler that always arms again, even with a time gone by, does not hold the loop', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 500);
  recorder.onExpiry = (timed) => timers.arm(timed, 1);
  timers.advance(500, recorder);
  assert.deepEqual(recorder.take(), [1]);
  timers.advance(500 + TICK_MS, recorder);
  assert.deepEqual(recorder.take(), [1]);
});

test('a day of standstill costs one look at each slot, and fires everything that is due once', () => {
  const timers = new Timers(0);
  const recorder = new Recorder();
  const day = 86_400_000;
  const all = Array.from({ length: 5000 }, (_, i) => new Named(i));
  for (const timed of all) timers.arm(timed, 1 + timed.name * 1000);
  const far = new Named(5000);
  timers.arm(far, day + 60_000);
  timers.advance(day, recorder);
  assert.deepEqual(recorder.take(), [...Array(5000).keys()]);
  timers.advance(day + 60_000, recorder);
  assert.deepEqual(recorder.take(), [5000]);
});

test('a clock that runs back or stands still fires nothing', () => {
  const timers = new Timers(10_000);
  const recorder = new Recorder();
  const timed = new Named(1);
  timers.arm(timed, 10_100);
  timers.advance(10_000, recorder);
  timers.advance(5000, recorder);
  assert.deepEqual(recorder.take(), []);
  timers.advance(10_100, recorder);
  assert.deepEqual(recorder.take(), [1]);
});

/** What the wheel promises, without a wheel: between the deadline and the tick at or after it, it fires; then it has. */
class NaiveTimers {
  private readonly deadlines = new Map<number, { deadline: number; earliestTick: number }>();
  private tick: number;
  constructor(now: number) {
    this.tick = Math.floor(now / TICK_MS);
  }
  arm(name: number, deadline: number): void {
    this.deadlines.set(name, { deadline, earliestTick: this.tick + 1 });
  }
  remove(name: number): void {
    this.deadlines.delete(name);
  }
  /** `fired` is what a wheel said to this time, in order. */
  checkAdvance(now: number, fired: readonly number[]): void {
    const target = Math.floor(now / TICK_MS);
    const must = [...this.deadlines].filter(([, { deadline, earliestTick }]) => {
      return target > this.tick && target >= Math.max(Math.ceil(deadline / TICK_MS), earliestTick);
    });
    assert.deepEqual(
      must.map(([name]) => name).filter((name) => !fired.includes(name)),
      [],
      'late',
    );
    for (const name of fired) {
      const deadline = this.deadlines.get(name)?.deadline ?? Infinity;
      assert.ok(target > this.tick && deadline <= now, 'early, or a second time');
      this.deadlines.delete(name);
    }
    this.tick = Math.max(this.tick, target);
  }
}

test('any sequence of arming, disarming, removing and time agrees with a list of deadlines', () => {
  const name = fc.nat(7);
  const delay = fc.oneof(fc.nat(120), fc.nat(5000), fc.nat(200_000));
  const step = fc.oneof(
    fc.record({ kind: fc.constant('arm' as const), name, delay }),
    fc.record({ kind: fc.constant('later' as const), name, delay }),
    fc.record({ kind: fc.constant('disarm' as const), name, delay }),
    fc.record({ kind: fc.constant('remove' as const), name, delay }),
    fc.record({ kind: fc.constant('advance' as const), name, delay }),
  );
  fc.assert(
    fc.property(fc.nat(100_000), fc.array(step, { maxLength: 60 }), (start, steps) => {
      let now = start + 0.25;
      const timers = new Timers(now);
      const naive = new NaiveTimers(now);
      const recorder = new Recorder();
      const all = Array.from({ length: 8 }, (_, i) => new Named(i));
      for (const { kind, name, delay } of steps) {
        const timed = all[name];
        if (kind === 'advance') {
          now += delay;
          timers.advance(now, recorder);
          naive.checkAdvance(now, recorder.take());
        } else if (kind === 'arm') {
          timers.arm(timed, now + delay);
          naive.arm(name, now + delay);
        } else if (kind === 'later') {
          if (timed.deadline === 0) continue;
          timed.deadline += delay;
          naive.arm(name, timed.deadline);
        } else {
          if (kind === 'disarm') timed.deadline = 0;
          else timers.remove(timed);
          naive.remove(name);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
