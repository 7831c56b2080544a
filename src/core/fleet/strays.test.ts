import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CUT_MS_MAX } from './fleet.ts';
import { STRAY_LOOK_MS, STRAY_SILENCE_MS_MAX, type StrayAction, Strays } from './strays.ts';

const DRAIN_MS = 60_000;

/** Strays, a clock, and what was asked for. */
class Stage {
  readonly strays = new Strays();
  now = 0;
  readonly beats = new Map<number, number>();
  readonly silent = new Set<number>();
  readonly kept = new Set<number>();

  /** Goes on for so long; everybody who is not silent gives signs of life. */
  wait(ms: number): this {
    for (const until = this.now + ms; this.now < until;) {
      this.now += STRAY_LOOK_MS;
      const beatOf = (id: number): number => {
        if (!this.silent.has(id)) this.beats.set(id, this.now);
        return this.beats.get(id) ?? 0;
      };
      this.strays.handleLook(this.now, beatOf, (id) => this.kept.has(id));
    }
    return this;
  }

  get said(): readonly string[] {
    return this.strays.takeActions().map(text);
  }
}

function text(action: StrayAction): string {
  if (action.kind === 'drain') return `drain ${action.id} within ${action.withinMs}`;
  return action.kind === 'kill' ? `kill ${action.id}: ${action.why}` : `let go ${action.id}`;
}

test('one that serves goes on until somebody serves in its place, then it has its time', () => {
  const stage = new Stage();
  const { strays } = stage;
  strays.handleFound(1);
  assert.equal(strays.isSettled, false);
  strays.handleStray(stage.now, 1);
  assert.equal(strays.isSettled, true);
  assert.deepEqual(stage.wait(20_000).said, []);
  strays.handleSuperseded(stage.now, DRAIN_MS, true);
  assert.deepEqual(stage.said, [`drain 1 within ${DRAIN_MS}`]);
  assert.deepEqual(stage.wait(DRAIN_MS + CUT_MS_MAX - STRAY_LOOK_MS).said, []);
  assert.deepEqual(stage.wait(STRAY_LOOK_MS).said, ['kill 1: overdue']);
  strays.handleGone(1);
  assert.equal(strays.count, 0);
});

test('one that says nothing is ended, before it has said whose it is and after', () => {
  const stage = new Stage();
  const { strays } = stage;
  strays.handleFound(1);
  strays.handleFound(2);
  strays.handleStray(stage.now, 2);
  stage.silent.add(1);
  assert.deepEqual(stage.wait(STRAY_SILENCE_MS_MAX + STRAY_LOOK_MS).said, ['kill 1: silent']);
  assert.equal(strays.isSettled, true);
  stage.silent.add(2);
  assert.deepEqual(stage.wait(STRAY_SILENCE_MS_MAX + STRAY_LOOK_MS).said, ['kill 2: silent']);
});

test('one that has a keeper is let go: it says so, or its keeper lives', () => {
  const stage = new Stage();
  const { strays } = stage;
  strays.handleFound(1);
  strays.handleFound(2);
  strays.handleKept(1);
  assert.deepEqual(stage.said, ['let go 1']);
  stage.silent.add(2);
  stage.kept.add(2);
  assert.deepEqual(stage.wait(STRAY_SILENCE_MS_MAX + STRAY_LOOK_MS).said, ['let go 2']);
  assert.equal(strays.count, 0);
});

test('one that is found later finishes at once; a stop shortens its time, and never lengthens it', () => {
  const stage = new Stage();
  const { strays } = stage;
  strays.handleSuperseded(stage.now, DRAIN_MS, true);
  strays.handleFound(1);
  strays.handleStray(stage.now, 1);
  assert.deepEqual(stage.said, [`drain 1 within ${DRAIN_MS}`]);
  strays.handleSuperseded(stage.now, 1_000, false);
  assert.deepEqual(stage.said, ['drain 1 within 1000']);
  strays.handleSuperseded(stage.now, 2_000, false);
  assert.deepEqual(stage.wait(1_000 + CUT_MS_MAX).said, ['kill 1: overdue']);
});

test('at the end nobody is ended who may have a keeper, or in whose place nobody serves', () => {
  const stage = new Stage();
  const { strays } = stage;
  strays.handleFound(1);
  strays.handleFound(2);
  strays.handleStray(stage.now, 2);
  strays.handleKill();
  assert.deepEqual(stage.said, ['let go 1', 'let go 2']);
  strays.handleFound(3);
  strays.handleStray(stage.now, 3);
  strays.handleSuperseded(stage.now, DRAIN_MS, true);
  strays.handleKill();
  assert.deepEqual(stage.said, [`drain 3 within ${DRAIN_MS}`, 'kill 3: stop']);
});

test('one that gives signs of life and does not answer is ended', () => {
  const stage = new Stage();
  stage.strays.handleFound(1);
  assert.deepEqual(stage.wait(STRAY_SILENCE_MS_MAX + STRAY_LOOK_MS).said, ['kill 1: silent']);
});

test('whatever happens: each is ended once at most, and only one that lives and has no keeper is told anything', () => {
  const id = fc.integer({ min: 0, max: 3 });
  const event = fc.oneof(
    fc.record({ kind: fc.constantFrom('found', 'kept', 'stray', 'gone', 'silent'), id }),
    fc.record({ kind: fc.constantFrom('superseded', 'wait', 'kill'), id: fc.integer({ min: 0, max: 5_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const stage = new Stage();
      const { strays } = stage;
      const state = new Map<number, 'asked' | 'stray' | 'draining' | 'killed'>();
      for (const { kind, id: number } of events) {
        if (kind === 'found' && !state.has(number)) {
          state.set(number, 'asked');
          stage.silent.delete(number);
          strays.handleFound(number);
        } else if (kind === 'kept' && state.get(number) === 'asked') strays.handleKept(number);
        else if (kind === 'stray' && state.get(number) === 'asked') {
          state.set(number, 'stray');
          strays.handleStray(stage.now, number);
        } else if (kind === 'gone' && state.delete(number)) strays.handleGone(number);
        else if (kind === 'silent') stage.silent.add(number);
        else if (kind === 'superseded') strays.handleSuperseded(stage.now, number, true);
        else if (kind === 'wait') stage.wait(number);
        else if (kind === 'kill') strays.handleKill();
        for (const action of strays.takeActions()) {
          const before = state.get(action.id);
          if (action.kind === 'drain') assert.ok(before === 'stray' || before === 'draining');
          else if (action.kind === 'let-go') assert.ok(before === 'asked' || (before === 'stray' && kind === 'kill'));
          else assert.ok(before !== undefined && before !== 'killed');
          if (action.kind === 'let-go') state.delete(action.id);
          else state.set(action.id, action.kind === 'kill' ? 'killed' : 'draining');
        }
        assert.equal(strays.count, state.size);
      }
    }),
  );
});
