import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { forwardingTable, runDirectory, socketToAsk, socketToOpen } from './socket-path.ts';

test('files are where the service manager wants them, the first of its directories, or in the usual place', () => {
  assert.equal(runDirectory({ RUNTIME_DIRECTORY: '/run/lb:/run/other' }), '/run/lb');
  assert.equal(runDirectory({ RUNTIME_DIRECTORY: '' }), '/run/evenkeel');
  assert.equal(runDirectory({}), '/run/evenkeel');
});

test('the socket is where it was asked for, beside those files, or in the session of a user without rights', () => {
  const managed = { RUNTIME_DIRECTORY: '/run/lb' };
  assert.equal(socketToOpen('/tmp/x.sock', managed, 0), '/tmp/x.sock');
  assert.equal(socketToOpen(null, managed, 1_000), '/run/lb/evenkeel.sock');
  assert.equal(socketToOpen(null, {}, 0), '/run/evenkeel/evenkeel.sock');
  assert.equal(socketToOpen(null, { XDG_RUNTIME_DIR: '/run/user/1000' }, 1_000), '/run/user/1000/evenkeel.sock');
  assert.equal(socketToOpen(null, {}, 1_000), null);
});

test('who asks in the environment of a service asks that service, and a user first of all their own', (t) => {
  const managed = { RUNTIME_DIRECTORY: '/run/lb' };
  assert.equal(socketToAsk('/tmp/x.sock', managed, 0), '/tmp/x.sock');
  assert.equal(socketToAsk(null, managed, 0), '/run/lb/evenkeel.sock');
  assert.equal(socketToAsk(null, { ...managed, XDG_RUNTIME_DIR: '/nowhere' }, 1_000), '/run/lb/evenkeel.sock');
  assert.equal(socketToAsk(null, {}, 0), '/run/evenkeel/evenkeel.sock');
  assert.equal(socketToAsk(null, {}, 1_000), '/run/evenkeel/evenkeel.sock');
  const session = mkdtempSync(join(tmpdir(), 'evenkeel-session-'));
  t.after(() => rmSync(session, { recursive: true }));
  writeFileSync(join(session, 'evenkeel.sock'), '');
  assert.equal(socketToAsk(null, { XDG_RUNTIME_DIR: session }, 1_000), join(session, 'evenkeel.sock'));
});

test('the table in the kernel is the one of a socket, wherever it is named from', () => {
  assert.equal(forwardingTable(null), 'evenkeel');
  assert.equal(forwardingTable('/run/evenkeel/evenkeel.sock'), 'evenkeel');
  const name = forwardingTable('/tmp/a/other.sock');
  assert.match(name, /^evenkeel-[0-9a-f]+$/);
  assert.equal(forwardingTable(relative(process.cwd(), '/tmp/a/other.sock')), name);
  assert.notEqual(forwardingTable('/tmp/b/other.sock'), name);
});
