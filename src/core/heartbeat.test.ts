import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeartbeatWatch } from './heartbeat.ts';

test('silence is the time since the beat last changed', () => {
  const watch = new HeartbeatWatch(250);
  assert.equal(watch.handleLook(1_000, 7), 0);
  assert.equal(watch.handleLook(1_250, 7), 250);
  assert.equal(watch.handleLook(1_500, 7), 500);
  assert.equal(watch.handleLook(1_750, 8), 0);
});

test('time in which the watcher itself slept blames nobody', () => {
  const watch = new HeartbeatWatch(250);
  watch.handleLook(0, 7);
  assert.equal(watch.handleLook(3_600_000, 7), 500);
  assert.equal(watch.handleLook(3_600_250, 8), 0);
});

test('a counter that wraps still beats', () => {
  const watch = new HeartbeatWatch(250);
  watch.handleLook(0, 2147483647);
  assert.equal(watch.handleLook(250, -2147483648), 0);
});
