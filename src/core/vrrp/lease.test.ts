/** A guard that passes until a time: a lease. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import { DOWN_100_US, HAND_OVER, HIGHER_ADDRESS, Stage } from './testing.ts';

class Leased extends Stage {
  constructor() {
    super({ guards: ['lease'], preempt: false });
    this.start();
  }

  lease(forUs: number): void {
    this.send({ kind: 'lease', name: 'lease', untilUs: this.nowUs + forUs });
  }

  /** Active, and it has the lease for so long yet. */
  activeFor(forUs: number): this {
    this.pass(DOWN_100_US);
    this.lease(forUs);
    assert.equal(this.router.state, 'active');
    this.take();
    return this;
  }
}

test('without it a router waits, and with it it is active at once', () => {
  const stage = new Leased();
  stage.pass(2 * DOWN_100_US);
  assert.equal(stage.router.closedGate, 'lease');
  stage.take();
  stage.lease(5 * US_PER_S);
  assert.equal(stage.router.state, 'active');
});

test('it is over when its time is, though nobody says so, and a later end is a longer time', () => {
  const stage = new Leased().activeFor(5 * US_PER_S);
  stage.pass(4 * US_PER_S);
  stage.lease(5 * US_PER_S);
  stage.pass(5 * US_PER_S - 1);
  assert.equal(stage.router.state, 'active');
  stage.take();
  stage.pass(1);
  assert.deepEqual(stage.takeWords().slice(-2), ['drop', 'active>backup guard-lost']);
});

test('a process that stood still for longer than that holds nothing when it goes on', () => {
  const stage = new Leased().activeFor(2 * US_PER_S);
  stage.freeze(2_500_000);
  stage.send({ kind: 'tick' });
  assert.equal(stage.router.state, 'backup');
  assert.ok(!stage.takeWords().includes('hold'));
});

test('whoever leaves has given it back, and keeps the addresses for its successor', () => {
  const stage = new Leased().activeFor(60 * US_PER_S);
  stage.send(HAND_OVER);
  stage.lease(Number.NEGATIVE_INFINITY);
  assert.equal(stage.router.state, 'leaving');
  stage.hear(150, { source: HIGHER_ADDRESS });
  assert.equal(stage.router.state, 'backup');
});

test('nobody has taken over from one that has given it back: it asks for it again, and holds nothing meanwhile', () => {
  const stage = new Leased().activeFor(60 * US_PER_S);
  stage.send(HAND_OVER);
  stage.lease(Number.NEGATIVE_INFINITY);
  stage.take();
  while (stage.router.state === 'leaving') stage.toDeadline();
  assert.deepEqual(stage.takeWords().slice(-2), ['drop', 'leaving>backup guard-lost']);
  stage.pass(2 * DOWN_100_US);
  assert.equal(stage.router.closedGate, 'lease');
});

test('one that hears an active router does not take what it has no lease for', () => {
  const stage = new Leased();
  for (let i = 0; i < 10; i++) {
    stage.hear(50);
    stage.pass(US_PER_S / 2);
  }
  assert.equal(stage.router.state, 'backup');
  stage.lease(60 * US_PER_S);
  assert.equal(stage.router.state, 'backup', 'it does not want it');
});
