/** Addresses that another program has left on this machine, as a keepalived does that is killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import { DOWN_100_US, Stage } from './testing.ts';

function stageWithLeftovers(changes: ConstructorParameters<typeof Stage>[0] = {}): Stage {
  const stage = new Stage(changes);
  stage.send({ kind: 'start', lastAdvertUs: null, restraint: null, hasLeftovers: true });
  return stage;
}

test('they stay while nobody is heard, until the router takes them', () => {
  const stage = stageWithLeftovers();
  assert.equal(stage.router.observer.total('left-here'), 1);
  stage.pass(DOWN_100_US - 1);
  assert.deepEqual(stage.takeWords(), ['initialize>backup start']);
  stage.pass(1);
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'backup>active nobody-heard']);
});

test('they stay while it asks whether anybody else has them, and go when a peer has', () => {
  const stage = stageWithLeftovers({ probesAddresses: true });
  stage.pass(DOWN_100_US + US_PER_S);
  assert.equal(stage.router.state, 'active');
  assert.ok(!stage.takeWords().includes('drop'));

  const other = stageWithLeftovers({ probesAddresses: true });
  other.pass(DOWN_100_US - 10_000);
  other.takeWords();
  other.send({ kind: 'address-answered', address: '192.0.2.1', by: '02:00:00:00:00:01', peer: '192.0.2.12' });
  assert.deepEqual(other.takeWords(), ['drop']);
});

test('they stay where a stranger answers for them too, which anybody can do, and are not taken', () => {
  const stage = stageWithLeftovers({ probesAddresses: true });
  stage.takeWords();
  for (let i = 0; i < 20; i++) {
    stage.pass(US_PER_S / 2);
    stage.send({ kind: 'address-answered', address: '192.0.2.1', by: '02:00:00:00:00:01', peer: null });
  }
  assert.equal(stage.router.state, 'claiming');
  assert.ok(!stage.takeWords().includes('drop'));
  stage.hear(150);
  assert.ok(stage.takeWords().includes('drop'));
});

for (const priority of [50, 150]) {
  test(`they go when a peer of priority ${priority} is heard to have them`, () => {
    const stage = stageWithLeftovers();
    stage.pass(US_PER_S);
    stage.takeWords();
    stage.hear(priority);
    assert.deepEqual(stage.takeWords(), ['drop']);
    stage.hear(priority);
    assert.deepEqual(stage.takeWords(), []);
  });
}

test('they stay when a peer says that it has given them up', () => {
  const stage = stageWithLeftovers();
  stage.takeWords();
  stage.hear(0);
  assert.deepEqual(stage.takeWords(), []);
  stage.pass(US_PER_S);
  const words = stage.takeWords();
  assert.ok(!words.includes('drop'));
  assert.ok(words.includes('backup>active released'));
});

test('they go when the router may not take them: a fault, a guard, a stop', () => {
  const faulty = new Stage();
  faulty.send({ kind: 'source', address: null });
  faulty.send({ kind: 'start', lastAdvertUs: null, restraint: null, hasLeftovers: true });
  assert.deepEqual(faulty.takeWords(), ['initialize>fault fault', 'drop']);

  const guarded = stageWithLeftovers({ guards: ['gateway'] });
  guarded.takeWords();
  guarded.pass(DOWN_100_US);
  assert.deepEqual(guarded.takeWords(), ['backup>claiming nobody-heard', 'drop']);

  const stopped = stageWithLeftovers();
  stopped.takeWords();
  stopped.send({ kind: 'stop', isGraceful: true });
  assert.deepEqual(stopped.takeWords(), ['backup>initialize stop', 'drop']);
});
