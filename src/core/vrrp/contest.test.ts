/** What an active router does while somebody else has, or may have had, the addresses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import { HIGHER_ADDRESS, LOWER_ADDRESS, Stage, timesOf } from './testing.ts';

const MS = 1000;
const ANSWER = { kind: 'address-answered', address: '192.0.2.3', by: '02:00:00:00:00:09', peer: null } as const;

/** Active for long enough that nothing is announced but for the refresh each minute. */
function settled(changes = {}): Stage {
  const stage = new Stage(changes).active();
  stage.pass(20 * US_PER_S);
  stage.take();
  return stage;
}

test('An active router asks before each advert whether somebody else has the addresses, at most once a second', () => {
  const stage = settled({ probesAddresses: true });
  stage.pass(3 * US_PER_S);
  const words = stage.takeWords().filter((word) => word !== 'hold');
  assert.deepEqual(words, ['probe', 'advert 100', 'probe', 'advert 100', 'probe', 'advert 100']);
  const often = settled({ probesAddresses: true, intervalUs: 10 * MS });
  often.pass(10 * US_PER_S);
  const asked = timesOf(often.take(), 'probe', 0).length;
  assert.ok(asked >= 9 && asked <= 14, `${asked}`);
  const never = settled();
  never.pass(3 * US_PER_S);
  assert.ok(!never.takeWords().includes('probe'));
});

for (const [what, contest] of [
  ['an answer to its question, or a foreign announcement', (stage: Stage) => stage.send(ANSWER)],
  ['a rival that advertises with less right', (stage: Stage) => stage.hear(50)],
] as const) {
  test(`Addresses are announced at once and each second after ${what}, and for some intervals`, () => {
    const stage = settled();
    const sinceUs = stage.nowUs;
    contest(stage);
    // An announcement may be that of a successor, whose advert comes then.
    stage.pass(100 * MS);
    assert.ok(stage.router.isContested);
    stage.pass(30 * US_PER_S);
    const seconds = timesOf(stage.take(), 'announce', sinceUs).map((us) => us / US_PER_S);
    assert.deepEqual(seconds, [0, 0.005, 0.05, 0.25, 1, 2, 3, 4, 5, 6]);
    assert.ok(!stage.router.isContested);
  });
}

test('While it is contested, rounds go on each second and no more often', () => {
  const stage = settled();
  const sinceUs = stage.nowUs;
  for (let i = 0; i < 60 * 20; i++) {
    stage.send(ANSWER);
    stage.pass(50 * MS);
  }
  const times = timesOf(stage.take(), 'announce', sinceUs);
  assert.ok(times.length >= 55 && times.length <= 65, `${times.length} in a minute`);
  assert.ok(Math.max(...times.slice(1).map((us, i) => us - times[i])) <= 1.05 * US_PER_S);
});

test('At intervals of 10 s the rounds go on for five of them', () => {
  const stage = settled({ intervalUs: 10 * US_PER_S });
  const sinceUs = stage.nowUs;
  stage.send(ANSWER);
  stage.pass(100 * US_PER_S);
  assert.equal(timesOf(stage.take(), 'announce', sinceUs).filter((us) => us < 52 * US_PER_S).length, 54);
});

test('A machine that answers for the addresses of an active router is a conflict, and an announcing successor is none', () => {
  const stage = settled();
  stage.send(ANSWER);
  stage.pass(US_PER_S);
  stage.send(ANSWER);
  stage.pass(US_PER_S);
  assert.equal(stage.router.observer.total('address-conflict'), 2);
  const preempted = settled();
  preempted.send(ANSWER);
  preempted.pass(10 * MS);
  preempted.hear(150);
  preempted.pass(US_PER_S);
  assert.equal(preempted.router.state, 'backup');
  assert.equal(preempted.router.observer.total('address-conflict'), 0);
});

test('A conflict names the address, and the peer if its MAC address comes to be known meanwhile', () => {
  for (const [peer, who] of [
    ['192.0.2.12', '02:00:00:00:00:09 (192.0.2.12)'],
    [null, "02:00:00:00:00:09, which is no peer's,"],
  ] as const) {
    const stage = settled();
    stage.send(ANSWER);
    stage.send({ ...ANSWER, peer });
    stage.take();
    stage.pass(US_PER_S);
    const told = stage.take().flatMap(({ action }) => (action.kind === 'evidence' ? [action.evidence.detail] : []));
    assert.deepEqual(told, [`${who} answers for 192.0.2.3, which this router holds`]);
  }
});

test('The last word of a router that was preempted is answered, and is no rival', () => {
  const stage = new Stage().start();
  for (let i = 0; i < 4; i++) {
    stage.hear(50, { source: LOWER_ADDRESS });
    stage.pass(US_PER_S);
  }
  assert.equal(stage.router.state, 'active');
  stage.pass(10 * MS);
  stage.takeWords();
  stage.hear(50, { source: LOWER_ADDRESS });
  assert.ok(stage.takeWords().includes('advert 100'));
  assert.equal(stage.router.observer.total('rival'), 0);
  assert.ok(!stage.router.isContested);
  // Another one's is, and its own when it has had time to hear of its successor.
  stage.hear(40, { source: HIGHER_ADDRESS });
  assert.equal(stage.router.observer.total('rival'), 1);
  stage.pass(2 * US_PER_S);
  stage.hear(50, { source: LOWER_ADDRESS });
  assert.equal(stage.router.observer.total('rival'), 2);
});
