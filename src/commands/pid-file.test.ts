import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { PidFile, readPid } from './pid-file.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'evenkeel-pid-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('who reads it while it is written finds a number', async (t) => {
  const path = join(folder(t), 'pid');
  writeFileSync(path, '1\n');
  const reader = new Worker(
    `const { readFileSync } = require('node:fs');
     const { parentPort, workerData } = require('node:worker_threads');
     let empty = 0;
     parentPort.on('message', () => { parentPort.postMessage(empty); process.exit(); });
     const look = () => {
       for (let i = 0; i < 500; i++) if (readFileSync(workerData, 'latin1') === '') empty++;
       setImmediate(look);
     };
     parentPort.postMessage('reads');
     look();`,
    { eval: true, workerData: path },
  );
  const next = (): Promise<unknown> => new Promise((resolve) => reader.once('message', resolve));
  assert.equal(await next(), 'reads');
  for (let i = 0; i < 2_000; i++) new PidFile(path).write(false);
  const empty = next();
  reader.postMessage('end');
  assert.equal(await empty, 0);
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
