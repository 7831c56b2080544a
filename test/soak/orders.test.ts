import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OLD_GENERATIONS_MAX } from '../../src/core/fleet/generations.ts';
import { CLOSED, type Failure } from '../campaign/traffic.ts';
import { type Cause, excuseOf, type Loss } from './orders.ts';

const PORT = 40_000;
const SILENT = 'no answer within 60000 ms';

const loss = (cause: Cause, atMs: number, ports: readonly number[] = [PORT], untilMs = atMs): Loss => {
  return { cause, atMs, ports: new Set(ports), unseenFromMs: atMs, untilMs, lateMs: 0 };
};
const failure = (kind: Failure['kind'], what: string, sinceMs: number, atMs: number): Failure => {
  return { kind, what, sinceMs, atMs, port: PORT, bornAt: 0 };
};
const isExcused = (given: Failure, ...losses: readonly Loss[]): boolean => excuseOf(given, losses) !== null;

test('where nothing was lost nothing may fail', () => {
  assert.ok(!isExcused(failure('tcp', CLOSED, 0, 20_000)));
  assert.ok(!isExcused(failure('tcp', CLOSED, 0, 20_000), loss('upgrade', 10_000)));
});

test('only what was bound to it may end', () => {
  for (const cause of ['proxy', 'node', 'planned move', 'unplanned move'] as const) {
    assert.ok(isExcused(failure('websocket', CLOSED, 0, 20_000), loss(cause, 19_000)), cause);
    assert.ok(!isExcused(failure('websocket', CLOSED, 0, 20_000), loss(cause, 19_000, [PORT + 1])), cause);
    // a later connection of the same port, and one that had failed before
    assert.ok(!isExcused(failure('websocket', CLOSED, 19_500, 20_000), loss(cause, 19_000)), cause);
    assert.ok(!isExcused(failure('websocket', CLOSED, 0, 17_000), loss(cause, 19_000)), cause);
  }
});

test('a connection that nobody has seen yet may have been bound to it', () => {
  const lost = { ...loss('unplanned move', 19_000, []), unseenFromMs: 18_000 };
  assert.ok(isExcused(failure('fresh', 'ECONNRESET', 18_500, 19_500), lost));
  assert.ok(!isExcused(failure('fresh', 'ECONNRESET', 17_500, 19_500), lost));
});

test('clients of a killed proxy and of a planned move are told; those of a node and of an unplanned move need not be', () => {
  const silent = failure('download', SILENT, 0, 79_000);
  assert.ok(!isExcused(silent, loss('proxy', 19_000)));
  assert.ok(!isExcused(silent, loss('planned move', 19_000)));
  assert.ok(isExcused(silent, loss('unplanned move', 19_000)));
  assert.ok(isExcused(silent, loss('node', 19_000)));
});

test('in a planned move short requests are finished, and the rest ends soon', () => {
  assert.ok(!isExcused(failure('fresh', 'ECONNRESET', 18_999, 19_100), loss('planned move', 19_000)));
  assert.ok(isExcused(failure('tcp', CLOSED, 0, 20_000), loss('planned move', 19_000)));
  assert.ok(!isExcused(failure('tcp', CLOSED, 0, 40_000), loss('planned move', 19_000)));
  // but on a machine where what is due runs too late
  const late = { ...loss('planned move', 19_000), lateMs: 400 };
  assert.ok(isExcused(failure('download', 'ETIMEDOUT', 0, 30_500), late));
  assert.ok(!isExcused(failure('fresh', 'ECONNRESET', 18_999, 19_100), late));
});

test('while nobody has the address nobody connects', () => {
  const gap = { ...loss('gap', 10_000, [], 11_000), unseenFromMs: 10_000 };
  assert.ok(isExcused(failure('fresh', 'ECONNREFUSED', 10_500, 10_500), gap));
  assert.ok(!isExcused(failure('fresh', 'ECONNREFUSED', 11_001, 11_001), gap));
  assert.ok(!isExcused(failure('kept', 'ECONNRESET', 9_000, 10_500), gap));
});

test('an upgrade too many ends what is older', () => {
  const upgrades = Array.from({ length: OLD_GENERATIONS_MAX + 1 }, (_, i) => loss('upgrade', 1_000 * (i + 1)));
  assert.ok(isExcused(failure('tcp', CLOSED, 0, 20_000), ...upgrades));
  assert.ok(!isExcused(failure('tcp', CLOSED, 1_500, 20_000), ...upgrades));
});
