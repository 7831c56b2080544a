import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Root } from './disk.ts';
import { Turnstile } from './turnstile.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'evenkeel-files-'));
  t.after(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'www/dir'), { recursive: true });
  writeFileSync(join(path, 'www/a.txt'), 'inside');
  writeFileSync(join(path, 'secret'), 'outside');
  mkdirSync(join(path, 'www-other'));
  writeFileSync(join(path, 'www-other/b.txt'), 'outside');
  return path;
}

async function kindOf(root: Root, path: string): Promise<string> {
  const found = await root.find(Buffer.from(path));
  if (found.kind === 'file') found.file.close();
  return found.kind;
}

test('only what is below the root is answered, wherever links lead', async (t) => {
  const path = folder(t);
  const www = join(path, 'www');
  symlinkSync('a.txt', join(www, 'inside'));
  symlinkSync('../secret', join(www, 'outside'));
  symlinkSync('../www-other', join(www, 'beside'));
  symlinkSync('loop', join(www, 'loop'));
  spawnSync('mkfifo', [join(www, 'fifo')]);
  const root = new Root(www);
  const kinds = {
    '/a.txt': 'file',
    '/inside': 'file',
    '/dir': 'folder',
    '/outside': 'outside',
    '/beside/b.txt': 'outside',
    '/../secret': 'outside',
    '/../www-other/b.txt': 'outside',
    '/nothing': 'missing',
    '/a.txt/x': 'missing',
    '/fifo': 'missing',
    '/loop': 'failed',
  };
  for (const [name, kind] of Object.entries(kinds)) assert.equal(await kindOf(root, name), kind, name);
});

test('a root that is a link may be set to another folder', async (t) => {
  const path = folder(t);
  const link = join(path, 'current');
  symlinkSync('www', link);
  assert.equal(await kindOf(new Root(link), '/a.txt'), 'file');
  unlinkSync(link);
  symlinkSync('www-other', link);
  const root = new Root(link);
  assert.equal(await kindOf(root, '/b.txt'), 'file');
  assert.equal(await kindOf(root, '/a.txt'), 'missing');
});

test('a root that is not there is nothing but that', async (t) => {
  const path = folder(t);
  renameSync(join(path, 'www'), join(path, 'gone'));
  assert.equal(await kindOf(new Root(join(path, 'www')), '/a.txt'), 'missing');
});

test('a turnstile lets so many through, and the others in their order', async () => {
  const turnstile = new Turnstile(2, 1);
  const order: number[] = [];
  const release: (() => void)[] = [];
  const calls = [0, 1, 2, 3].map((i) =>
    turnstile.pass(() => {
      order.push(i);
      return new Promise<void>((resolve) => release.push(resolve));
    }),
  );
  await Promise.resolve();
  assert.deepEqual(order, [0, 1]);
  assert.equal(turnstile.isFull, true);
  for (let i = 0; i < 4; i++) {
    while (release[i] === undefined) await new Promise((resolve) => setImmediate(resolve));
    release[i]();
  }
  await Promise.all(calls);
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.equal(turnstile.isFull, false);
});
