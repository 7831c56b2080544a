import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { receiveDescriptors } from './descriptor-channel.ts';
import * as libc from './libc.ts';
import { descriptorName, notifyServiceManager, takeKeptDescriptors } from './service-manager.ts';
import { encodeUnixPath } from './socket-address.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

test('the service manager gets one datagram per state', linux, () => {
  const name = `@evenkeel-test-${process.pid}`;
  const descriptor = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  assert.equal(libc.bind(descriptor, encodeUnixPath(name)!), 0);
  assert.equal(notifyServiceManager('READY=1\n', name), true);
  const buffer = Buffer.alloc(100);
  assert.equal(buffer.toString('utf8', 0, readSync(descriptor, buffer)), 'READY=1\n');
  closeSync(descriptor);
});

test('no service manager, or one that is gone, is not an error', linux, () => {
  assert.equal(notifyServiceManager('READY=1', undefined), false);
  assert.equal(notifyServiceManager('READY=1', '/nonexistent/notify'), false);
  assert.equal(notifyServiceManager('READY=1', 'x'.repeat(200)), false);
});

test('it gets copies of descriptors with what is said of them', linux, () => {
  const name = `@evenkeel-test-store-${process.pid}`;
  const socket = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  assert.equal(libc.bind(socket, encodeUnixPath(name)!), 0);
  const file = openSync('/dev/null', 'r');
  assert.equal(notifyServiceManager('FDSTORE=1', name, [file]), true);
  const [copy] = receiveDescriptors(socket, 1)!;
  assert.equal(fstatSync(copy).rdev, fstatSync(file).rdev);
  for (const descriptor of [socket, file, copy]) closeSync(descriptor);
});

test('kept descriptors are those of this process, and are given once', () => {
  const environment = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', HOME: '/' };
  assert.deepEqual(takeKeptDescriptors({ ...environment }, 8), []);
  assert.deepEqual(takeKeptDescriptors(environment, 7), [3, 4]);
  assert.deepEqual(environment, { HOME: '/' });
  assert.deepEqual(takeKeptDescriptors(environment, 7), []);
  assert.deepEqual(takeKeptDescriptors({ LISTEN_PID: '7', LISTEN_FDS: 'many' }, 7), []);
});

test('the name of a descriptor is printable and has no colon', () => {
  assert.equal(descriptorName('127.0.0.1:80'), '127.0.0.1,80');
  assert.equal(descriptorName('[2001:db8::1]:80'), '[2001,db8,,1],80');
  assert.equal(descriptorName('unix:/run/a b/ü%.sock'), 'unix,/run/a%20b/%C3%BC%25.sock');
  assert.equal(descriptorName('x'.repeat(300)).length, 255);
});
