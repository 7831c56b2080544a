import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPolicy } from './restart.ts';

test('a process that ends after it ran well is started again at once, however often', () => {
  const policy = new RestartPolicy();
  for (let i = 0; i < 10; i++) assert.equal(policy.handleExit(60_000), 0);
});

test('a process that keeps ending soon waits longer each time, up to two seconds', () => {
  const policy = new RestartPolicy();
  const delays = Array.from({ length: 8 }, () => policy.handleExit(50));
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 2000, 2000]);
  assert.equal(policy.failures, 8);
});

test('having run well forgives', () => {
  const policy = new RestartPolicy();
  for (let i = 0; i < 5; i++) policy.handleExit(50);
  assert.equal(policy.handleExit(10_000), 0);
  assert.equal(policy.handleExit(50), 100);
});
