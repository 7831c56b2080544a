/** What is left to do when the addresses have moved with the consent of both: connections that began before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import {
  HAND_OVER,
  DOWN_100_US,
  heard,
  HIGHER_ADDRESS,
  LOWER_ADDRESS,
  SKEW_100_US,
  Stage,
  timesOf,
} from './testing.ts';

const MS = 1000;

test('Who gave the addresses to a peer finishes connections unseen, and longer than the peer passes them on', () => {
  for (const isStop of [false, true]) {
    const stage = new Stage().active();
    stage.send(isStop ? { kind: 'stop', isGraceful: true } : HAND_OVER);
    stage.hear(50);
    const sinceUs = stage.nowUs;
    assert.ok(stage.router.isLingering);
    stage.takeWords();
    for (let i = 0; i < 8; i++) {
      stage.pass(100 * MS);
      stage.hear(50);
    }
    const [droppedUs] = timesOf(stage.take(), 'drop-addresses', sinceUs);
    assert.ok(droppedUs > relayedUs(), `${droppedUs} µs, ${relayedUs()} µs`);
    assert.ok(droppedUs < US_PER_S, 'the kernel would have removed them');
    assert.ok(!stage.router.isLingering);
  }
});

/** For how long a successor passes on what is the predecessor's. */
function relayedUs(): number {
  const stage = new Stage().start();
  stage.hear(150);
  stage.hear(0);
  stage.pass(SKEW_100_US);
  assert.equal(stage.takeWords()[1], 'relay 192.0.2.12');
  const sinceUs = stage.nowUs;
  stage.pass(US_PER_S);
  const [endUs] = timesOf(stage.take(), 'end-relay', sinceUs);
  return endUs;
}

test('Who takes the addresses back while it still finishes connections holds them, and drops nothing afterwards', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.hear(50);
  stage.pass(50 * MS);
  stage.hear(0);
  stage.takeWords();
  stage.pass(SKEW_100_US);
  assert.equal(stage.router.state, 'active');
  assert.ok(!stage.router.isLingering);
  stage.pass(US_PER_S);
  assert.ok(!stage.takeWords().includes('drop'));
});

test('What takes long is not waited for by a stop that is not graceful, nor is a fault', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.hear(50);
  stage.takeWords();
  stage.send({ kind: 'source', address: null });
  assert.deepEqual(stage.takeWords(), ['backup>fault fault']);
  assert.ok(stage.router.isLingering);
  stage.send({ kind: 'stop', isGraceful: false });
  assert.deepEqual(stage.takeWords(), ['end connections', 'drop', 'fault>initialize stop']);
  assert.equal(stage.router.deadlineUs, Number.POSITIVE_INFINITY);
});

test('The restraint after a hand-over ends when nobody else has the addresses', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.hear(50);
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
  // A better one comes, and a worse one follows it: that one is preempted as ever.
  stage.hear(200);
  for (let i = 0; i < 5; i++) {
    stage.hear(50);
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.state, 'active');
});

test('Connections are passed on to a peer that is preempted too, and to nobody after silence', () => {
  const preempting = new Stage().start();
  for (let i = 0; i < 4; i++) {
    preempting.hear(50, { source: LOWER_ADDRESS });
    preempting.takeWords();
    preempting.pass(US_PER_S);
  }
  assert.equal(preempting.takeWords()[0], 'relay 192.0.2.10');

  const silent = new Stage().start();
  silent.hear(150);
  silent.pass(DOWN_100_US);
  assert.equal(silent.router.state, 'active');
  assert.ok(!silent.takeWords().some((word) => word.startsWith('relay')));
});

test('Of several that advertise with less right, the best one had the addresses: the last word of a loser does not count', () => {
  const stage = new Stage().start();
  for (let i = 0; i < 4; i++) {
    stage.hear(80, { source: HIGHER_ADDRESS });
    stage.hear(50, { source: LOWER_ADDRESS });
    stage.takeWords();
    stage.pass(US_PER_S);
  }
  assert.equal(stage.takeWords()[0], 'relay 192.0.2.12');
});

test('A successor that dies is followed as one that was never released: asked for first, and nothing is passed on to it', () => {
  const stage = new Stage({ probesAddresses: true }).start();
  stage.hear(150);
  stage.hear(0);
  stage.pass(100 * MS);
  stage.hear(150, { source: LOWER_ADDRESS, intervalUs: 100 * MS });
  stage.takeWords();
  stage.pass(US_PER_S);
  assert.deepEqual(stage.takeWords().slice(0, 4), ['probe', 'probe', 'probe', 'hold']);
});

test('Who is not active any more passes nothing on', () => {
  for (const [event, word] of [
    [HAND_OVER, 'active>leaving hand-over'],
    [{ kind: 'stop', isGraceful: false }, 'active>initialize stop'],
    [{ kind: 'source', address: null }, 'active>fault fault'],
    [{ kind: 'advert', advert: heard(200) }, 'active>backup higher-advert'],
  ] as const) {
    const stage = new Stage().start();
    stage.hear(150);
    stage.hear(0);
    stage.pass(SKEW_100_US);
    stage.takeWords();
    stage.send(event);
    const words = stage.takeWords();
    assert.ok(words.includes('end relay'), word);
    assert.equal(words.at(-1), word);
    stage.pass(US_PER_S);
    assert.ok(!stage.takeWords().includes('end relay'));
  }
});
