import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryStage, ExpiryWatch } from './expiry.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

function lifetime(days: number, id = 'a'): { id: string; notBeforeMs: number; notAfterMs: number } {
  return { id, notBeforeMs: 0, notAfterMs: days * DAY_MS };
}

test('a third, a tenth and a day are left, or nothing', () => {
  const stages = [59, 61, 80, 82, 88, 89.5, 90, 91].map((day) => expiryStage(lifetime(90), day * DAY_MS));
  assert.deepEqual(stages, [null, 'third', 'third', 'tenth', 'tenth', 'day', 'ended', 'ended']);
  // Some live for six days, and some for a few hours.
  assert.deepEqual(
    [3, 4.1, 5.5].map((day) => expiryStage(lifetime(6), day * DAY_MS)),
    [null, 'third', 'day'],
  );
  assert.deepEqual(
    [0.1, 0.2, 0.24].map((day) => expiryStage(lifetime(0.25), day * DAY_MS)),
    [null, 'day', 'day'],
  );
});

test('each stage is said once, and from a tenth on each day', () => {
  const watch = new ExpiryWatch();
  const said: number[] = [];
  for (let ms = 0; ms < 92 * DAY_MS; ms += HOUR_MS) {
    if (watch.handleLook(ms, [lifetime(90), lifetime(90)]).length > 0) said.push(Math.floor(ms / DAY_MS));
  }
  assert.deepEqual(said, [60, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91]);
});

test('one that was replaced is forgotten', () => {
  const watch = new ExpiryWatch();
  assert.equal(watch.handleLook(70 * DAY_MS, [lifetime(90)]).length, 1);
  assert.equal(watch.handleLook(70 * DAY_MS, [lifetime(360, 'b')]).length, 0);
  assert.equal(watch.handleLook(70 * DAY_MS, [lifetime(90)]).length, 1);
});
