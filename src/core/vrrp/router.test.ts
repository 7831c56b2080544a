import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import {
  HAND_OVER,
  DOWN_100_US,
  HIGHER_ADDRESS,
  LOWER_ADDRESS,
  OWN,
  PLAIN,
  SKEW_100_US,
  Stage,
  timesOf,
} from './testing.ts';
import { renewalsUs } from './lifetime.ts';
import { VirtualRouter } from './router.ts';

const MS = 1000;

// --- section 6.4.1, Initialize ---

test('RFC 9568 6.4.1: the owner sends an advert, announces its addresses and is active at once', () => {
  const stage = new Stage({ priority: 255 }).start();
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 255', 'announce', 'initialize>active start']);
  assert.equal(stage.router.deadlineUs, stage.nowUs + 5 * MS);
});

test('RFC 9568 6.4.1: any other router becomes a backup that waits for its Active_Down_Interval', () => {
  const stage = new Stage().start();
  assert.deepEqual(stage.takeWords(), ['initialize>backup start']);
  stage.pass(DOWN_100_US - 1);
  assert.deepEqual(stage.takeWords(), []);
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.4.1: before it is started a router does nothing, whatever it hears', () => {
  const stage = new Stage();
  stage.hear(0);
  stage.hear(200);
  stage.pass(100 * US_PER_S);
  assert.deepEqual(stage.takeWords(), []);
});

// --- section 6.4.2, Backup ---

test('RFC 9568 6.4.2: when the Active_Down_Timer fires it advertises, announces, holds the addresses, and is active', () => {
  const stage = new Stage().start();
  stage.takeWords();
  stage.pass(DOWN_100_US);
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'backup>active nobody-heard']);
});

