/** Somebody answers for the addresses while nobody is active. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import { DOWN_100_US, Stage } from './testing.ts';

const PEER = { kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: '192.0.2.12' } as const;
const STRANGER = { kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:66', peer: null } as const;

/** Each second, as long as it asks. */
function answer(stage: Stage, event: typeof PEER | typeof STRANGER, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    if (stage.router.state === 'backup' || stage.router.state === 'claiming') stage.send(event);
    stage.pass(US_PER_S);
  }
}

/** The peer was active and has died; its machine answers for the addresses. */
function claiming(event: typeof PEER | typeof STRANGER): Stage {
  const stage = new Stage({ probesAddresses: true }).start();
  stage.hear(150);
  stage.pass(DOWN_100_US - 100_000);
  stage.send(event);
  stage.pass(100_000);
  assert.equal(stage.router.state, 'claiming');
  stage.takeWords();
  return stage;
}

test('A peer that is dead and whose machine answers is asked after a bound whether it serves, and again each 10 s', () => {
  const stage = claiming(PEER);
  answer(stage, PEER, 2);
  assert.ok(!stage.takeWords().includes('ask serving'));
  answer(stage, PEER, 2);
  assert.equal(stage.takeWords().filter((word) => word === 'ask serving').length, 1);
  for (const serves of [true, null]) {
    stage.send({ kind: 'serving', verdict: { serves, detail: 'x' } });
    assert.equal(stage.router.occupant?.verdict?.serves, serves);
    answer(stage, PEER, 10);
    assert.equal(stage.takeWords().filter((word) => word === 'ask serving').length, 1);
    assert.equal(stage.router.state, 'claiming');
  }
});

test('What does not serve is taken from a peer, and announced each second for as long as that one answers', () => {
  const stage = claiming(PEER);
  answer(stage, PEER, 4);
  stage.takeWords();
  stage.send({ kind: 'serving', verdict: { serves: false, detail: '192.0.2.100:80 connection refused' } });
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'claiming>active not-serving']);
  for (let i = 0; i < 20; i++) {
    stage.take();
    stage.pass(US_PER_S);
    const words = stage.takeWords();
    assert.ok(words.includes('probe') && words.includes('announce'), words.join());
    stage.send(PEER);
  }
  assert.equal(stage.router.state, 'active');
});

test('From a stranger nothing is ever taken, whatever is said of it, and that is told each minute', () => {
  const stage = claiming(STRANGER);
  for (let i = 0; i < 130; i++) {
    stage.send({ kind: 'serving', verdict: { serves: false, detail: '' } });
    answer(stage, STRANGER, 1);
  }
  assert.equal(stage.router.state, 'claiming');
  const told = stage.take().flatMap(({ action }) => (action.kind === 'evidence' ? [action.evidence] : []));
  assert.deepEqual([...new Set(told.map(({ kind, severity }) => `${kind} ${severity}`))], ['held-by-stranger error']);
  assert.ok(told.length >= 2 && told.length <= 3, `${told.length}`);
  // It leaves.
  stage.pass(3 * US_PER_S);
  assert.equal(stage.router.state, 'active');
});

test('Where a stranger answers beside a peer, nothing is taken', () => {
  const stage = claiming(PEER);
  for (let i = 0; i < 20; i++) {
    stage.send(STRANGER);
    answer(stage, PEER, 1);
    stage.send({ kind: 'serving', verdict: { serves: false, detail: '' } });
  }
  assert.equal(stage.router.state, 'claiming');
});

test('A verdict that comes late, when the peer is active again or nobody answers, is nothing', () => {
  const stage = claiming(PEER);
  answer(stage, PEER, 4);
  stage.hear(150);
  stage.send({ kind: 'serving', verdict: { serves: false, detail: '' } });
  assert.equal(stage.router.state, 'backup');
});

test('What does not serve is not taken while a guard does not pass', () => {
  const stage = new Stage({ probesAddresses: true, guards: ['gateway'] }).start();
  stage.hear(150);
  stage.pass(DOWN_100_US - 100_000);
  answer(stage, PEER, 5);
  stage.send({ kind: 'serving', verdict: { serves: false, detail: '' } });
  stage.pass(10 * US_PER_S);
  assert.equal(stage.router.state, 'claiming');
  assert.equal(stage.router.closedGate, 'gateway');
});

test('A claim that something holds up, with nobody active and nobody answering, is an error', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.pass(DOWN_100_US + 10 * US_PER_S);
  assert.equal(stage.router.state, 'claiming');
  const told = stage.take().flatMap(({ action }) => (action.kind === 'evidence' ? [action.evidence] : []));
  assert.deepEqual(told, [
    {
      kind: 'unheld',
      detail: 'nobody is active, and gateway keeps this node from it',
      severity: 'error',
      suppressed: 0,
    },
  ]);
});
