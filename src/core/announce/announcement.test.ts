import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Announcement, type AnnouncementSettings, HOLD_DOWN_MS } from './announcement.ts';
import { ANNOUNCEMENT_CAUSES, renderAnnouncementLife } from './states.ts';

const page = new URL('../../../../docs/decisions/announce.md', import.meta.url);

const SETTINGS: AnnouncementSettings = {
  tracked: ['proxy', 'script check'],
  lifeS: 3,
  gracefulMs: 5_000,
  convergenceMs: 2_000,
};

/** With every verdict there. */
function announced(settings = SETTINGS): Announcement {
  const machine = new Announcement(settings, false, 0);
  machine.start(0);
  machine.handleTracked(0, true, 0);
  machine.handleTracked(1, true, 0);
  machine.takeHold(0);
  return machine;
}

/** Lets time pass, as whoever drives it does: it is held in time. */
function until(machine: Announcement, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) {
    machine.tick(nowMs);
    machine.takeHold(nowMs);
  }
}

function story(machine: Announcement): readonly string[] {
  return machine
    .takeChanges()
    .map(({ from, to, cause, detail, atMs }) =>
      [`${atMs}: ${from} to ${to}, ${cause}`, detail].filter((text) => text !== '').join(': '),
    );
}

test('nothing is announced before everything has passed', () => {
  const machine = new Announcement(SETTINGS, false, 0);
  machine.start(0);
  machine.handleTracked(0, true, 10);
  assert.deepEqual([machine.place, machine.obstacle, machine.takeHold(10)], [null, 'script check', false]);
  machine.handleTracked(1, true, 20);
  assert.deepEqual([machine.place, machine.obstacle, machine.takeHold(20)], ['announced', null, true]);
  assert.deepEqual(story(machine), ['20: withdrawn to announced, well']);
});

test('the life of the addresses is lengthened five times in that time, and by nobody that is not asked', () => {
  const machine = announced();
  assert.equal(machine.deadlineMs, 600);
  assert.equal(machine.takeHold(599), false);
  assert.equal(machine.takeHold(600), true);
  assert.equal(machine.takeHold(601), false);
});

test('a failure withdraws at once, the addresses stay for a while, and the route comes back at the earliest after the hold-down', () => {
  const machine = announced();
  machine.takeChanges();
  machine.handleTracked(0, false, 1_000);
  assert.deepEqual([machine.place, machine.takeHold(1_000)], ['converging', true]);
  until(machine, 1_000, 3_100);
  machine.handleTracked(0, true, 3_200);
  until(machine, 3_200, 7_000);
  assert.deepEqual(story(machine), [
    '1000: announced to converging, fault: proxy',
    '3000: converging to withdrawn, converged',
    `${1_000 + HOLD_DOWN_MS}: withdrawn to announced, well`,
  ]);
});

test('a drain goes over the community, and back if it is taken back', () => {
  const machine = announced();
  machine.takeChanges();
  machine.drain(true, 1_000);
  until(machine, 1_000, 3_000);
  machine.drain(false, 3_000);
  machine.drain(true, 4_000);
  until(machine, 3_000, 12_000);
  assert.deepEqual(story(machine), [
    '1000: announced to leaving, drain',
    '3000: leaving to announced, well',
    '4000: announced to leaving, drain',
    '9000: leaving to converging, moved',
    '11000: converging to withdrawn, converged',
  ]);
  assert.equal(machine.obstacle, 'this node is drained');
});

test('without an interface for the community a stop withdraws at once, and is over when routers have heard', () => {
  const machine = announced({ ...SETTINGS, gracefulMs: 0 });
  machine.takeChanges();
  machine.stop(1_000);
  assert.deepEqual([machine.place, machine.hasStopped], ['converging', false]);
  until(machine, 1_000, 3_000);
  assert.equal(machine.hasStopped, true);
  assert.deepEqual(story(machine), [
    '1000: announced to leaving, stop',
    '1000: leaving to converging, moved',
    '3000: converging to withdrawn, converged',
  ]);
});

test('one that stood still for longer than the addresses live begins anew', () => {
  const machine = announced();
  machine.takeChanges();
  machine.tick(10_000);
  assert.equal(machine.place, null);
  until(machine, 10_000, 15_100);
  assert.deepEqual(story(machine), [
    '10000: announced to withdrawn, stalled: their life was not lengthened for 10.0 s',
    '15000: withdrawn to announced, well',
  ]);
});

test('one that finds the addresses announced goes on, until something fails', () => {
  const machine = new Announcement(SETTINGS, true, 0);
  machine.start(0);
  assert.deepEqual([machine.place, machine.takeHold(0)], ['announced', true]);
  machine.handleTracked(0, true, 100);
  assert.equal(machine.place, 'announced');
  machine.handleTracked(1, false, 200);
  assert.deepEqual(story(machine), [
    '0: withdrawn to announced, adopted',
    '200: announced to converging, fault: script check',
  ]);
});

test('another list of what is tracked changes nothing until there is a verdict', () => {
  const machine = announced();
  machine.apply({ ...SETTINGS, tracked: ['proxy', 'interface eth1'] }, 100);
  assert.equal(machine.place, 'announced');
  machine.handleTracked(1, false, 200);
  assert.equal(machine.place, 'converging');
});

test('the diagram in docs/decisions/announce.md is what the table renders to, with each cause (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8');
  const life = renderAnnouncementLife();
  for (const cause of Object.keys(ANNOUNCEMENT_CAUSES)) assert.match(life, new RegExp(`--> \\w+: .*\\b${cause}\\b`));
  const rendered = text.replace(/(<!-- life -->\n)[^]*(<!-- \/life -->)/, `$1${life}\n$2`);
  if (process.env.EVENKEEL_WRITE_DOCS === '1') writeFileSync(page, rendered);
  else assert.equal(text, rendered);
});
