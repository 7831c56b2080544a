import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change, until, WAIT_MS } from './waiting.ts';

test('who waits for a change is woken by it, and waits on if it is another one', async () => {
  const change = new Change();
  let value = 0;
  const isTwo = change.until(
    () => value === 2,
    () => `2, and it is ${value}`,
  );
  let isOver = false;
  void isTwo.then(() => (isOver = true));
  value = 1;
  change.wake();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  value = 2;
  change.wake();
  await isTwo;
});

test('what never comes is told, with what there is instead', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const told = assert.rejects(
    new Change().until(
      () => false,
      () => 'a bus, and there is a tram',
    ),
    /waited in vain: a bus, and there is a tram/,
  );
  now = WAIT_MS + 1;
  t.mock.timers.tick(WAIT_MS + 1);
  await told;
});

const fail = (): boolean => assert.fail('it is gone');

test('what throws while it is looked at ends the waiting', async () => {
  await assert.rejects(
    new Change().until(fail, () => 'anything'),
    /it is gone/,
  );
  await assert.rejects(until(fail), /it is gone/);
});

test('what there is instead is asked for in the end alone: it may cost, and come and go', async () => {
  let looks = 0;
  await until(() => ++looks === 3, fail as never);
  const change = new Change();
  const waits = change.until(() => looks === 4, fail as never);
  change.wake();
  await new Promise((resolve) => setImmediate(resolve));
  looks = 4;
  change.wake();
  await waits;
});
