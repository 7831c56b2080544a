import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntervalBelief } from './interval-belief.ts';
import { downIntervalUs, US_PER_S } from './intervals.ts';
import { heard, HIGHER_ADDRESS, LOWER_ADDRESS, Stage } from './testing.ts';

const LONGEST_US = 40_950_000;

test('RFC 9568 6.4.2: nobody waits for more than three of his own down intervals because of three adverts of 40.95 s', () => {
  for (const priority of [255, 101, 100]) {
    const stage = new Stage().active();
    for (let i = 0; i < 3; i++) {
      stage.hear(priority, { intervalUs: LONGEST_US });
      stage.pass(300_000);
    }
    assert.equal(stage.router.state, 'backup');
    stage.pass(3 * downIntervalUs(3, 100, US_PER_S));
    assert.equal(stage.router.state, 'active', `after adverts of priority ${priority}`);
    assert.equal(stage.router.observer.total('interval-doubted'), 3);
  }
});

test('RFC 9568 6.4.2: a peer that advertises each 5 s beside one of 1 s is followed, also when an advert is lost', () => {
  const stage = new Stage().start();
  for (let i = 0; i < 20; i++) {
    if (i !== 1 && i !== 7) stage.hear(150, { intervalUs: 5 * US_PER_S });
    stage.pass(5 * US_PER_S);
    assert.equal(stage.router.state, 'backup', `after ${i} adverts`);
  }
  assert.equal(stage.router.observer.total('interval-doubted'), 1);
});

test('RFC 9568 6.4.2: an interval of 40.95 s is believed once two adverts have come that far apart', () => {
  const stage = new Stage().start();
  const advert = { intervalUs: LONGEST_US };
  // Until then this router takes over now and then, and is corrected by the answer to its first advert.
  stage.hear(150, advert);
  let takeovers = 0;
  for (const endUs = stage.nowUs + LONGEST_US; stage.nowUs < endUs;) {
    stage.pass(100_000);
    if (stage.router.state !== 'active') continue;
    takeovers++;
    stage.hear(150, advert);
  }
  assert.ok(takeovers >= 3 && takeovers <= 4, `${takeovers} takeovers`);
  stage.hear(150, advert);
  stage.pass(3 * LONGEST_US);
  assert.equal(stage.router.state, 'backup');
  stage.pass(LONGEST_US);
  assert.equal(stage.router.state, 'active');
});

test('Forged adverts of 40.95 s that come again after as long are believed no more than before', () => {
  const stage = new Stage().active();
  for (let burst = 0; burst < 3; burst++) {
    for (let i = 0; i < 3; i++) stage.hear(255, { intervalUs: LONGEST_US });
    stage.pass(3 * downIntervalUs(3, 100, US_PER_S));
    assert.equal(stage.router.state, 'active');
    stage.pass(LONGEST_US);
  }
});

test('What another router says of its interval proves nothing, nor does what this one said before it changed', () => {
  const belief = new IntervalBelief(US_PER_S);
  const long = heard(150, { source: LOWER_ADDRESS, intervalUs: 10 * US_PER_S });
  const capped = 3 * US_PER_S;
  assert.equal(belief.believe(heard(150, { intervalUs: capped }), 0), capped);
  assert.equal(belief.believe(long, 0), capped);
  assert.equal(belief.believe({ ...long, source: HIGHER_ADDRESS }, 20 * US_PER_S), capped);
  assert.equal(belief.believe(long, 8.7 * US_PER_S), capped);
  assert.equal(belief.believe(long, 8.8 * US_PER_S), 10 * US_PER_S);
  // It is another router again, or was forged.
  assert.equal(belief.believe({ ...long, intervalUs: US_PER_S }, 10 * US_PER_S), US_PER_S);
  assert.equal(belief.believe(long, 11 * US_PER_S), capped);
});

test('Many senders make the memory of one no larger, and none is believed for another', () => {
  const belief = new IntervalBelief(US_PER_S);
  for (let i = 0; i < 1_000; i++) {
    const source = Uint8Array.of(10, 0, i >> 8, i & 255);
    assert.equal(belief.believe(heard(150, { source, intervalUs: 10 * US_PER_S }), i * US_PER_S), 3 * US_PER_S);
  }
});

test('What was proven to a predecessor needs no second proof: whoever goes on waits as long as that one would have', () => {
  const before = new Stage().start();
  const advert = { intervalUs: 8 * US_PER_S };
  before.hear(150, advert);
  // Believed once it has come again.
  before.pass(3 * US_PER_S);
  before.hear(150, advert);
  while (before.router.state !== 'backup' || before.router.followedUs !== advert.intervalUs) {
    before.pass(8 * US_PER_S);
    before.hear(150, advert);
  }
  const stage = new Stage();
  stage.send({ kind: 'start', lastAdvertUs: null, restraint: null, followedUs: before.router.followedUs });
  for (let i = 0; i < 3; i++) {
    stage.pass(8 * US_PER_S);
    assert.equal(stage.router.state, 'backup');
    stage.hear(150, advert);
  }
  assert.equal(stage.router.observer.total('interval-doubted'), 0);
  // It is believed of whoever was heard first, and of nobody else.
  stage.hear(150, { source: LOWER_ADDRESS, ...advert });
  assert.equal(stage.router.observer.total('interval-doubted'), 1);
  assert.equal(new Stage().active().router.followedUs, null);
});
