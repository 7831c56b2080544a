import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FilePlan } from '../../config/plan/ha.ts';
import { FileWatch } from './file-watch.ts';
import { type TestLog, testLog } from './testing/test-log.ts';

class Scene {
  readonly path: string;
  readonly log: TestLog = testLog();
  readonly values: (number | null)[] = [];
  private readonly watch: FileWatch;
  private wake: () => void = () => undefined;

  constructor(t: TestContext, init: FilePlan['init'] = null, content: string | null = null, isSuccessor = false) {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-track-'));
    t.after(() => rmSync(directory, { recursive: true }));
    this.path = join(directory, 'weight');
    if (content !== null) writeFileSync(this.path, content);
    this.watch = new FileWatch('file weight', { kind: 'file', path: this.path, init }, this.log, () => 0);
    t.after(() => this.watch.stop());
    this.watch.start(
      () => {
        this.values.push(this.watch.status().value);
        this.wake();
      },
      isSuccessor ? { key: '', isUp: true, sinceAgeMs: 0, detail: '' } : null,
    );
  }

  async says(value: number): Promise<void> {
    while (this.values.at(-1) !== value) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  get detail(): string {
    return this.watch.status().detail;
  }
}

test('its number is followed: written anew, replaced, removed', async (t) => {
  const scene = new Scene(t);
  await scene.says(0);
  assert.match(scene.detail, /^it counts as 0: there is no such file/);
  writeFileSync(scene.path, '7\n');
  await scene.says(7);
  writeFileSync(`${scene.path}.new`, '-9');
  renameSync(`${scene.path}.new`, scene.path);
  await scene.says(-9);
  unlinkSync(scene.path);
  await scene.says(0);
  assert.deepEqual(scene.values, [0, 7, -9, 0]);
  assert.deepEqual(scene.log.lines.slice(0, 2), [
    'info file weight: it said 0, and it says 7',
    'info file weight: it said 7, and it says -9',
  ]);
});

test('it is made, and what is there stays unless it is to be overwritten', async (t) => {
  const made = new Scene(t, { value: 5, isOverwriting: false });
  await made.says(5);
  assert.equal(readFileSync(made.path, 'utf8'), '5\n');
  await new Scene(t, { value: 5, isOverwriting: false }, '3').says(3);
  await new Scene(t, { value: 5, isOverwriting: true }, '3').says(5);
  await new Scene(t, { value: 5, isOverwriting: true }, '3', true).says(3);
});
