import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease, type LeaseAnswer, type LeaseQuestion } from './lease.ts';

const TTL_MS = 10_000;

class Scene {
  nowMs = 1_000;
  readonly lease = new Lease({ self: 'lb01', ttlMs: TTL_MS }, 100);

  /** What it asks for by then, at that time; null: nothing. */
  ask(byMs: number): LeaseQuestion | null {
    while (this.nowMs <= byMs) {
      const question = this.lease.ask(this.nowMs);
      if (question !== null) return question;
      this.nowMs += 10;
    }
    return null;
  }

  answer(answer: LeaseAnswer, afterMs = 5): void {
    this.nowMs += afterMs;
    this.lease.handleAnswer(answer, this.nowMs);
  }

  known(): void {
    const word = this.lease.tell(this.nowMs);
    if (word !== null) this.lease.handleKnown(word.number, this.nowMs);
  }

  /** It has it, by the record of this revision. */
  take(revision: number): void {
    this.lease.want(true, this.nowMs);
    assert.deepEqual(this.ask(this.nowMs), { kind: 'read' });
    this.answer({ kind: 'record', record: null });
    assert.equal(this.ask(this.nowMs + 1_000)?.kind, 'write');
    this.answer({ kind: 'written', revision });
    this.known();
  }
}

test('nobody has it: it is written, and held from when that was sent', () => {
  const scene = new Scene();
  const { lease } = scene;
  assert.deepEqual(lease.ask(scene.nowMs), { kind: 'read' });
  scene.answer({ kind: 'record', record: null });
  assert.equal(lease.deadlineMs, 1_000 + TTL_MS / 5, 'nobody wants it');
  lease.want(true, scene.nowMs);
  assert.deepEqual(lease.ask(scene.nowMs), { kind: 'write', holder: 'lb01', count: 101, revision: 0 });
  const sentMs = scene.nowMs;
  scene.answer({ kind: 'written', revision: 7 }, 300);
  assert.equal(lease.untilMs, sentMs + TTL_MS);
  assert.equal(lease.tell(scene.nowMs)?.untilMs, sentMs + TTL_MS);
});

test('it is renewed five times in its time, and only while who holds by it says so', () => {
  const scene = new Scene();
  scene.take(7);
  const { untilMs } = scene.lease;
  assert.deepEqual(scene.ask(scene.nowMs + TTL_MS / 5), { kind: 'write', holder: 'lb01', count: 102, revision: 7 });
  scene.answer({ kind: 'written', revision: 8 });
  assert.ok(scene.lease.untilMs > untilMs);
  assert.notEqual(scene.lease.tell(scene.nowMs), null);
  assert.equal(scene.ask(scene.lease.untilMs + TTL_MS), null, 'the last word is not known');
});

test('another one has it: its revision has to stand still for longer than its time', () => {
  const scene = new Scene();
  const { lease } = scene;
  lease.want(true, scene.nowMs);
  scene.ask(scene.nowMs);
  const record = { holder: 'lb02', count: 1, revision: 5 };
  scene.answer({ kind: 'record', record });
  const seenMs = scene.nowMs;
  let question: LeaseQuestion | null = null;
  while (question?.kind !== 'write') {
    question = scene.ask(seenMs + 2 * TTL_MS);
    assert.notEqual(question, null);
    if (question?.kind === 'read') scene.answer({ kind: 'record', record });
  }
  assert.equal(question.revision, 5);
  assert.ok(
    scene.nowMs - seenMs >= TTL_MS * 1.02 && scene.nowMs - seenMs < TTL_MS * 1.02 + 500,
    `${scene.nowMs - seenMs}`,
  );
  scene.answer({ kind: 'conflict' });
  assert.deepEqual(scene.ask(scene.nowMs + 1_000), { kind: 'read' }, 'it was renewed after all');
  scene.answer({ kind: 'record', record: { ...record, revision: 6 } });
  assert.deepEqual(scene.ask(scene.nowMs + 1_000), { kind: 'read' }, 'and its time begins anew');
});

test('a write that nobody has answered counts if the record has it, from when it was sent', () => {
  const scene = new Scene();
  const { lease } = scene;
  scene.take(7);
  const write = scene.ask(scene.nowMs + TTL_MS);
  const sentMs = scene.nowMs;
  assert.deepEqual(write, { kind: 'write', holder: 'lb01', count: 102, revision: 7 });
  scene.answer({ kind: 'failed' }, 1_000);
  assert.ok(lease.untilMs < sentMs + TTL_MS);
  assert.deepEqual(scene.ask(scene.nowMs + 1_000), { kind: 'read' });
  scene.answer({ kind: 'record', record: { holder: 'lb01', count: 102, revision: 8 } });
  assert.equal(lease.untilMs, sentMs + TTL_MS);
});

test('it is given back when whoever held by it knows that, and no sooner', () => {
  const scene = new Scene();
  const { lease } = scene;
  scene.take(7);
  const { untilMs } = lease;
  lease.want(false, scene.nowMs);
  const word = lease.tell(scene.nowMs);
  assert.equal(word?.untilMs, Number.NEGATIVE_INFINITY);
  assert.equal(scene.ask(scene.nowMs + 2_000), null);
  lease.handleKnown(word.number - 1, scene.nowMs);
  assert.equal(scene.ask(scene.nowMs + 2_000), null, 'that was the word before');
  lease.handleKnown(word.number, scene.nowMs);
  assert.deepEqual(scene.ask(scene.nowMs + 1), { kind: 'write', holder: '', count: 102, revision: 7 });
  assert.ok(scene.nowMs < untilMs);
});

test('nobody says that it is known: it is given back when its time is over', () => {
  const scene = new Scene();
  const { lease } = scene;
  scene.take(7);
  const { untilMs } = lease;
  lease.want(false, scene.nowMs);
  lease.tell(scene.nowMs);
  assert.equal(scene.ask(untilMs - 20), null);
  assert.equal(scene.ask(untilMs + 1_000)?.kind, 'write');
});

test('another one has taken it: it is gone at once', () => {
  const scene = new Scene();
  scene.take(7);
  scene.ask(scene.nowMs + TTL_MS);
  scene.answer({ kind: 'conflict' });
  scene.ask(scene.nowMs + 1_000);
  scene.answer({ kind: 'record', record: { holder: 'lb02', count: 1, revision: 9 } });
  assert.equal(scene.lease.untilMs, Number.NEGATIVE_INFINITY);
  assert.equal(scene.lease.tell(scene.nowMs)?.untilMs, Number.NEGATIVE_INFINITY);
});

test('whoever held by it before a new keeper goes on until that knows, or should', () => {
  const scene = new Scene();
  const { lease } = scene;
  lease.want(true, scene.nowMs);
  assert.equal(lease.tell(scene.nowMs), null);
  scene.ask(scene.nowMs);
  scene.answer({ kind: 'failed' });
  assert.equal(lease.tell(scene.nowMs + TTL_MS - 100), null);
  assert.equal(lease.tell(scene.nowMs + TTL_MS)?.untilMs, Number.NEGATIVE_INFINITY);
});
