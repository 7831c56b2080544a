import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasArguments, isProcessNamed, MISSING_MS_MAX, parseProcessStat, ProcessTrack } from './process.ts';

test('a process is known by the name of its program, however its command line looks', () => {
  assert.ok(isProcessNamed('nginx', 'nginx', 'nginx: master process /usr/sbin/nginx'));
  assert.ok(isProcessNamed('check.sh', 'check.sh', '/bin/sh'));
  assert.ok(!isProcessNamed('nginx', 'nginx-debug', '/usr/sbin/nginx-debug'));
  assert.ok(!isProcessNamed('nginx', 'sh', 'nginx'));
});

test('a name longer than the kernel keeps is compared with the command line', () => {
  const name = 'systemd-networkd-wait-online';
  assert.ok(isProcessNamed(name, 'systemd-network', '/lib/systemd/systemd-networkd-wait-online'));
  assert.ok(!isProcessNamed(name, 'systemd-network', '/lib/systemd/systemd-networkd'));
  assert.ok(!isProcessNamed('systemd-network', 'systemd-networ', 'x'));
});

test('arguments are compared as a whole, as the first ones, or as the beginning of what is there', () => {
  const line = '/usr/sbin/haproxy\0-Ws\0-f\0/etc/haproxy/a.cfg\0';
  const has = (match: 'exact' | 'first' | 'prefix', ...args: string[]): boolean =>
    hasArguments({ arguments: args, match }, line);
  assert.ok(has('exact', '-Ws', '-f', '/etc/haproxy/a.cfg'));
  assert.ok(!has('exact', '-Ws', '-f'));
  assert.ok(!has('exact', '-Ws', '-f', '/etc/haproxy/a.cfg', ''));
  assert.ok(has('first', '-Ws', '-f'));
  assert.ok(!has('first', '-f'));
  assert.ok(!has('first', '-Ws', '-f', '/etc/haproxy'));
  assert.ok(has('prefix', '-Ws', '-f', '/etc/haproxy'));
  assert.ok(!has('prefix', '-W', '-f'));
  assert.ok(has('prefix', '-W'));
  // A kernel thread, or a process that is ending.
  assert.ok(!hasArguments({ arguments: ['x'], match: 'first' }, ''));
});

test('the line of a process is read, whatever its name is', () => {
  const fields = `S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1000`;
  assert.deepEqual(parseProcessStat(`812 (nginx) ${fields}\n`), { comm: 'nginx', startedAt: '4711', isAlive: true });
  assert.equal(parseProcessStat(`812 (a) Z (b\nc)) ${fields}`)?.comm, 'a) Z (b\nc)');
  assert.equal(parseProcessStat(`812 (nginx) ${fields.replace('S', 'Z')}`)?.isAlive, false);
  for (const wrong of ['', '812', '812 (x', '812 (x) S 1 2']) assert.equal(parseProcessStat(wrong), null, wrong);
});

test('a process that is not there at the first look is down; one that is gone for a moment is not', () => {
  const track = new ProcessTrack();
  assert.equal(track.isUp, null);
  track.handleLook(0, false);
  assert.equal(track.isUp, false);
  track.handleLook(100, true);
  assert.equal(track.isUp, true);
  track.handleLook(100 + MISSING_MS_MAX - 1, false);
  assert.equal(track.isUp, true);
  track.handleLook(100 + MISSING_MS_MAX, false);
  assert.equal(track.isUp, false);
  track.handleLook(100 + MISSING_MS_MAX + 1, true);
  assert.equal(track.isUp, true);
});
