import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcmeFailure } from './failure.ts';
import { Schedule } from './schedule.ts';

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-29T00:00:00Z');
const QUARTER = { notBeforeMs: NOW, notAfterMs: NOW + 90 * DAY };

function failure(kind: AcmeFailure['kind'], retryAfterMs: number | null = null): AcmeFailure {
  return { kind, text: 'no', type: '', retryAfterMs };
}

/** Of one that is held, and whose server has no renewal information. */
function holding(fraction = 0): Schedule {
  const schedule = new Schedule(NOW, fraction, null);
  schedule.handleHeld(QUARTER, NOW);
  return schedule;
}

test('without a certificate it is ordered at once, and not twice at the same time', () => {
  const schedule = new Schedule(NOW, 0, null);
  assert.deepEqual(schedule.next(NOW), { kind: 'order' });
  assert.equal(schedule.state(NOW).state, 'due');
  schedule.handleOrderBegun(NOW);
  assert.deepEqual(schedule.next(NOW + DAY), { kind: 'wait', untilMs: Infinity });
  schedule.handleOrdered(QUARTER, NOW + MIN);
  assert.deepEqual(schedule.state(NOW + MIN), {
    state: 'held',
    sinceMs: NOW + MIN,
    nextMs: NOW + 60 * DAY,
    failures: 0,
    failure: null,
  });
});

test('RFC 9773: the server is asked, and its window counts; without one, two thirds of the lifetime', () => {
  const schedule = holding(0.5);
  assert.deepEqual(schedule.next(NOW), { kind: 'ask' });
  schedule.handleRenewalInfo(null, null, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'wait', untilMs: NOW + 6 * HOUR });
  assert.equal(schedule.state(NOW).nextMs, NOW + 60 * DAY);
  schedule.handleRenewalInfo({ startMs: NOW + 50 * DAY, endMs: NOW + 52 * DAY }, 2 * HOUR, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'wait', untilMs: NOW + 2 * HOUR });
  assert.equal(schedule.state(NOW).nextMs, NOW + 51 * DAY);
  // Asked again, it has no answer: what it said holds.
  schedule.handleRenewalInfo(null, 30 * DAY, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'wait', untilMs: NOW + DAY });
  assert.equal(schedule.state(NOW).nextMs, NOW + 51 * DAY);
  // It was revoked: the window is in the past.
  schedule.handleRenewalInfo({ startMs: NOW - 2 * DAY, endMs: NOW - DAY }, 0, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'order' });
  schedule.handleRenewalInfo({ startMs: NOW, endMs: NOW - DAY }, 0, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'order' }, 'a window that ends before it begins is none');
});

test('what is suggested for one certificate does not count for the next one', () => {
  const schedule = holding();
  schedule.handleRenewalInfo({ startMs: NOW - 2, endMs: NOW - 1 }, null, NOW);
  schedule.handleOrderBegun(NOW);
  schedule.handleOrdered(QUARTER, NOW);
  assert.deepEqual(schedule.next(NOW), { kind: 'ask' });
});

test('a refusal is tried again later and later, fewer than five times in the first hour', () => {
  const schedule = new Schedule(NOW, 0.5, null);
  const times: number[] = [];
  let at = NOW;
  while (times.length < 12) {
    times.push(at - NOW);
    schedule.handleOrderBegun(at);
    schedule.handleFailed(failure('refused'), at);
    const next = schedule.next(at);
    assert.ok(next.kind === 'wait' && next.untilMs > at);
    assert.equal(schedule.state(at).state, 'waiting');
    at = next.untilMs;
  }
  assert.ok(times.filter((ms) => ms < HOUR).length < 5);
  assert.ok(times[11] - times[10] <= 13 * HOUR && times[11] - times[10] >= 12 * HOUR);
});

test('one that is not reached is tried again soon, and a server that says how long is heard', () => {
  const schedule = new Schedule(NOW, 0, null);
  schedule.handleFailed(failure('trouble'), NOW);
  assert.equal(schedule.state(NOW).nextMs, NOW + 10_000);
  schedule.handleFailed(failure('limited', 3 * DAY), NOW);
  assert.equal(schedule.state(NOW).nextMs, NOW + 3 * DAY);
  schedule.handleReload(NOW + MIN);
  assert.equal(schedule.state(NOW).nextMs, NOW + 3 * DAY, 'a reload changes nothing of that');
});

test('a reload tries at once what was refused', () => {
  const schedule = new Schedule(NOW, 0, null);
  schedule.handleFailed(failure('refused'), NOW);
  schedule.handleReload(NOW + 1);
  assert.deepEqual(schedule.next(NOW + 1), { kind: 'order' });
  schedule.handleFailed(failure('refused'), NOW + 1);
  assert.equal(schedule.state(NOW + 1).failures, 2, 'and it counts as the next one');
});

test('a failed renewal does not take the certificate away, and is tried again before it ends', () => {
  const schedule = holding();
  const due = NOW + 60 * DAY;
  schedule.handleRenewalInfo(null, null, due - 1);
  assert.deepEqual(schedule.next(due), { kind: 'order' });
  schedule.handleFailed(failure('refused'), due);
  assert.equal(schedule.state(due).nextMs, due + 5 * MIN);
  assert.deepEqual(schedule.state(due).failure, { text: 'no', atMs: due });
});

test('whoever was ended in the middle of an order does not begin with the next one at once', () => {
  const schedule = new Schedule(NOW, 0, null);
  assert.equal(schedule.toRemember(NOW), null);
  schedule.handleOrderBegun(NOW);
  const memory = schedule.toRemember(NOW);
  const next = new Schedule(NOW + 1, 0, memory);
  assert.deepEqual(next.next(NOW + 1), { kind: 'wait', untilMs: NOW + 5 * MIN });
  assert.match(next.state(NOW + 1).failure!.text, /in the middle of the order/);
  schedule.handleAbandoned(NOW);
  assert.equal(schedule.toRemember(NOW), null);
  assert.deepEqual(schedule.next(NOW), { kind: 'order' });
});
