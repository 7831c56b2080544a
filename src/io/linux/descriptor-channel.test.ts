import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { createDescriptorChannel, receiveDescriptors, sendDescriptors } from './descriptor-channel.ts';

const openCount = (): number => readdirSync('/proc/self/fd').length;

test('descriptors arrive in order, as copies, more than one message holds of them too', () => {
  const [own, other] = createDescriptorChannel();
  const paths = ['/dev/null', '/dev/zero', '/dev/full'];
  const sent = Array.from({ length: 600 }, (_, i) => openSync(paths[i % 3], 'r'));
  assert.ok(sendDescriptors(own, sent));
  const expected = sent.map((one) => fstatSync(one).rdev);
  for (const one of sent) closeSync(one);
  const received = receiveDescriptors(other, 600);
  assert.ok(received !== null);
  assert.deepEqual(
    received.map((one) => fstatSync(one).rdev),
    expected,
  );
  for (const one of [...received, own, other]) closeSync(one);
});

test('what is not there is not waited for, and what came is not leaked', () => {
  const [own, other] = createDescriptorChannel();
  const before = openCount();
  assert.equal(receiveDescriptors(other, 1), null);
  assert.ok(sendDescriptors(own, [0]));
  assert.equal(receiveDescriptors(other, 2), null);
  closeSync(own);
  assert.equal(receiveDescriptors(other, 1), null);
  assert.equal(openCount(), before - 1);
  closeSync(other);
});

test('a process that takes nothing does not block the sender', () => {
  const [own, other] = createDescriptorChannel();
  let count = 0;
  while (sendDescriptors(own, [0]) && count < 100_000) count++;
  assert.ok(count > 0 && count < 100_000);
  for (const one of [own, other]) closeSync(one);
});
