import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PidFile, readPid } from './pid-file.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'evenkeel-pid-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('who reads it while it is written finds a whole number: it is another file that takes its place', (t) => {
  const path = join(folder(t), 'pid');
  writeFileSync(path, '1\n');
  const reader = openSync(path, 'r');
  t.after(() => closeSync(reader));
  new PidFile(path).write(false);
  assert.equal(readFileSync(reader, 'latin1'), '1\n');
  assert.equal(readPid(path), process.pid);
});

test('what is no file stays what it is, and nothing is left', (t) => {
  const directory = folder(t);
  const path = join(directory, 'pid');
  const target = join(directory, 'target');
  writeFileSync(target, '');
  symlinkSync(target, path);
  const file = new PidFile(path);
  file.write(false);
  assert.equal(readFileSync(target, 'latin1'), `${process.pid}\n`);
  assert.deepEqual(readdirSync(directory), ['pid', 'target']);
});
