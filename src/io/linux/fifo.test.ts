import assert from 'node:assert/strict';
import {
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openFifo } from './fifo.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

function pathOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-fifo-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'roles');
}

function read(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const bytes = Buffer.alloc(1 << 17);
  const length = readSync(descriptor, bytes);
  closeSync(descriptor);
  return bytes.toString('latin1', 0, length);
}

test('lines wait for a reader; when there is no more room they are lost, and nobody waits', linux, (t) => {
  const path = pathOf(t);
  const end = openFifo(path, null);
  assert.ok(typeof end !== 'string');
  assert.ok(statSync(path).isFIFO());
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const line = `INSTANCE "VI_1" MASTER 100\n`;
  let written = 0;
  while (end.write(line) === null) written++;
  assert.equal(end.write(line), 'nobody reads it');
  assert.equal(read(path), line.repeat(written));
  assert.equal(end.write(line), null);
  end.close(true);
  assert.ok(!existsSync(path));
});

test('what is there already is used, and stays', linux, (t) => {
  const path = pathOf(t);
  const first = openFifo(path, null);
  assert.ok(typeof first !== 'string');
  const second = openFifo(path, null);
  assert.ok(typeof second !== 'string');
  second.close(true);
  assert.ok(existsSync(path));
  unlinkSync(path);
  assert.ok(!first.isThere);
  writeFileSync(path, '');
  assert.ok(!first.isThere);
  first.close(true);
  assert.ok(existsSync(path));
  assert.equal(openFifo(path, null), 'there is something else at its path');
  assert.equal(openFifo(join(path, 'below'), null), 'ENOTDIR');
});

test('one whose path leads nowhere any more is not there, and can be closed', linux, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-fifo-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const below = join(directory, 'below');
  mkdirSync(below);
  const end = openFifo(join(below, 'roles'), null);
  assert.ok(typeof end !== 'string');
  assert.ok(end.isThere);
  rmSync(below, { recursive: true });
  symlinkSync(below, below);
  assert.ok(!end.isThere);
  end.close(true);
  assert.equal(openFifo(join(below, 'roles'), null), 'ELOOP');
});
