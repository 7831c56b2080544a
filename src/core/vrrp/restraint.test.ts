/** What keeps a router from preempting, over its own death and that of its process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { US_PER_S } from './intervals.ts';
import type { Restraint } from './restraint.ts';
import { HAND_OVER, LOWER_ADDRESS, Stage } from './testing.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Adverts of a peer with less right, one each second. */
function follow(stage: Stage, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    stage.hear(50, { source: LOWER_ADDRESS });
    stage.pass(US_PER_S);
  }
}

/** What the router says of its restraint, in order. */
function told(stage: Stage): string[] {
  return stage.take().flatMap(({ action }) => {
    if (action.kind !== 'restraint') return [];
    return [action.restraint === null ? `end ${action.end}` : action.restraint.reason];
  });
}

function handedOver(untilUs: number): Restraint {
  return { reason: 'hand-over', sinceUs: 0, untilUs };
}

test('A hand-over holds until resume', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  follow(stage, 100);
  assert.equal(stage.router.state, 'backup');
  assert.deepEqual(told(stage), ['hand-over']);
  stage.send({ kind: 'resume' });
  follow(stage, 4);
  assert.equal(stage.router.state, 'active');
  assert.deepEqual(told(stage), ['end resume']);
});

test('A hand-over for a time holds for that time', () => {
  const stage = new Stage().active();
  stage.send({ kind: 'hand-over', untilUs: stage.nowUs + 60 * US_PER_S });
  follow(stage, 59);
  assert.equal(stage.router.state, 'backup');
  assert.ok(stage.router.restraint !== null);
  follow(stage, 5);
  assert.equal(stage.router.state, 'active');
  assert.deepEqual(told(stage), ['hand-over', 'end over']);
});

for (const [when, lastAdvertAgoUs] of [
  ['of the program', null],
  ['of its process a moment ago', US_PER_S / 2],
  ['of its process long ago', 100 * US_PER_S],
] as const) {
  test(`A hand-over holds over a restart ${when}`, () => {
    const stage = new Stage();
    const lastAdvertUs = lastAdvertAgoUs === null ? null : stage.nowUs - lastAdvertAgoUs;
    stage.send({ kind: 'start', lastAdvertUs, restraint: handedOver(NEVER) });
    follow(stage, 100);
    assert.equal(stage.router.state, 'backup');
    assert.equal(stage.router.restraint?.reason, 'hand-over');
  });
}

test('A process that dies in the middle of a hand-over is followed by one that goes on with it', () => {
  const stage = new Stage();
  stage.send({ kind: 'start', lastAdvertUs: stage.nowUs - 10_000, restraint: handedOver(NEVER) });
  assert.deepEqual(stage.takeWords(), ['advert 0', 'hold', 'initialize>leaving adopt']);
  stage.hear(50);
  assert.deepEqual(stage.takeWords(), ['conceal', 'leaving>backup successor']);
});

test('A restraint whose time was over before the start is none, and that is told', () => {
  const stage = new Stage();
  stage.send({ kind: 'start', lastAdvertUs: null, restraint: handedOver(stage.nowUs - 1) });
  assert.deepEqual(told(stage), ['end over']);
  follow(stage, 5);
  assert.equal(stage.router.state, 'active');
});

test('A restrained router takes over when nobody else has the addresses, and is free from then on', () => {
  const stage = new Stage();
  stage.send({
    kind: 'start',
    lastAdvertUs: null,
    restraint: { reason: 'start', sinceUs: stage.nowUs, untilUs: NEVER },
  });
  follow(stage, 10);
  assert.equal(stage.router.state, 'backup');
  stage.pass(4 * US_PER_S);
  assert.equal(stage.router.state, 'active');
  assert.deepEqual(told(stage), ['end taken']);
});

test('An owner of the addresses is restrained as anybody', () => {
  const stage = new Stage({ priority: 255 });
  stage.send({ kind: 'start', lastAdvertUs: null, restraint: handedOver(NEVER) });
  follow(stage, 10);
  assert.equal(stage.router.state, 'backup');
});

for (const [until, end] of [
  ['resume', (stage: Stage) => stage.send({ kind: 'resume' })],
  ['five minutes have passed', (stage: Stage) => follow(stage, 290)],
] as const) {
  test(`Who came too late says so, and preempts no peer of lower priority until ${until}`, () => {
    const stage = new Stage();
    stage.send({ kind: 'start', lastAdvertUs: 0, restraint: null });
    follow(stage, 10);
    assert.deepEqual(told(stage), ['late']);
    assert.equal(stage.router.state, 'backup');
    end(stage);
    follow(stage, 4);
    assert.equal(stage.router.state, 'active');
  });
}

test('Where nobody took over, nothing holds the router back', () => {
  const stage = new Stage().active();
  stage.send(HAND_OVER);
  stage.pass(5 * US_PER_S);
  assert.equal(stage.router.state, 'active');
  assert.deepEqual(told(stage), ['hand-over', 'end taken']);
});