test('RFC 9568 6.4.2: a release sets the Active_Down_Timer to Skew_Time', () => {
  const stage = new Stage().start();
  stage.hear(150);
  stage.pass(500 * MS);
  stage.hear(0);
  stage.takeWords();
  stage.pass(SKEW_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.4.2: an advert of higher or equal priority resets the Active_Down_Timer', () => {
  for (const [priority, source] of [
    [101, HIGHER_ADDRESS],
    [100, LOWER_ADDRESS],
    [100, HIGHER_ADDRESS],
  ] as const) {
    const stage = new Stage().start();
    for (let i = 0; i < 10; i++) {
      stage.hear(priority, { source });
      stage.pass(US_PER_S);
    }
    assert.equal(stage.router.state, 'backup');
    stage.pass(DOWN_100_US - US_PER_S - 1);
    assert.equal(stage.router.state, 'backup');
    stage.pass(1);
    assert.equal(stage.router.state, 'active');
  }
});

test('RFC 9568 6.4.2: an accepted advert sets Active_Adver_Interval, and with it skew and Active_Down_Interval', () => {
  const stage = new Stage().start();
  stage.hear(150, { intervalUs: 100 * MS });
  stage.pass(Math.ceil((3 + 156 / 256) * 100 * MS) - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
  assert.equal(stage.router.observer.total('interval'), 1);
  // Active, it advertises at its own interval again.
  stage.take();
  const sinceUs = stage.nowUs;
  stage.pass(2 * US_PER_S);
  assert.deepEqual(timesOf(stage.take(), 'send-advert', sinceUs), [US_PER_S, 2 * US_PER_S]);
});

test('RFC 9568 6.4.2: with Preempt_Mode an advert of lower priority is discarded, and the timer runs on', () => {
  const stage = new Stage().start();
  stage.pass(2 * US_PER_S);
  stage.hear(99);
  stage.pass(DOWN_100_US - 2 * US_PER_S);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.4.2: without Preempt_Mode an advert of lower priority is followed', () => {
  const stage = new Stage({ preempt: false }).start();
  for (let i = 0; i < 10; i++) {
    stage.pass(US_PER_S);
    stage.hear(1);
  }
  assert.equal(stage.router.state, 'backup');
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.1: the owner preempts whatever Preempt_Mode says', () => {
  const stage = new Stage({ priority: 255, preempt: false, startDelayUs: 5 * US_PER_S }).start();
  for (let i = 0; i < 5; i++) {
    stage.hear(254);
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.4.2: on shutdown a backup cancels its timer and says nothing', () => {
  for (const isGraceful of [true, false]) {
    const stage = new Stage().start();
    stage.takeWords();
    stage.send({ kind: 'stop', isGraceful });
    assert.deepEqual(stage.takeWords(), ['backup>initialize stop']);
    stage.pass(100 * US_PER_S);
    assert.deepEqual(stage.takeWords(), []);
  }
});

// --- section 6.4.3, Active ---

test('RFC 9568 6.4.3: the Adver_Timer sends an advert at every interval, and refreshes the life of the addresses', () => {
  const stage = new Stage().active();
  const sinceUs = stage.nowUs;
  stage.pass(3 * US_PER_S);
  const actions = stage.take();
  assert.deepEqual(timesOf(actions, 'send-advert', sinceUs), [US_PER_S, 2 * US_PER_S, 3 * US_PER_S]);
  const [first, second] = renewalsUs(3, US_PER_S);
  assert.deepEqual(timesOf(actions, 'hold-addresses', sinceUs).slice(0, 6), [
    first,
    second,
    US_PER_S,
    US_PER_S + first,
    US_PER_S + second,
    2 * US_PER_S,
  ]);
});

test('An address is not renewed so late that it outlasts what peers wait for', () => {
  const stage = new Stage().active();
  stage.pass(100 * MS);
  stage.take();
  // Until after the last renewal, and before the next advert.
  stage.freeze(700 * MS);
  stage.send({ kind: 'tick' });
  assert.deepEqual(timesOf(stage.take(), 'hold-addresses', 0), []);
});

test('An address whose own life ended was not removed by somebody else', () => {
  const stage = new Stage().active();
  stage.pass(US_PER_S);
  stage.send({ kind: 'address-removed', address: '192.0.2.1' });
  stage.take();
  stage.freeze(2_500 * MS);
  stage.send({ kind: 'address-removed', address: '192.0.2.1' });
  assert.equal(stage.router.observer.total('address-removed'), 1);
  assert.equal(stage.router.observer.total('address-expired'), 1);
});

test('A late tick does not shift the adverts after it', () => {
  const stage = new Stage().active();
  const sinceUs = stage.nowUs;
  stage.pass(US_PER_S - 1);
  stage.freeze(80 * MS);
  stage.pass(2 * US_PER_S);
  assert.deepEqual(timesOf(stage.take(), 'send-advert', sinceUs), [US_PER_S - 1 + 80 * MS, 2 * US_PER_S, 3 * US_PER_S]);
});

test('RFC 9568 6.4.3: to a release the active router answers with an advert and resets the Adver_Timer', () => {
  const stage = new Stage().active();
  stage.pass(600 * MS);
  stage.takeWords();
  const sinceUs = stage.nowUs;
  stage.hear(0);
  stage.pass(US_PER_S);
  assert.deepEqual(timesOf(stage.take(), 'send-advert', sinceUs), [0, US_PER_S]);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 6.4.3: a higher priority, or the same and a greater address, makes it a backup of that sender', () => {
  for (const [priority, source] of [
    [101, LOWER_ADDRESS],
    [100, HIGHER_ADDRESS],
  ] as const) {
    const stage = new Stage().active();
    stage.hear(priority, { source, intervalUs: 100 * MS });
    assert.deepEqual(stage.takeWords(), ['conceal', 'advert 100', 'active>backup higher-advert']);
    // The Active_Down_Interval of the interval heard.
    stage.pass(Math.ceil((3 + 156 / 256) * 100 * MS) - 1);
    assert.equal(stage.router.state, 'backup');
    stage.pass(1);
    assert.equal(stage.router.state, 'active');
  }
});

test('RFC 9568 6.4.3: addresses are compared as unsigned numbers in network byte order', () => {
  const stage = new Stage().active();
  stage.hear(100, { source: Uint8Array.of(200, 0, 0, 1) });
  assert.equal(stage.router.state, 'backup');
});

test('On the virtual MAC the loser is silent: its frame would lead switches back to it', () => {
  const stage = new Stage({ hasVirtualMac: true }).active();
  stage.hear(101);
  assert.deepEqual(stage.takeWords(), ['conceal', 'active>backup higher-advert']);
});

test('RFC 9568 6.4.3: a lower priority, or the same and a lower address, is answered with an advert at once', () => {
  for (const [priority, source] of [
    [99, HIGHER_ADDRESS],
    [100, LOWER_ADDRESS],
  ] as const) {
    const stage = new Stage().active();
    stage.pass(7 * US_PER_S + 300 * MS);
    stage.take();
    stage.hear(priority, { source });
    // And the segment is told again where the addresses are: the rival has announced them too.
    assert.deepEqual(stage.takeWords(), ['advert 100', 'hold', 'announce']);
    assert.equal(stage.router.state, 'active');
    // The Adver_Timer is not reset.
    const sinceUs = stage.nowUs;
    stage.pass(US_PER_S);
    assert.deepEqual(timesOf(stage.take(), 'send-advert', sinceUs), [700 * MS]);
  }
});

test('Answers to a rival are at most one per interval: two routers that answer each other make no storm', () => {
  const clones = [new Stage().active(), new Stage().active()];
  let adverts = 0;
  // Both believe to be the better one, as with one address configured twice.
  const deliver = (from: number, depth: number): void => {
    assert.ok(depth < 10, 'a storm');
    const to = clones[1 - from];
    to.hear(100, { source: LOWER_ADDRESS });
    for (const { action } of to.take()) {
      if (action.kind !== 'send-advert') continue;
      adverts++;
      deliver(1 - from, depth + 1);
    }
  };
  for (const clone of clones) {
    clone.pass(500 * MS);
    clone.take();
  }
  deliver(0, 0);
  assert.equal(adverts, 2);
});

test('A rival with a shorter interval is answered as often as it needs it', () => {
  const stage = new Stage().active();
  stage.take();
  const answersTo = (intervalUs: number): number => {
    stage.hear(50, { intervalUs });
    return stage.take().filter(({ action }) => action.kind === 'send-advert').length;
  };
  assert.equal(answersTo(20 * MS), 1);
  stage.pass(10 * MS);
  assert.equal(answersTo(20 * MS), 0);
  stage.pass(10 * MS);
  assert.equal(answersTo(20 * MS), 1);
});

test('RFC 9568 6.4.3: on shutdown the active router sends a release', () => {
  const stage = new Stage().active();
  stage.send({ kind: 'stop', isGraceful: false });
  assert.deepEqual(stage.takeWords(), ['advert 0', 'advert 0', 'drop', 'end connections', 'active>initialize stop']);
  stage.pass(100 * US_PER_S);
  assert.deepEqual(stage.takeWords(), []);
});

// --- handing over ---

test('A graceful stop keeps the addresses until a peer has taken over', () => {
  const stage = new Stage().active();
  stage.send({ kind: 'stop', isGraceful: true });
  assert.deepEqual(stage.takeWords(), ['advert 0', 'hold', 'active>leaving stop']);
  stage.pass(600 * MS);
  // Once more, should the first have been lost, or overtaken by the advert before it.
  assert.deepEqual(stage.takeWords(), ['advert 0']);
  stage.hear(0);
  assert.deepEqual(stage.takeWords(), []);
  stage.hear(90);
  assert.deepEqual(stage.takeWords(), ['conceal', 'leaving>initialize successor']);
});

test('Connections to addresses that a peer has taken have their time, and are ended while that can still be told', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.pass(100 * MS);
  stage.takeWords();
  stage.hear(90);
  assert.deepEqual(stage.takeWords(), ['conceal', 'leaving>backup successor']);
  // The successor passes on what is theirs for so long.
  stage.pass(500 * MS);
  assert.deepEqual(stage.takeWords(), []);
  stage.pass(100 * MS);
  assert.deepEqual(stage.takeWords(), ['end connections']);
  stage.pass(100 * MS);
  assert.deepEqual(stage.takeWords(), ['drop']);
});

test('A graceful stop ends when the slowest peer would have taken over', () => {
  const stage = new Stage().active();
  const sinceUs = stage.nowUs;
  stage.send({ kind: 'stop', isGraceful: true });
  stage.toDeadline();
  stage.takeWords();
  stage.toDeadline();
  assert.ok(stage.nowUs - sinceUs > (255 / 256) * US_PER_S);
  assert.ok(stage.nowUs - sinceUs < 1.4 * US_PER_S);
  assert.deepEqual(stage.takeWords(), ['drop', 'end connections', 'leaving>initialize no-successor']);
  assert.equal(stage.router.observer.total('no-successor'), 1);
});

test('A second stop that is not graceful ends at once', () => {
  const stage = new Stage().active();
  stage.send({ kind: 'stop', isGraceful: true });
  stage.takeWords();
  stage.send({ kind: 'stop', isGraceful: false });
  assert.deepEqual(stage.takeWords(), ['drop', 'end connections', 'leaving>initialize stop']);
});

test('After a hand-over the peer keeps the addresses although its priority is lower', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  assert.deepEqual(stage.takeWords(), ['advert 0', 'hold', 'active>leaving hand-over']);
  stage.pass(700 * MS);
  stage.hear(50);
  assert.deepEqual(stage.takeWords(), ['advert 0', 'conceal', 'leaving>backup successor']);
  for (let i = 0; i < 20; i++) {
    stage.pass(US_PER_S);
    stage.hear(50);
  }
  assert.equal(stage.router.state, 'backup');
});

test('After a hand-over it takes the addresses back when the peer is silent, and when told to resume', () => {
  for (const resumes of [false, true]) {
    const stage = new Stage().active();
    stage.send(HAND_OVER);
    stage.hear(50);
    if (resumes) stage.send({ kind: 'resume' });
    for (let i = 0; i < 5; i++) {
      if (resumes) stage.hear(50);
      stage.pass(US_PER_S);
    }
    assert.equal(stage.router.state, 'active');
  }
});

test('A hand-over that nobody accepts leaves the addresses where they are', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.toDeadline();
  stage.takeWords();
  stage.toDeadline();
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'leaving>active no-successor']);
});

