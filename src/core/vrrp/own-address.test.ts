import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOSS_US_MAX, OwnAddress } from './own-address.ts';

const A = Uint8Array.of(192, 0, 2, 5);
const B = Uint8Array.of(192, 0, 2, 6);
const GONE = { reason: 'eth0 has no address', isLinkUp: true };
const DOWN = { reason: 'eth0 is down', isLinkUp: false };

test('an address that is another one is told at once', () => {
  const own = new OwnAddress();
  assert.equal(typeof own.account, 'string');
  assert.equal(own.handle(A, 0), true);
  assert.deepEqual(own.account, A);
  assert.equal(own.handle(B, 1), true);
  assert.deepEqual(own.account, B);
  assert.equal(own.deadlineUs, Number.POSITIVE_INFINITY);
});

test('lost and back within a second: nothing is told, and the old one is used meanwhile', () => {
  const own = new OwnAddress();
  own.handle(A, 0);
  assert.equal(own.handle(GONE, 10), false);
  assert.deepEqual(own.account, A);
  assert.deepEqual(own.sendable, A);
  assert.equal(own.tick(10 + LOSS_US_MAX - 1), false);
  assert.equal(own.handle(B, 20), true);
  assert.equal(own.tick(10 + LOSS_US_MAX), false);
  assert.deepEqual(own.account, B);
});

test('lost for longer: told once, and the release still comes from it', () => {
  const own = new OwnAddress();
  own.handle(A, 0);
  own.handle(GONE, 10);
  // Another word on the same loss begins no other second.
  assert.equal(own.handle({ ...GONE, reason: 'another' }, 500_000), false);
  assert.equal(own.deadlineUs, 10 + LOSS_US_MAX);
  assert.equal(own.tick(10 + LOSS_US_MAX), true);
  assert.equal(own.account, 'another');
  assert.deepEqual(own.sendable, A);
  assert.equal(own.tick(20 + LOSS_US_MAX), false);
  assert.equal(own.handle(GONE, 3_000_000), true);
  assert.equal(own.account, GONE.reason);
});

test('a link that is down is told at once, and nothing can be sent', () => {
  const own = new OwnAddress();
  own.handle(A, 0);
  own.handle(GONE, 10);
  assert.equal(own.handle(DOWN, 20), true);
  assert.equal(own.account, DOWN.reason);
  assert.equal(own.sendable, null);
  assert.equal(own.deadlineUs, Number.POSITIVE_INFINITY);
  // Up again without an address: there is none to go on with.
  assert.equal(own.handle(GONE, 30), true);
  assert.equal(own.account, GONE.reason);
});
