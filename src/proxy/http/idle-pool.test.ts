import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TICK_MS } from '../../base/limits.ts';
import { Timers } from '../../base/timers.ts';
import type { Context } from '../context.ts';
import type { Expiring } from '../expiring.ts';
import { IdlePool } from './idle-pool.ts';
import type { PooledSide, Shared } from './sides.ts';

const KEEP_MS = 1000;

/** A pool, connections that remember how they ended, and a clock. */
function join(this: unknown): unknown {
  return this;
}

class Stage {
  now = 0;
  readonly timers = new Timers(0);
  readonly pool: IdlePool;
  readonly ends: string[] = [];
  private made = 0;

  constructor(limit: number) {
    const transport = { now: 0 };
    Object.defineProperty(transport, 'now', { get: () => this.now });
    const context = { timers: this.timers, transport, isDraining: false, pools: new Set() } as unknown as Context;
    this.pool = new IdlePool(context, limit, KEEP_MS);
  }

  make(count: number): PooledSide[] {
    return Array.from({ length: count }, () => {
      const name = this.made++;
      const end = (how: string) => () => void this.ends.push(`${how} ${name}`);
      return { idleSince: 0, newer: null, older: null, close: end('close'), reset: end('reset'), join };
    }) as unknown as PooledSide[];
  }

  pass(ms: number): void {
    const until = this.now + ms;
    while (this.now < until) {
      this.now += TICK_MS;
      this.timers.advance(this.now, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
    }
  }
}

test('it keeps as many as were in use at one time, and gives the last one first', () => {
  const stage = new Stage(Infinity);
  const busy = stage.make(5000);
  for (const connection of busy) stage.pool.put(connection);
  assert.equal(stage.pool.count, 5000);
  for (const connection of busy.toReversed()) assert.equal(stage.pool.take(false), connection);
  assert.equal(stage.pool.take(false), null);
  assert.deepEqual(stage.ends, []);
});

test('what is not needed for its time is let go little by little, the longest unused first; what is needed stays', () => {
  const stage = new Stage(Infinity);
  for (const connection of stage.make(1000)) stage.pool.put(connection);
  /** One request at a time, all the time. */
  const serve = (ms: number): number => {
    let most = 0;
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      const connection = stage.pool.take(false);
      assert.notEqual(connection, null);
      stage.pool.put(connection as PooledSide);
      const before = stage.pool.count;
      stage.pass(TICK_MS);
      most = Math.max(most, before - stage.pool.count);
    }
    return most;
  };
  serve(KEEP_MS - TICK_MS);
  assert.equal(stage.pool.count, 1000);
  const most = serve(60_000);
  assert.ok(most >= 1 && most <= 10, `${most} in one tick`);
  assert.equal(stage.pool.count, 1);
  assert.deepEqual(stage.ends.slice(0, 3), ['close 0', 'close 1', 'close 2']);
});

test('what has been unused for its time is not taken any more, though it is still there', () => {
  const stage = new Stage(Infinity);
  for (const connection of stage.make(1000)) stage.pool.put(connection);
  stage.pass(KEEP_MS);
  assert.ok(stage.pool.count > 900);
  assert.equal(stage.pool.take(false), null);
});

test('a bound closes the oldest; 0 keeps none', () => {
  const stage = new Stage(2);
  for (const connection of stage.make(3)) stage.pool.put(connection);
  assert.deepEqual(stage.ends, ['close 0']);
  stage.pool.retire();
  stage.pass(10_000);
  assert.equal(stage.pool.count, 0);
  for (const connection of stage.make(1)) stage.pool.put(connection);
  assert.deepEqual(stage.ends, ['close 0', 'close 1', 'close 2', 'close 3']);
});

test('a shorter time holds for what is there', () => {
  const stage = new Stage(Infinity);
  for (const connection of stage.make(1)) stage.pool.put(connection);
  stage.pool.configure(Infinity, 100);
  stage.pass(200);
  assert.deepEqual(stage.ends, ['close 0']);
});

test('for a local port the oldest is reset', () => {
  const stage = new Stage(Infinity);
  for (const connection of stage.make(2)) stage.pool.put(connection);
  stage.pool.resetOldest();
  assert.deepEqual(stage.ends, ['reset 0']);
  assert.equal(stage.pool.count, 1);
});

test('of connections in use the one is taken that was full last, until it is full', () => {
  const { pool } = new Stage(Infinity);
  const [a, b, c] = Array.from(
    { length: 3 },
    () => ({ join, sharedBefore: null, sharedBehind: null }) as unknown as Shared,
  );
  for (const connection of [a, b, c]) pool.share(connection);
  assert.equal(pool.take(false), c);
  assert.equal(pool.take(false), c, 'it has room as long as it says so');
  pool.unshare(c);
  pool.unshare(a);
  assert.equal(pool.take(false), b);
  pool.share(a);
  pool.unshare(b);
  assert.equal(pool.take(false), a);
  pool.unshare(a);
  assert.equal(pool.take(false), null);
  for (const connection of [a, b, c])
    assert.deepEqual([connection.sharedBefore, connection.sharedBehind], [null, null]);
});

test('a connection in use that has room goes before one that rests', () => {
  const stage = new Stage(Infinity);
  const [idle] = stage.make(1);
  const used = { join, sharedBefore: null, sharedBehind: null } as unknown as Shared;
  stage.pool.put(idle);
  stage.pool.share(used);
  assert.equal(stage.pool.take(false), used);
  stage.pool.unshare(used);
  assert.equal(stage.pool.take(false), idle);
});
