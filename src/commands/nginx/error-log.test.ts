import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ErrorLog } from './error-log.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

function folderOf(t: TestContext): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-error-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}

/** Without times and process ids. */
function said(path: string): readonly string[] {
  const form = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (\[[a-z]+\]) (\d+)#\2: (.*)$/;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => line.replace(form, '$1 $3'));
}

test('each file has what its level asks for, and all of them the same', linux, (t) => {
  const path = folderOf(t);
  const log = new ErrorLog(path('first'));
  log.leaveTerminal();
  log.configure([
    { path: path('errors'), level: 'error' },
    { path: path('all'), level: 'info' },
    { path: path('all'), level: 'crit' },
    { path: path('crit'), level: 'crit' },
  ]);
  log.log.info('began', { pid: 7 });
  log.log.warn('is slow');
  log.log.error('failed\nbadly');
  log.put('emerg', 'cannot go on');
  assert.deepEqual(said(path('errors')), ['[error] failed\\x0abadly', '[emerg] cannot go on']);
  assert.deepEqual(said(path('all')), [
    '[notice] began pid=7',
    '[warn] is slow',
    '[error] failed\\x0abadly',
    '[emerg] cannot go on',
  ]);
  assert.deepEqual(said(path('crit')), ['[emerg] cannot go on']);
  assert.deepEqual(said(path('first')), []);
});

test('a file that was renamed is opened anew when that is asked for, and not before', linux, (t) => {
  const path = folderOf(t);
  const log = new ErrorLog(path('log'));
  log.leaveTerminal();
  log.put('error', 'one');
  renameSync(path('log'), path('log.1'));
  log.put('error', 'two');
  log.reopen();
  log.put('error', 'three');
  assert.deepEqual(said(path('log.1')), ['[error] one', '[error] two']);
  assert.deepEqual(said(path('log')), ['[error] three']);
});

test('a file that cannot be opened is said, and nothing changes', linux, (t) => {
  const path = folderOf(t);
  const log = new ErrorLog(path('log'));
  log.leaveTerminal();
  assert.throws(() => log.configure([{ path: path('nowhere/log'), level: 'error' }]), { code: 'ENOENT' });
  log.put('error', 'one');
  assert.deepEqual(said(path('log')), ['[error] one']);
});
