import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ReplayGuard, SendSequence, windowUs } from './sequence.ts';

const S = 1_000_000;
const NOW = 1_700_000_000 * S;
const A = Uint8Array.of(192, 0, 2, 1);
const B = Uint8Array.of(192, 0, 2, 2);

test('A sequence is seconds, their fraction and a counter, and grows with every advert', () => {
  const sequence = new SendSequence(S);
  assert.equal(sequence.next(0x68000000 * S + S / 2), 0x6800000080000000n);
  assert.equal(sequence.next(0x68000000 * S + S / 2), 0x6800000080000001n);
  assert.equal(sequence.next(0x68000000 * S + S / 4), 0x6800000080000002n);
  assert.equal(sequence.next(0x68000001 * S), 0x6800000100000000n);
});

test('A clock set back by more than the window starts the sequence again; by less it goes on counting', () => {
  const sequence = new SendSequence(S);
  const first = sequence.next(NOW);
  assert.equal(sequence.next(NOW - 4 * S), first + 1n);
  assert.ok(sequence.next(NOW - 3600 * S) < first);
});

test('A receiver takes every advert of a sender once, and none older than the last', () => {
  const guard = new ReplayGuard(S);
  const sender = new SendSequence(S);
  const old = sender.next(NOW);
  const next = sender.next(NOW);
  assert.ok(guard.accept(A, next, NOW));
  assert.equal(guard.accept(A, next, NOW), false);
  assert.equal(guard.accept(A, old, NOW), false);
  assert.ok(guard.accept(B, old, NOW), 'senders have their own sequences');
  assert.ok(guard.accept(A, sender.next(NOW + S), NOW + S));
});

test('The window is three adverts, at least five seconds, in both directions', () => {
  assert.equal(windowUs(S), 5 * S);
  assert.equal(windowUs(10 * S), 30 * S);
  const guard = new ReplayGuard(S);
  const at = (us: number): bigint => new SendSequence(S).next(us);
  assert.ok(guard.isInWindow(at(NOW - 5 * S), NOW));
  assert.ok(guard.isInWindow(at(NOW + 5 * S), NOW));
  assert.equal(guard.isInWindow(at(NOW - 5 * S - 1000), NOW), false);
  assert.equal(guard.isInWindow(at(NOW + 5 * S + 1000), NOW), false);
});

test('A mark that lies in the future, because clocks were set back, is forgotten', () => {
  const guard = new ReplayGuard(S);
  const ahead = new SendSequence(S).next(NOW + 3600 * S);
  assert.ok(guard.accept(A, ahead, NOW + 3600 * S));
  const back = new SendSequence(S).next(NOW);
  assert.ok(guard.accept(A, back, NOW));
  assert.equal(guard.accept(A, back, NOW), false);
});

test('Sequences of a sender are strictly growing, for any steps of a clock that is not set far back', () => {
  const steps = fc.array(fc.integer({ min: -1000, max: 2_000_000 }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (deltas) => {
      const sender = new SendSequence(S);
      const guard = new ReplayGuard(S);
      let now = NOW;
      for (const delta of deltas) {
        now += delta;
        const sequence = sender.next(now);
        assert.ok(guard.isInWindow(sequence, now));
        assert.ok(guard.accept(A, sequence, now));
      }
    }),
  );
});

test('The marks of senders are bounded: the longest unheard is forgotten', () => {
  const guard = new ReplayGuard(S);
  const sequence = new SendSequence(S).next(NOW);
  for (let i = 0; i < 17; i++) assert.ok(guard.accept(Uint8Array.of(10, 0, 0, i), sequence, NOW));
  assert.equal(guard.accept(Uint8Array.of(10, 0, 0, 1), sequence, NOW), false);
  assert.ok(guard.accept(Uint8Array.of(10, 0, 0, 0), sequence, NOW));
});
