import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterGroup } from './group.ts';
import { US_PER_S } from './intervals.ts';
import type { RouterEvent } from './events.ts';
import type { RouterSettings } from './settings.ts';
import { HAND_OVER, DOWN_100_US, heard, OWN, PLAIN } from './testing.ts';
import { VirtualRouter } from './router.ts';

/** Two routers of one group on virtual time. */
class Pair {
  readonly routers: VirtualRouter[];
  readonly words: string[] = [];
  nowUs = 1000 * US_PER_S;
  private readonly group: RouterGroup;

  constructor(changes: Partial<RouterSettings>[] = [{}, {}]) {
    this.routers = changes.map((each) => new VirtualRouter({ ...PLAIN, isGrouped: true, ...each }));
    this.group = new RouterGroup(this.routers);
    this.sendAll({ kind: 'source', address: OWN });
    this.sendAll({ kind: 'start', lastAdvertUs: null, restraint: null });
  }

  get states(): string {
    return this.routers.map(({ state }) => state).join(' ');
  }

  send(member: number, event: RouterEvent): void {
    this.perform(member, this.routers[member].handle(event, this.nowUs));
    this.settle();
  }

  sendAll(event: RouterEvent): void {
    this.routers.forEach((router, member) => this.perform(member, router.handle(event, this.nowUs)));
    this.settle();
  }

  hear(member: number, priority: number): void {
    this.send(member, { kind: 'advert', advert: heard(priority) });
  }

  pass(us: number): void {
    const endUs = this.nowUs + us;
    for (;;) {
      const member = this.routers[0].deadlineUs <= this.routers[1].deadlineUs ? 0 : 1;
      const dueUs = this.routers[member].deadlineUs;
      if (dueUs > endUs) break;
      this.nowUs = Math.max(this.nowUs, dueUs);
      this.send(member, { kind: 'tick' });
    }
    this.nowUs = endUs;
  }

  private settle(): void {
    this.group.settle(this.nowUs, (member, actions) => this.perform(member, actions));
  }

  private perform(member: number, actions: ReturnType<VirtualRouter['handle']>): void {
    for (const action of actions) {
      if (action.kind === 'send-advert') this.words.push(`${member} advert ${action.priority}`);
    }
  }
}

test('Routers of a group become active together, when the last of them could', () => {
  const pair = new Pair();
  pair.pass(US_PER_S);
  pair.hear(1, 200);
  pair.pass(DOWN_100_US - US_PER_S);
  assert.equal(pair.states, 'claiming backup');
  pair.pass(US_PER_S);
  assert.equal(pair.states, 'active active');
});

test('While one hears an active router, none becomes active', () => {
  const pair = new Pair();
  for (let i = 0; i < 20; i++) {
    pair.hear(1, 200);
    pair.pass(US_PER_S);
  }
  assert.equal(pair.states, 'claiming backup');
});

test('When one loses its election, all release', () => {
  const pair = new Pair();
  pair.pass(2 * DOWN_100_US);
  assert.equal(pair.states, 'active active');
  pair.words.length = 0;
  pair.hear(0, 200);
  assert.equal(pair.states, 'backup backup');
  assert.deepEqual(pair.words, ['0 advert 100', '1 advert 0', '1 advert 0']);
});

test('When one is faulty, all are, and when it is not any more, all take part again', () => {
  const pair = new Pair();
  pair.pass(2 * DOWN_100_US);
  pair.send(0, { kind: 'source', address: null });
  assert.equal(pair.states, 'fault fault');
  assert.equal(pair.routers[1].fault, 'another router of the group');
  pair.pass(20 * US_PER_S);
  assert.equal(pair.states, 'fault fault');
  pair.send(0, { kind: 'source', address: OWN });
  assert.equal(pair.states, 'backup backup');
  pair.pass(DOWN_100_US);
  assert.equal(pair.states, 'active active');
});

test('Two faults are two: when one of them ends, the group is still faulty', () => {
  const pair = new Pair();
  pair.send(0, { kind: 'source', address: null });
  pair.send(1, { kind: 'source', address: null });
  pair.send(0, { kind: 'source', address: OWN });
  assert.equal(pair.states, 'fault fault');
  pair.send(1, { kind: 'source', address: OWN });
  assert.equal(pair.states, 'backup backup');
});

test('All advertise the lowest priority that any of them has, so that all elections come out the same', () => {
  const pair = new Pair([{ priority: 150 }, { tracked: [{ name: 'x', weight: -30 }] }]);
  assert.deepEqual(
    pair.routers.map(({ priority }) => priority),
    [100, 100],
  );
  pair.send(1, { kind: 'tracked', index: 0, isUp: false });
  assert.deepEqual(
    pair.routers.map(({ priority }) => priority),
    [70, 70],
  );
});

test('A guard of one member holds all back, and when it fails all release', () => {
  const pair = new Pair([{ guards: ['gateway'] }, {}]);
  pair.pass(2 * DOWN_100_US);
  assert.equal(pair.states, 'claiming claiming');
  pair.send(0, { kind: 'guard', name: 'gateway', passes: true });
  assert.equal(pair.states, 'backup claiming');
  pair.pass(DOWN_100_US);
  assert.equal(pair.states, 'active active');
  pair.send(0, { kind: 'guard', name: 'gateway', passes: false });
  assert.equal(pair.states, 'backup backup');
});

test('A hand-over of the group ends when each of its routers has a successor', () => {
  const pair = new Pair();
  pair.pass(2 * DOWN_100_US);
  pair.sendAll(HAND_OVER);
  assert.equal(pair.states, 'leaving leaving');
  pair.hear(0, 50);
  assert.equal(pair.states, 'backup leaving');
  pair.hear(1, 50);
  assert.equal(pair.states, 'backup backup');
});

test('A hand-over that only one peer router accepts takes the others along', () => {
  const pair = new Pair();
  pair.pass(2 * DOWN_100_US);
  pair.sendAll(HAND_OVER);
  pair.hear(0, 50);
  pair.pass(1.5 * US_PER_S);
  assert.equal(pair.states, 'backup backup');
});

test('Members that replace active ones go on together', () => {
  const pair = new Pair();
  pair.sendAll({ kind: 'stop', isGraceful: false });
  pair.sendAll({ kind: 'start', lastAdvertUs: pair.nowUs - US_PER_S, restraint: null });
  assert.equal(pair.states, 'active active');
});
