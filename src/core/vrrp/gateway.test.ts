import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayGuard } from './gateway.ts';

const S = 1_000_000;

/** Runs the guard until then; the times it asked. */
function run(guard: GatewayGuard, fromUs: number, untilUs: number, answersUntilUs: number): number[] {
  const asked: number[] = [];
  let nowUs = fromUs;
  while (guard.deadlineUs <= untilUs) {
    nowUs = Math.max(nowUs, guard.deadlineUs);
    if (!guard.tick(nowUs)) continue;
    asked.push(nowUs);
    if (nowUs < answersUntilUs) guard.handleAnswer(nowUs);
  }
  return asked;
}

test('The gateway is asked twice an interval, at most ten times and at least once a second', () => {
  const periods: [number, number][] = [
    [S, S / 2],
    [100_000, 100_000],
    [10_000, 100_000],
    [10 * S, S],
  ];
  for (const [intervalUs, periodUs] of periods) {
    const asked = run(new GatewayGuard(intervalUs, 0), 0, 10 * periodUs, 100 * S);
    assert.deepEqual(
      asked,
      Array.from({ length: 11 }, (_, i) => i * periodUs),
    );
  }
});

test('Nothing is known before the first answer; without any it fails after just under two intervals', () => {
  const guard = new GatewayGuard(S, 0);
  run(guard, 0, 1.8 * S, 0);
  assert.equal(guard.passes, null);
  run(guard, 1.8 * S, 1.95 * S, 0);
  assert.equal(guard.passes, false);
});

test('It fails before the peers of a router that is cut off would take over, and passes again with the first answer', () => {
  const guard = new GatewayGuard(S, 0);
  run(guard, 0, 10 * S, 7.1 * S);
  assert.equal(guard.passes, false);
  const other = new GatewayGuard(S, 0);
  run(other, 0, 8.8 * S, 7.1 * S);
  assert.equal(other.passes, true, 'two answers may be lost');
  guard.handleAnswer(11 * S);
  assert.equal(guard.passes, true);
});
