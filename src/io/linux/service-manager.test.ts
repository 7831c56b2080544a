import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeSync, readSync } from 'node:fs';
import * as libc from './libc.ts';
import { notifyServiceManager } from './service-manager.ts';
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
