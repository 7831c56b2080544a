/** Other settings while a router runs: what they change, and that they change nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouterSettings } from './settings.ts';
import { US_PER_S } from './intervals.ts';
import { DOWN_100_US, PLAIN, SKEW_100_US, Stage, timesOf } from './testing.ts';

function apply(stage: Stage, changes: Partial<RouterSettings>, hasOtherAddresses = false): void {
  stage.send({ kind: 'settings', settings: { ...PLAIN, ...changes }, hasOtherAddresses });
}

test('another priority is advertised at once by who is active, and shifts the patience of a backup by its skew', () => {
  const active = new Stage().active();
  apply(active, { priority: 120 });
  assert.deepEqual(active.takeWords(), ['hold', 'advert 120']);
  assert.equal(active.router.state, 'active');

  const backup = new Stage().start();
  backup.hear(200);
  const dueUs = backup.router.deadlineUs;
  backup.take();
  backup.pass(US_PER_S);
  backup.hear(200);
  const fromUs = backup.nowUs;
  apply(backup, { priority: 228 });
  assert.deepEqual(backup.takeWords(), []);
  while (backup.router.state === 'backup') backup.toDeadline();
  assert.equal(backup.nowUs - fromUs, DOWN_100_US - SKEW_100_US + Math.ceil((28 * US_PER_S) / 256));
  assert.ok(dueUs < backup.nowUs);
});

test('a priority above that of the active router preempts it, below it nothing happens', () => {
  const stage = new Stage({ priority: 50 }).start();
  stage.hear(100);
  apply(stage, { priority: 99 });
  for (let i = 0; i < 5; i++) {
    stage.pass(US_PER_S);
    stage.hear(100);
  }
  assert.equal(stage.router.state, 'backup');
  apply(stage, { priority: 101 });
  for (let i = 0; i < 4; i++) {
    stage.hear(100);
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.state, 'active');
});

test('a longer interval: adverts come as often as before until the peers can believe it', () => {
  const stage = new Stage().active();
  const fromUs = stage.nowUs;
  apply(stage, { intervalUs: 10 * US_PER_S });
  stage.pass(31 * US_PER_S);
  const at = timesOf(stage.take(), 'send-advert', fromUs).map((us) => us / US_PER_S);
  assert.deepEqual(at, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]);
  assert.equal(stage.router.state, 'active');
});

test('a shorter interval holds at once', () => {
  const stage = new Stage({ intervalUs: 10 * US_PER_S }).active();
  const fromUs = stage.nowUs;
  apply(stage, {});
  stage.pass(3 * US_PER_S);
  assert.deepEqual(
    timesOf(stage.take(), 'send-advert', fromUs),
    [0, 1, 2, 3].map((s) => s * US_PER_S),
  );
});

test('a backup that goes over to a shorter interval goes on waiting for the active router by the one that it has', () => {
  const stage = new Stage({ intervalUs: 10 * US_PER_S }).start();
  for (let i = 0; i < 3; i++) {
    stage.hear(200, { intervalUs: 10 * US_PER_S });
    stage.pass(10 * US_PER_S);
  }
  apply(stage, { intervalUs: US_PER_S / 10 });
  for (let i = 0; i < 3; i++) {
    stage.hear(200, { intervalUs: 10 * US_PER_S });
    stage.pass(10 * US_PER_S);
  }
  assert.equal(stage.router.state, 'backup');
});

test('a backup that follows nobody counts by the new interval from now on', () => {
  const stage = new Stage({ intervalUs: 10 * US_PER_S }).start();
  apply(stage, {});
  stage.pass(DOWN_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('what is tracked from now on changes nothing before its first verdict; what is no more cannot hold it back', () => {
  const stage = new Stage().active();
  const tracked = [
    { name: 'script', weight: 0 },
    { name: 'weight', weight: 50 },
  ];
  apply(stage, { tracked });
  assert.equal(stage.router.state, 'active');
  assert.equal(stage.router.priority, 100);
  assert.deepEqual(
    stage.router.tracking.list().map(({ isUp }) => isUp),
    [null, null],
  );
  stage.send({ kind: 'tracked', index: 1, isUp: true });
  assert.equal(stage.router.priority, 150);
  stage.send({ kind: 'tracked', index: 0, isUp: false });
  assert.equal(stage.router.state, 'fault');
  // The other one is the first now, and keeps its verdict by its name.
  apply(stage, { tracked: tracked.slice(1) });
  assert.equal(stage.router.state, 'backup');
  assert.equal(stage.router.priority, 150);
});

test('a new guard counts as passing for who is active, until it does not pass; for a backup it must pass first', () => {
  const active = new Stage().active();
  apply(active, { guards: ['gateway'] });
  active.pass(5 * US_PER_S);
  assert.equal(active.router.state, 'active');
  active.send({ kind: 'guard', name: 'gateway', passes: false });
  assert.equal(active.router.state, 'backup');

  const backup = new Stage().start();
  apply(backup, { guards: ['gateway'] });
  backup.pass(2 * DOWN_100_US);
  assert.equal(backup.router.state, 'claiming');
  apply(backup, {});
  assert.equal(backup.router.state, 'active', 'without the guard nothing keeps it from it');
});

test('other addresses are held, advertised and told to the segment at once; by a backup not at all', () => {
  const active = new Stage().active();
  active.pass(10 * US_PER_S);
  active.take();
  apply(active, {}, true);
  assert.deepEqual(active.takeWords(), ['hold', 'advert 100', 'announce']);
  const backup = new Stage().start();
  backup.hear(200);
  backup.take();
  apply(backup, {}, true);
  assert.deepEqual(backup.takeWords(), []);
});

test('who is leaving goes on leaving, and tells the peers again', () => {
  const stage = new Stage({ intervalUs: 10 * US_PER_S }).active();
  stage.send({ kind: 'stop', isGraceful: true });
  stage.pass(5 * US_PER_S);
  stage.take();
  apply(stage, {});
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 0']);
  stage.hear(90);
  assert.equal(stage.router.state, 'initialize');
});

test('a router that has not begun takes other settings, and begins by them', () => {
  const stage = new Stage();
  apply(stage, { priority: 7 });
  stage.active();
  assert.equal(stage.router.priority, 7);
});