test('A stop during a hand-over ends in a stop', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.send({ kind: 'stop', isGraceful: true });
  stage.hear(50);
  assert.equal(stage.router.state, 'initialize');
});

test('A hand-over by a router that is not active does nothing', () => {
  const stage = new Stage().start();
  stage.takeWords();
  stage.send(HAND_OVER);
  assert.deepEqual(stage.takeWords(), []);
});

test('A router that replaces one that was active a moment ago goes on where that one ended', () => {
  const stage = new Stage();
  stage.send({ kind: 'start', lastAdvertUs: stage.nowUs - 2.9 * US_PER_S, restraint: null });
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'initialize>active adopt']);

  const late = new Stage();
  late.send({ kind: 'start', lastAdvertUs: late.nowUs - 3 * US_PER_S, restraint: null });
  assert.deepEqual(late.takeWords(), ['initialize>backup late']);
});

for (const priority of [200, 255]) {
  test(`One of priority ${priority} that came too late to go on does not preempt, and takes over when nobody is active`, () => {
    const stage = new Stage({ priority });
    stage.send({ kind: 'start', lastAdvertUs: 0, restraint: null });
    assert.deepEqual(stage.takeWords(), ['initialize>backup late']);
    assert.equal(stage.router.restraint?.reason, 'late');
    for (let i = 0; i < 20; i++) {
      stage.hear(50);
      stage.pass(US_PER_S);
    }
    assert.equal(stage.router.state, 'backup');
    stage.pass(3 * US_PER_S);
    assert.equal(stage.router.state, 'active');
  });
}

