import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSED, type Failure } from '../campaign/traffic.ts';
import { type Deed, excuseOf, type Order } from './orders.ts';

const deed = (order: Order, beganAt: number, isActive = true): Deed => ({
  order,
  host: 'lb01',
  isActive,
  beganAt,
  settledAt: beganAt + 5,
});
const failure = (kind: Failure['kind'], what: string, sinceMs: number, atMs: number): Failure => {
  return { kind, what, sinceMs, atMs, port: 1, bornAt: 0 };
};

test('nothing may fail by a reload, or before anything is done', () => {
  const cut = failure('tcp', CLOSED, 0, 20);
  assert.equal(excuseOf(cut, []), null);
  assert.equal(excuseOf(cut, [deed('reload', 10)]), null);
  assert.equal(excuseOf(cut, [deed('kill a proxy', 10, false), deed('reload', 15)]), null);
});

test('a killed proxy cuts, and refuses nobody', () => {
  assert.notEqual(excuseOf(failure('kept', 'ECONNRESET', 0, 20), [deed('kill a proxy', 10)]), null);
  assert.equal(excuseOf(failure('fresh', 'ECONNREFUSED', 11, 20), [deed('kill a proxy', 10)]), null);
});

test('an address that moves takes old connections along, and no new one', () => {
  const deeds = [deed('hand over', 10)];
  assert.notEqual(excuseOf(failure('websocket', CLOSED, 0, 20), deeds), null);
  assert.equal(excuseOf(failure('websocket', CLOSED, 16, 20), deeds), null);
  assert.equal(excuseOf(failure('fresh', 'ECONNRESET', 9, 20), deeds), null);
  assert.equal(excuseOf(failure('websocket', CLOSED, 0, 20), [deed('stop and start', 10, false)]), null);
});

test('the fifth upgrade ends what is older than the first', () => {
  const deeds = [1, 2, 3, 4, 5].map((at) => deed('upgrade', at));
  assert.notEqual(excuseOf(failure('tcp', CLOSED, 0, 20), deeds), null);
  assert.equal(excuseOf(failure('tcp', CLOSED, 3, 20), deeds), null);
});

test('a client may find out late that its address has moved', () => {
  const deeds = [deed('stop and start', 10), deed('reload', 30)];
  assert.notEqual(excuseOf(failure('download', 'ETIMEDOUT', 12, 40), deeds), null);
  assert.notEqual(excuseOf(failure('upload', 'no answer within 60000 ms', 12, 40), deeds), null);
  assert.equal(excuseOf(failure('fresh', 'no answer within 60000 ms', 12, 40), deeds), null);
  assert.equal(excuseOf(failure('download', 'ETIMEDOUT', 16, 40), deeds), null);
  assert.notEqual(excuseOf(failure('tcp', CLOSED, 12, 40), deeds), null);
  assert.equal(excuseOf(failure('tcp', CLOSED, 16, 40), deeds), null);
});
