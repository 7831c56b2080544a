import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Witnesses } from './witnesses.ts';

const ADVERTISE_MS = 1_000;

/** Runs a panel whose witnesses answer, or not, after `delayMs`, as the letters say: `+-+`. */
class Scene {
  readonly panel: Witnesses;
  nowMs = 1_000;
  readonly changes: [ms: number, passes: boolean][] = [];
  private readonly count: number;
  private readonly underway: { index: number; atMs: number }[] = [];

  constructor(count: number, quorum: number, advertiseMs = ADVERTISE_MS) {
    this.count = count;
    this.panel = new Witnesses(count, quorum, advertiseMs, this.nowMs);
  }

  run(who: string, ms: number, delayMs = 5): this {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = Math.min(this.panel.deadlineMs, ...this.underway.map(({ atMs }) => atMs));
      if (next > endMs) break;
      this.nowMs = Math.max(next, this.nowMs);
      const answered = this.underway.findIndex(({ atMs }) => atMs <= this.nowMs);
      if (answered >= 0) {
        const [{ index }] = this.underway.splice(answered, 1);
        this.note(() => this.panel.handleAnswer(index, this.nowMs));
      } else {
        const isAsking = this.note(() => this.panel.handleTime(this.nowMs));
        for (let index = 0; index < this.count; index++) {
          if (isAsking && who[index] === '+') this.underway.push({ index, atMs: this.nowMs + delayMs });
        }
      }
    }
    this.nowMs = endMs;
    return this;
  }

  private note<T>(step: () => T): T {
    const before = this.panel.passes;
    const result = step();
    const { passes } = this.panel;
    if (passes !== null && passes !== before) this.changes.push([this.nowMs, passes]);
    return result;
  }
}

test('a quorum that answers passes as soon as it has answered', () => {
  const scene = new Scene(3, 2).run('+-+', 100);
  assert.deepEqual(scene.changes, [[1_005, true]]);
  assert.ok(scene.panel.isAnswering(0, scene.nowMs));
  assert.ok(!scene.panel.isAnswering(1, scene.nowMs));
});

test('less than a quorum does not pass, which is said when it had its time', () => {
  const scene = new Scene(3, 2).run('--+', 10_000);
  assert.deepEqual(scene.changes, [[1_000 + scene.panel.patienceMs, false]]);
});

test('a quorum that is lost is given up before a peer of the other side can have taken over', () => {
  const scene = new Scene(1, 1).run('+', 5_000).run('-', 10_000).run('+', 1_000);
  const [, [lostMs], [foundMs]] = scene.changes;
  // The peer waits for three intervals and its skew from an advert that may be one interval old.
  assert.ok(lostMs - 6_000 < 2 * ADVERTISE_MS, `${lostMs - 6_000} ms`);
  assert.ok(foundMs - 16_000 < 600);
});

test('which witnesses make the quorum may change', () => {
  const scene = new Scene(3, 2).run('++-', 5_000).run('-++', 5_000).run('+-+', 5_000);
  assert.deepEqual(scene.changes, [[1_005, true]]);
});

test('a lost answer or two change nothing', () => {
  const scene = new Scene(1, 1);
  for (let i = 0; i < 20; i++) scene.run('+', 500).run('-', 1_000);
  assert.deepEqual(scene.changes, [[1_005, true]]);
});

test('time in which this process slept is nobody’s silence', () => {
  const scene = new Scene(1, 1).run('+', 5_000);
  scene.nowMs += 60_000;
  scene.run('+', 5_000);
  assert.deepEqual(scene.changes, [[1_005, true]]);
});

test('adverts every 10 ms do not make it ask every 5', () => {
  assert.equal(new Scene(1, 1, 10).panel.periodMs, 250);
  assert.equal(new Scene(1, 1, 40_000).panel.periodMs, 1_000);
});

test('the verdict is that of a naive count of who answered lately', () => {
  const step = fc.record({ who: fc.stringMatching(/^[+-]{3}$/), ms: fc.integer({ min: 100, max: 4_000 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 15 }), (quorum, steps) => {
      const scene = new Scene(3, quorum);
      for (const { who, ms } of steps) {
        scene.run(who, ms);
        if (ms < scene.panel.patienceMs + 500) continue;
        const answering = who.split('+').length - 1;
        assert.equal(scene.panel.passes, answering >= quorum);
      }
    }),
  );
});
