import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { HANDSHAKE_PIECES, HANDSHAKES_MAX, LONG_HANDSHAKE_PIECES } from '../../base/limits.ts';
import type { Transport } from '../../port/transport.ts';
import { type GateUser, HandshakeGate } from './handshake-gate.ts';
import { Later } from '../later.ts';

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(16, 64)), 16, 64);
  readonly later = new Later({ requestTurn: () => undefined } as unknown as Transport);
  readonly gate = new HandshakeGate(this.arena, this.later);
  /** What became of whom, in order. */
  readonly said: string[] = [];

  user(name: string, source = 'one', hasHello = true, mayBeLong = !hasHello): GateUser {
    const user: GateUser = {
      hasHello,
      mayBeLong,
      source,
      begin: () => void this.said.push(name),
      giveUp: () => {
        this.said.push(`${name} gone`);
        this.gate.leave(user);
      },
    };
    return user;
  }

  /** Those of so many that may begin at once. */
  enter(count: number, name: string, isResuming = false): number {
    const users = Array.from({ length: count }, (_, i) => this.user(`${name}${i}`));
    return users.filter((user) => this.gate.enter(user, isResuming)).length;
  }

  turn(): string[] {
    this.later.handleTurn();
    return this.said.splice(0);
  }
}

test('of many that come together a few are begun in each turn, in their order', () => {
  const stage = new Stage();
  assert.equal(stage.enter(10, 'a'), 4);
  assert.equal(stage.enter(1, 'b'), 0);
  assert.deepEqual(stage.turn(), ['a4', 'a5', 'a6', 'a7']);
  assert.deepEqual(stage.turn(), ['a8', 'a9', 'b0']);
  assert.equal(stage.enter(3, 'c'), 1);
  assert.deepEqual(stage.turn(), ['c1', 'c2']);
  assert.deepEqual(stage.turn(), []);
  assert.equal(stage.enter(4, 'd'), 4);
});

test('whoever resumes a session does not wait behind those that do not, unless some only said so', () => {
  const stage = new Stage();
  stage.enter(100, 'full');
  assert.equal(stage.enter(3, 'resumed', true), 3);
  stage.gate.handleFalseResumption();
  assert.equal(stage.enter(1, 'later', true), 0);
  assert.deepEqual(stage.turn(), ['full4', 'full5', 'full6', 'full7', 'later0']);
});

test('whoever leaves while it waits is not begun', () => {
  const stage = new Stage();
  stage.enter(4, 'a');
  const [gone, stays] = [stage.user('gone'), stage.user('stays')];
  for (const user of [gone, stays]) assert.equal(stage.gate.enter(user, false), false);
  stage.gate.leave(gone);
  assert.deepEqual(stage.turn(), ['stays']);
});

test('as many wait as a proxy gets through in a moment: for one more the first is given up', () => {
  const stage = new Stage();
  stage.enter(4 + 1024, 'a');
  assert.deepEqual(stage.said, []);
  stage.enter(1, 'b');
  assert.deepEqual(stage.said, ['a4 gone']);
});

test('those that have begun are bounded and counted, and the oldest is given up', () => {
  const stage = new Stage();
  const { foreign } = stage.arena;
  const users = Array.from({ length: HANDSHAKES_MAX + 1 }, (_, i) => stage.user(`${i}`));
  for (const user of users) stage.gate.handleBegun(user);
  assert.deepEqual(stage.said, ['0 gone']);
  stage.arena.judge(0);
  assert.equal(foreign.used, HANDSHAKES_MAX * HANDSHAKE_PIECES);
  for (const user of users) stage.gate.leave(user);
  stage.arena.judge(0);
  assert.equal(foreign.used, 0);
});

test('a flood from one source pushes out its own, and nobody from elsewhere', () => {
  const stage = new Stage();
  const honest = Array.from({ length: 20 }, (_, i) => stage.user(`h${i}`, `${i}`));
  const waits = stage.user('waits', 'elsewhere');
  stage.enter(4, 'a');
  stage.gate.enter(waits, false);
  stage.enter(1024, 'flood');
  assert.deepEqual(stage.said.splice(0), ['flood0 gone']);
  assert.equal(stage.turn()[0], 'waits');
  for (const user of honest) stage.gate.handleBegun(user);
  for (let i = 0; i < HANDSHAKES_MAX + 5; i++) stage.gate.handleBegun(stage.user(`f${i}`, 'flood'));
  assert.deepEqual(
    stage.said,
    Array.from({ length: 25 }, (_, i) => `f${i} gone`),
  );
});

test('whoever has not said a whole hello counts for more, and goes first', () => {
  const stage = new Stage();
  for (let i = 0; i < HANDSHAKES_MAX - 1; i++) stage.gate.handleBegun(stage.user(`${i}`));
  const doubtful = stage.user('doubtful', 'elsewhere', false);
  stage.gate.handleBegun(doubtful);
  stage.arena.judge(0);
  assert.equal(stage.arena.foreign.used, (HANDSHAKES_MAX - 1) * HANDSHAKE_PIECES + LONG_HANDSHAKE_PIECES);
  stage.gate.handleBegun(stage.user('last'));
  assert.deepEqual(stage.said, ['doubtful gone']);
  stage.arena.judge(0);
  assert.equal(stage.arena.foreign.used, HANDSHAKES_MAX * HANDSHAKE_PIECES);
});

test('what a handshake counts for goes when it leaves, whatever a reload has made of its listener meanwhile', () => {
  for (const isLong of [false, true]) {
    const stage = new Stage();
    const { freeCount } = stage.arena.foreign;
    const listener = { asksClients: isLong };
    const user: GateUser = {
      hasHello: true,
      get mayBeLong() {
        return listener.asksClients;
      },
      source: 'one',
      begin: () => undefined,
      giveUp: () => undefined,
    };
    stage.gate.handleBegun(user);
    assert.equal(freeCount - stage.arena.foreign.freeCount, isLong ? LONG_HANDSHAKE_PIECES : HANDSHAKE_PIECES);
    listener.asksClients = !isLong;
    stage.gate.leave(user);
    assert.equal(stage.arena.foreign.freeCount, freeCount);
  }
});
