/** The list of all sessions, while they come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from './session.ts';
import { Sessions } from './sessions.ts';

function made(sessions: Sessions, count: number): Session[] {
  const all = Array.from(
    { length: count },
    () => ({ isListed: false, listedBefore: null, listedAfter: null }) as unknown as Session,
  );
  for (const each of all) sessions.add(each);
  return all;
}

test('sessions stand in the order in which they came, whoever goes', () => {
  const sessions = new Sessions();
  const [a, b, c, d] = made(sessions, 4);
  assert.equal(sessions.delete(b), true);
  assert.equal(sessions.delete(b), false);
  assert.deepEqual([sessions.has(a), sessions.has(b), sessions.size], [true, false, 3]);
  sessions.delete(a);
  sessions.delete(d);
  sessions.add(b);
  assert.deepEqual(sessions.all(), [c, b]);
  sessions.delete(c);
  sessions.delete(b);
  assert.deepEqual([sessions.all(), sessions.size], [[], 0]);
});

test('one that has gone leads to no other, so that it keeps none alive', () => {
  const sessions = new Sessions();
  const [, b] = made(sessions, 3);
  sessions.delete(b);
  assert.deepEqual([b.listedBefore, b.listedAfter], [null, null]);
});

test('a round comes to each that is there all the time once, and to none that has gone', () => {
  const sessions = new Sessions();
  const [a, b, c, d] = made(sessions, 4);
  sessions.beginRound();
  assert.equal(sessions.nextOfRound(), a);
  sessions.delete(b);
  sessions.delete(a);
  const [e] = made(sessions, 1);
  assert.equal(sessions.nextOfRound(), c);
  assert.equal(sessions.nextOfRound(), d);
  assert.equal(sessions.nextOfRound(), e);
  assert.equal(sessions.nextOfRound(), null);
});
