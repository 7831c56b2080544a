import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK, DEAD, LISTEN, SilenceWatch } from './silence.ts';

const MINUTE_MS = 60_000;
const PLAN = { idleMs: 5 * MINUTE_MS, timeoutMs: 20_000 };

function begun(now: number): SilenceWatch {
  const watch = new SilenceWatch(PLAN);
  watch.begin(now);
  return watch;
}

test('a silent server is asked, and is dead when it does not answer in time', () => {
  const watch = begun(1000);
  assert.equal(watch.lookAt, 1000 + PLAN.idleMs);
  assert.equal(watch.look(watch.lookAt - 1), LISTEN);
  const askedAt = watch.lookAt;
  assert.equal(watch.look(askedAt), ASK);
  assert.equal(watch.lookAt, askedAt + PLAN.timeoutMs);
  assert.equal(watch.look(watch.lookAt - 1), LISTEN, 'a timer may be early');
  assert.equal(watch.look(watch.lookAt), DEAD);
});

test('whatever comes is an answer', () => {
  const watch = begun(1000);
  assert.equal(watch.look(watch.lookAt), ASK);
  watch.hear(watch.lookAt - 1);
  const heardAt = watch.lookAt - 1;
  assert.equal(watch.look(watch.lookAt), LISTEN);
  assert.equal(watch.lookAt, heardAt + PLAN.idleMs);
});

test('who says something is asked after that, and nobody is asked more often than once in that time', () => {
  const watch = begun(1);
  const asked: number[] = [];
  for (let now = 1; now < 120 * MINUTE_MS; now += 1000) {
    if (now < 30 * MINUTE_MS) watch.hear(now);
    if (now < watch.lookAt) continue;
    const said = watch.look(now);
    assert.notEqual(said, DEAD);
    if (said !== ASK) continue;
    asked.push(now);
    watch.hear(now + 1);
  }
  assert.ok(asked.length > 10 && asked[0] > 30 * MINUTE_MS, `${asked.length} times`);
  for (let i = 1; i < asked.length; i++) assert.ok(asked[i] - asked[i - 1] >= PLAN.idleMs);
});

test('what was silent while nothing waited does not count', () => {
  const watch = begun(1);
  watch.begin(60 * MINUTE_MS);
  assert.equal(watch.look(60 * MINUTE_MS), LISTEN);
  assert.equal(watch.lookAt, 65 * MINUTE_MS);
});
