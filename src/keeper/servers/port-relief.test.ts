import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK_INTERVAL_MS, PortRelief } from './port-relief.ts';

test('a port is asked for once a second for each server, however often it is lacked', () => {
  let now = 5;
  const asked: number[] = [];
  const relief = new PortRelief(
    (slot) => asked.push(slot),
    () => now,
  );
  for (let i = 0; i < 1_000; i++) relief.handleNoPort(i % 2);
  assert.deepEqual(asked, [0, 1]);
  now += ASK_INTERVAL_MS - 1;
  relief.handleNoPort(0);
  assert.deepEqual(asked, [0, 1]);
  now++;
  relief.handleNoPort(0);
  assert.deepEqual(asked, [0, 1, 0]);
});