// --- delays ---

test('The start delay holds the takeover back after the interface came up too', () => {
  const stage = new Stage({ startDelayUs: 30 * US_PER_S }).active();
  stage.send({ kind: 'source', address: null });
  stage.pass(60 * US_PER_S);
  stage.send({ kind: 'source', address: OWN });
  stage.pass(30 * US_PER_S - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
  // What else was down has nothing to do with the segment.
  const tracking = new Stage({ startDelayUs: 30 * US_PER_S, tracked: [{ name: 'proxy', weight: 0 }] });
  tracking.send({ kind: 'tracked', index: 0, isUp: true });
  tracking.active();
  tracking.send({ kind: 'tracked', index: 0, isUp: false });
  tracking.send({ kind: 'tracked', index: 0, isUp: true });
  tracking.pass(DOWN_100_US);
  assert.equal(tracking.router.state, 'active');
});

test('The start delay holds the first takeover back while nothing is heard', () => {
  const stage = new Stage({ startDelayUs: 30 * US_PER_S }).start();
  stage.pass(30 * US_PER_S - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('The start delay is over when an advert is heard', () => {
  const stage = new Stage({ startDelayUs: 30 * US_PER_S }).start();
  stage.pass(US_PER_S);
  stage.hear(50);
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
});

test('The preemption delay lets a router of lower priority be active for that long after it was first heard', () => {
  const stage = new Stage({ preemptDelayUs: 10 * US_PER_S }).start();
  const sinceUs = stage.nowUs;
  while (stage.router.state === 'backup') {
    stage.hear(50);
    stage.pass(US_PER_S);
  }
  const tookUs = stage.nowUs - sinceUs;
  assert.ok(tookUs >= 10 * US_PER_S && tookUs <= 15 * US_PER_S, `${tookUs}`);
});

test('The preemption delay does not hold back a takeover for silence, and begins anew after a better router', () => {
  const stage = new Stage({ preemptDelayUs: 10 * US_PER_S }).start();
  stage.hear(50);
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');

  const other = new Stage({ preemptDelayUs: 10 * US_PER_S }).start();
  for (const priority of [50, 50, 50, 200, 50, 50, 50, 50, 50, 50, 50, 50]) {
    other.hear(priority);
    other.pass(US_PER_S);
  }
  assert.equal(other.router.state, 'backup');
});

// --- tracking ---

test('A tracked thing of weight 0 without a verdict holds the router in fault; its first verdict decides', () => {
  const stage = new Stage({ tracked: [{ name: 'proxy', weight: 0 }] }).start();
  assert.deepEqual(stage.takeWords(), ['initialize>fault fault']);
  stage.hear(0);
  stage.pass(10 * US_PER_S);
  assert.deepEqual(stage.takeWords(), []);
  stage.send({ kind: 'tracked', index: 0, isUp: true });
  assert.deepEqual(stage.takeWords(), ['fault>backup fault-cleared']);
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
});

test('A fault of the active router releases and drops the addresses at once; what clears it starts a new election', () => {
  const stage = new Stage({ tracked: [{ name: 'proxy', weight: 0 }] });
  stage.send({ kind: 'tracked', index: 0, isUp: true });
  stage.active();
  stage.send({ kind: 'tracked', index: 0, isUp: false });
  assert.deepEqual(stage.takeWords(), ['advert 0', 'advert 0', 'drop', 'active>fault fault']);
  assert.equal(stage.router.fault, 'proxy');
  stage.send({ kind: 'tracked', index: 0, isUp: true });
  stage.pass(DOWN_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('An interface without an address to send from is a fault', () => {
  const stage = new Stage().active();
  stage.send({ kind: 'source', address: null });
  assert.equal(stage.router.state, 'fault');
  stage.send({ kind: 'source', address: OWN });
  assert.equal(stage.router.state, 'backup');
});

test('A fault during a hand-over or a stop drops the addresses at once', () => {
  for (const [event, ...end] of [
    [HAND_OVER, 'leaving>fault fault'],
    [{ kind: 'stop', isGraceful: true }, 'end connections', 'leaving>initialize stop'],
  ] as const) {
    const stage = new Stage().active();
    stage.send(event);
    stage.takeWords();
    stage.send({ kind: 'source', address: null });
    assert.deepEqual(stage.takeWords(), ['drop', ...end]);
  }
});

test('Weights change the priority, which is advertised at once', () => {
  const stage = new Stage({
    tracked: [
      { name: 'up', weight: 20 },
      { name: 'down', weight: -60 },
    ],
  }).active();
  assert.equal(stage.router.priority, 100);
  stage.send({ kind: 'tracked', index: 0, isUp: true });
  assert.deepEqual(stage.takeWords(), ['advert 120']);
  stage.send({ kind: 'tracked', index: 1, isUp: true });
  assert.deepEqual(stage.takeWords(), []);
  stage.send({ kind: 'tracked', index: 1, isUp: false });
  stage.send({ kind: 'tracked', index: 0, isUp: false });
  assert.deepEqual(stage.takeWords(), ['advert 60', 'advert 40']);
});

test('An amount counts instead of the weight, and what fails with one is a fault, of which peers hear nothing but the release', () => {
  const stage = new Stage({ tracked: [{ name: 'x', weight: 2 }] }).start();
  stage.send({ kind: 'tracked', index: 0, isUp: true, amount: 6 });
  assert.equal(stage.router.priority, 106);
  stage.pass(4 * US_PER_S);
  assert.equal(stage.router.state, 'active');
  stage.takeWords();
  stage.send({ kind: 'tracked', index: 0, isUp: true, amount: -40 });
  assert.deepEqual(stage.takeWords(), ['advert 60', 'hold']);
  stage.send({ kind: 'tracked', index: 0, isUp: false, amount: 0 });
  assert.equal(stage.router.state, 'fault');
  assert.ok(stage.takeWords().every((word) => !/^advert [1-9]/.test(word)));
  stage.send({ kind: 'tracked', index: 0, isUp: true, amount: 0 });
  assert.equal(stage.router.state, 'backup');
  assert.equal(stage.router.priority, 100);
});

test('RFC 9568 5.2.4: weights keep the priority between 1 and 254, and do not change that of the owner', () => {
  for (const [priority, weight, isUp, expected] of [
    [100, 253, true, 254],
    [100, -253, false, 1],
    [255, -253, false, 255],
  ] as const) {
    const stage = new Stage({ priority, tracked: [{ name: 'x', weight }] }).start();
    stage.send({ kind: 'tracked', index: 0, isUp });
    assert.equal(stage.router.priority, expected);
  }
});

test('A new priority shifts the running Active_Down_Timer of a backup by the difference of skews', () => {
  const stage = new Stage({ tracked: [{ name: 'x', weight: 64 }] }).start();
  stage.hear(200);
  stage.send({ kind: 'tracked', index: 0, isUp: true });
  stage.pass(DOWN_100_US - US_PER_S / 4 - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

// --- guards ---

test('A guard without a verdict, or that does not pass, keeps the router from becoming active', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.takeWords();
  stage.pass(DOWN_100_US);
  assert.deepEqual(stage.takeWords(), ['backup>claiming nobody-heard']);
  stage.send({ kind: 'guard', name: 'gateway', passes: false });
  stage.pass(20 * US_PER_S);
  assert.deepEqual(stage.takeWords(), []);
  stage.send({ kind: 'guard', name: 'gateway', passes: true });
  assert.deepEqual(stage.takeWords(), ['claiming>backup guard-passed']);
  stage.send({ kind: 'guard', name: 'gateway', passes: true });
  stage.pass(DOWN_100_US);
  assert.deepEqual(stage.takeWords(), ['hold', 'advert 100', 'announce', 'backup>active nobody-heard']);
});

test('A guard that begins to pass makes a backup listen anew: the segment may have been cut until now', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.pass(DOWN_100_US - 1);
  stage.send({ kind: 'guard', name: 'gateway', passes: true });
  stage.pass(DOWN_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('An active router whose guard does not pass any more releases at once', () => {
  for (const event of [{ kind: 'tick' }, HAND_OVER, { kind: 'stop', isGraceful: true }] as const) {
    const stage = new Stage({ guards: ['gateway', 'witness'] });
    stage.send({ kind: 'guard', name: 'gateway', passes: true });
    stage.send({ kind: 'guard', name: 'witness', passes: true });
    stage.active();
    stage.send(event);
    stage.takeWords();
    stage.send({ kind: 'guard', name: 'witness', passes: false });
    const expected = {
      tick: ['advert 0', 'advert 0', 'drop', 'active>backup guard-lost'],
      'hand-over': ['drop', 'leaving>backup guard-lost'],
      stop: ['drop', 'end connections', 'leaving>initialize no-successor'],
    }[event.kind];
    assert.deepEqual(stage.takeWords(), expected);
  }
});

test('A claiming router that hears an active one follows it, and one of lower priority it does not', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.pass(DOWN_100_US);
  stage.hear(50);
  assert.equal(stage.router.state, 'claiming');
  stage.hear(150);
  assert.equal(stage.router.state, 'backup');
  stage.pass(DOWN_100_US);
  stage.hear(0);
  assert.equal(stage.router.state, 'backup');
  stage.pass(SKEW_100_US);
  assert.equal(stage.router.state, 'claiming');
});

test('A claiming router stops and faults like a backup', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.pass(DOWN_100_US);
  stage.takeWords();
  stage.send({ kind: 'source', address: null });
  assert.deepEqual(stage.takeWords(), ['claiming>fault fault']);
  stage.send({ kind: 'stop', isGraceful: true });
  assert.deepEqual(stage.takeWords(), ['fault>initialize stop']);

  const other = new Stage({ guards: ['gateway'] }).start();
  other.pass(DOWN_100_US);
  other.takeWords();
  other.send({ kind: 'stop', isGraceful: true });
  assert.deepEqual(other.takeWords(), ['claiming>initialize stop']);
});

test('The probe asks three times before the Active_Down_Timer fires, and delays nothing', () => {
  const stage = new Stage({ probesAddresses: true }).start();
  const sinceUs = stage.nowUs;
  stage.pass(DOWN_100_US);
  const actions = stage.take();
  const begin = DOWN_100_US - 150 * MS;
  assert.deepEqual(timesOf(actions, 'probe', sinceUs), [begin, begin + 40 * MS, begin + 80 * MS]);
  assert.equal(stage.router.state, 'active');
});

test('At short intervals the probe begins only when adverts are overdue, and the takeover waits for it', () => {
  const stage = new Stage({ probesAddresses: true, intervalUs: 10 * MS }).start();
  for (let i = 0; i < 100; i++) {
    stage.hear(200, { intervalUs: 10 * MS });
    stage.pass(10 * MS);
  }
  assert.deepEqual(stage.takeWords(), ['initialize>backup start']);
  stage.pass(300 * MS);
  assert.deepEqual(stage.takeWords().slice(0, 4), ['probe', 'backup>claiming peer-silent', 'probe', 'probe']);
  assert.equal(stage.router.state, 'active');
});

test('While somebody answers the probe the router does not take the addresses, and asks again each second', () => {
  const stage = new Stage({ probesAddresses: true }).start();
  stage.takeWords();
  stage.pass(DOWN_100_US - 100 * MS);
  stage.send({ kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null });
  assert.equal(stage.router.observer.total('held-by-stranger'), 1);
  stage.pass(US_PER_S);
  assert.deepEqual(stage.takeWords(), ['probe', 'probe', 'backup>claiming nobody-heard', 'probe']);
  stage.send({ kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null });
  stage.takeWords();
  stage.pass(US_PER_S + 149 * MS);
  assert.deepEqual(stage.takeWords(), ['probe', 'probe', 'probe']);
  stage.pass(1 * MS);
  assert.equal(stage.router.state, 'active');
});

test('An answer before the claim is forgotten when an active router is heard', () => {
  const stage = new Stage({ probesAddresses: true }).start();
  stage.pass(DOWN_100_US - 100 * MS);
  stage.send({ kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null });
  stage.hear(150);
  stage.takeWords();
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
});

test('After a release, and to preempt, nobody is asked: the holder is known and will give way', () => {
  const released = new Stage({ probesAddresses: true }).start();
  released.hear(150);
  released.hear(0);
  released.takeWords();
  released.pass(SKEW_100_US);
  const [, ...words] = released.takeWords();
  assert.deepEqual(words, ['hold', 'advert 100', 'announce', 'backup>active released']);

  const preempting = new Stage({ probesAddresses: true }).start();
  preempting.takeWords();
  for (let i = 0; i < 4; i++) {
    preempting.hear(50);
    preempting.pass(US_PER_S);
  }
  assert.ok(!preempting.takeWords().includes('probe'));
  assert.equal(preempting.router.state, 'active');
});

test('A release by a peer that then stays silent is followed by a probe when the takeover is late for other reasons', () => {
  const stage = new Stage({ probesAddresses: true, guards: ['gateway'] }).start();
  stage.hear(150);
  stage.hear(0);
  stage.pass(SKEW_100_US);
  assert.equal(stage.router.state, 'claiming');
  stage.takeWords();
  stage.pass(10 * US_PER_S);
  assert.deepEqual(stage.takeWords(), ['probe', 'probe', 'probe']);
});

test('An owner whose probe was answered takes over as soon as it hears that the holder has less right', () => {
  const stage = new Stage({ priority: 255, probesAddresses: true }).start();
  stage.pass(10 * MS);
  stage.send({ kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null });
  assert.equal(stage.router.state, 'claiming');
  stage.hear(100);
  assert.equal(stage.router.state, 'active');
});

test('A foreign machine that answers for an address in a backup that does not ask means nothing', () => {
  const stage = new Stage({ probesAddresses: true }).start();
  stage.hear(150);
  stage.send({ kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null });
  assert.equal(stage.router.observer.total('held-by-stranger'), 0);
});

// --- stalls ---

test('An active router that did not run for as long as peers wait listens before it holds anything', () => {
  const stage = new Stage().active();
  stage.freeze(3 * US_PER_S + 1);
  stage.send({ kind: 'tick' });
  assert.deepEqual(stage.takeWords(), ['drop', 'active>backup stall']);
  stage.pass(DOWN_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

for (const [how, lose] of [
  ['did not run', (stage: Stage) => stage.freeze(4 * US_PER_S)],
  ['had no link', (stage: Stage) => stage.send({ kind: 'source', address: null })],
  ['failed', (stage: Stage) => stage.send({ kind: 'tracked', index: 0, isUp: false })],
] as const) {
  test(`Connections of a router that ${how} are ended when somebody else has the addresses, and once`, () => {
    const stage = new Stage({ tracked: [{ name: 'proxy', weight: 0 }] });
    stage.send({ kind: 'tracked', index: 0, isUp: true });
    stage.active();
    lose(stage);
    stage.send({ kind: 'tick' });
    assert.ok(!stage.router.isHolding);
    assert.ok(!stage.takeWords().includes('end connections'));
    stage.hear(0);
    assert.ok(!stage.takeWords().includes('end connections'));
    stage.hear(50);
    stage.hear(50);
    assert.equal(stage.takeWords().filter((word) => word === 'end connections').length, 1);
  });
}

test('Who has the addresses again before anybody else goes on with their connections', () => {
  const stage = new Stage().active();
  stage.freeze(4 * US_PER_S);
  stage.send({ kind: 'tick' });
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
  stage.hear(50);
  assert.ok(!stage.takeWords().includes('end connections'));
});

test('One that began too late to go on as its predecessor ends the connections of that one', () => {
  const stage = new Stage();
  stage.send({ kind: 'start', lastAdvertUs: stage.nowUs - 10 * US_PER_S, restraint: null });
  stage.hear(50);
  assert.ok(stage.takeWords().includes('end connections'));
});

test('A shorter stall of the active router is of no consequence', () => {
  const stage = new Stage().active();
  stage.freeze(3 * US_PER_S);
  stage.send({ kind: 'tick' });
  assert.deepEqual(stage.takeWords(), ['advert 100', 'hold', 'announce']);
});

test('After a stall the adverts that waited in the socket are heard as a backup', () => {
  const stage = new Stage().active();
  stage.freeze(10 * US_PER_S);
  stage.hear(50);
  assert.equal(stage.router.state, 'backup');
  assert.equal(stage.router.observer.total('stall'), 1);
});

test('A stall while leaving ends it: whoever took over is not to be disturbed', () => {
  for (const [event, ...end] of [
    [HAND_OVER, 'leaving>backup stall'],
    [{ kind: 'stop', isGraceful: true }, 'end connections', 'leaving>initialize no-successor'],
  ] as const) {
    const stage = new Stage().active();
    stage.send(event);
    stage.takeWords();
    stage.freeze(5 * US_PER_S);
    stage.send({ kind: 'tick' });
    assert.deepEqual(stage.takeWords(), ['drop', ...end]);
  }
});

test('Time in which a backup did not run is not silence of the active router', () => {
  const stage = new Stage().start();
  stage.hear(150);
  stage.freeze(3.5 * US_PER_S);
  stage.send({ kind: 'tick' });
  stage.pass(DOWN_100_US - 1);
  assert.equal(stage.router.state, 'backup');
  stage.pass(1);
  assert.equal(stage.router.state, 'active');
});

test('A backup that hears nothing still runs often enough to notice that it did not', () => {
  const stage = new Stage({ startDelayUs: 100 * US_PER_S }).start();
  for (let i = 0; i < 20; i++) {
    assert.ok(stage.router.deadlineUs - stage.nowUs <= 1.25 * US_PER_S);
    stage.toDeadline();
  }
  assert.equal(stage.router.observer.total('stall'), 0);
});

test('A claiming router that did not run listens again', () => {
  const stage = new Stage({ guards: ['gateway'] }).start();
  stage.pass(DOWN_100_US);
  stage.takeWords();
  stage.freeze(5 * US_PER_S);
  stage.send({ kind: 'guard', name: 'gateway', passes: true });
  assert.deepEqual(stage.takeWords(), ['claiming>backup stall']);
});

// --- announcing, holding ---

test('RFC 9568 6.4.2: the addresses are announced at once, again and again for five seconds, and then each minute', () => {
  const stage = new Stage().start();
  stage.pass(DOWN_100_US);
  const sinceUs = stage.nowUs;
  stage.pass(150 * US_PER_S);
  const ms = timesOf(stage.take(), 'announce', sinceUs).map((us) => us / MS);
  assert.deepEqual(ms, [0, 5, 50, 250, 1000, 5000, 65_000, 125_000]);
});

test('A rival that advertises often starts a burst of announcements at most each second', () => {
  const stage = new Stage({ intervalUs: 10 * MS }).active();
  stage.pass(10 * US_PER_S);
  stage.take();
  for (let i = 0; i < 99; i++) {
    stage.hear(50, { intervalUs: 10 * MS });
    stage.pass(10 * MS);
  }
  assert.equal(timesOf(stage.take(), 'announce', 0).length, 4);
});

test('An address that somebody removed is put back at once, and told', () => {
  const stage = new Stage().active();
  stage.pass(6 * US_PER_S);
  stage.take();
  stage.send({ kind: 'address-removed', address: '192.0.2.100' });
  stage.send({ kind: 'address-removed', address: '192.0.2.100' });
  assert.deepEqual(stage.takeWords(), ['hold', 'announce']);
  assert.equal(stage.router.observer.total('address-removed'), 2);

  const backup = new Stage().start();
  backup.takeWords();
  backup.send({ kind: 'address-removed', address: '192.0.2.100' });
  assert.deepEqual(backup.takeWords(), []);
});

test('At 10 ms adverts the life of the addresses is refreshed five times a second, not a hundred', () => {
  const stage = new Stage({ intervalUs: 10 * MS }).active();
  const sinceUs = stage.nowUs;
  stage.pass(US_PER_S);
  assert.equal(timesOf(stage.take(), 'hold-addresses', sinceUs).length, 5);
});

// --- evidence ---

test('RFC 9568 7.1: another address list and another interval are told at most each minute, and change nothing', () => {
  const stage = new Stage().start();
  for (let i = 0; i < 125; i++) {
    stage.hear(150, { addresses: 'some', intervalUs: 2 * US_PER_S });
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.state, 'backup');
  const told = stage.take().flatMap(({ action }) => (action.kind === 'evidence' ? [action.evidence] : []));
  assert.deepEqual(
    told.map(({ kind, suppressed }) => `${kind} ${suppressed}`),
    ['address-list 0', 'interval 0', 'address-list 59', 'interval 59', 'address-list 59', 'interval 59'],
  );
});

test('RFC 9568 7.1: adverts that are refused are told at most each minute for every reason, and change nothing', () => {
  const stage = new Stage().start();
  stage.take();
  for (let i = 0; i < 3; i++) {
    stage.send({ kind: 'refused', reason: 'ttl', from: '192.0.2.66', why: '', count: 1 });
    stage.send({ kind: 'refused', reason: 'checksum', from: '192.0.2.66', why: '', count: 1 });
  }
  assert.equal(stage.take().length, 2);
  stage.pass(DOWN_100_US);
  assert.equal(stage.router.state, 'active');
});

test('RFC 9568 8.3.2: two owners, and equal priorities, are told', () => {
  const owner = new Stage({ priority: 255 }).start();
  owner.hear(255, { source: LOWER_ADDRESS });
  assert.equal(owner.router.observer.total('second-owner'), 1);
  assert.equal(owner.router.state, 'active');
  owner.hear(255, { source: HIGHER_ADDRESS });
  assert.equal(owner.router.state, 'backup');

  const equal = new Stage().start();
  equal.hear(100);
  assert.equal(equal.router.observer.total('same-priority'), 1);
});

test('A rival that goes on although it is answered is told as one that does not hear', () => {
  const stage = new Stage().active();
  for (let i = 0; i < 3; i++) {
    stage.hear(50);
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.observer.total('rival'), 3);
  assert.equal(stage.router.observer.total('deaf-rival'), 0);
  stage.hear(50);
  assert.equal(stage.router.observer.total('deaf-rival'), 1);
});

test('Rivals that come and go are not taken for one that does not hear', () => {
  const stage = new Stage().active();
  for (let i = 0; i < 10; i++) {
    stage.hear(50);
    stage.pass(4 * US_PER_S);
  }
  assert.equal(stage.router.observer.total('deaf-rival'), 0);
});

// --- misuse ---

test('A priority of 0 cannot be configured', () => {
  assert.throws(() => new VirtualRouter({ ...PLAIN, priority: 0 }));
  assert.throws(() => new VirtualRouter({ ...PLAIN, priority: 256 }));
});

test('A verdict on a guard that does not exist is a bug', () => {
  const stage = new Stage();
  assert.throws(() => stage.send({ kind: 'guard', name: 'gateway', passes: true }));
});
