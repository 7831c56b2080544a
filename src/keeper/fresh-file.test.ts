import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLog } from './log/log.ts';
import { writePrivateFile } from './private-file.ts';
import { StateFile } from './state-file.ts';

/** With what may lie where the next file is written: nothing, a file that all may read, a link. */
function leftOvers(t: TestContext): readonly ((next: string) => string | null)[] {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-fresh-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const target = join(folder, 'target');
  return [
    () => null,
    (next) => {
      writeFileSync(next, 'old', { mode: 0o644 });
      return null;
    },
    (next) => {
      writeFileSync(target, 'of somebody else');
      symlinkSync(target, next);
      return target;
    },
  ];
}

/** Whether it is a file of its own with this mode, and what the link led to is as it was. */
function assertFresh(path: string, mode: number, target: string | null): void {
  const stats = lstatSync(path);
  assert.ok(stats.isFile());
  assert.equal(stats.mode & 0o777, mode);
  if (target !== null) assert.equal(readFileSync(target, 'utf8'), 'of somebody else');
}

test('a key is private, whatever lay where it is written first', (t) => {
  for (const leave of leftOvers(t)) {
    const state = mkdtempSync(join(tmpdir(), 'evenkeel-fresh-'));
    t.after(() => rmSync(state, { recursive: true, force: true }));
    const path = join(state, 'peers', 'identity.key');
    mkdirSync(join(state, 'peers'));
    const target = leave(`${path}.next`);
    writePrivateFile(path, 'secret');
    assertFresh(path, 0o600, target);
    assert.equal(readFileSync(path, 'utf8'), 'secret');
  }
});

test('what an operator has said is kept, whatever lay where it is written first', (t) => {
  for (const leave of leftOvers(t)) {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-fresh-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = new StateFile<string>({
      directory,
      name: 'words',
      node: 'lb01',
      what: 'words',
      isRecord: (value): value is string => typeof value === 'string',
      keyOf: (word) => word,
      log: createLog(assert.fail, () => 0),
    });
    const path = join(directory, 'words.lb01.json');
    const target = leave(`${path}.next`);
    file.write(['a']);
    assertFresh(path, 0o644, target);
    assert.deepEqual(file.read(), ['a']);
  }
});
