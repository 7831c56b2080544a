/** `run --watch`: a changed file is used by itself, however it was changed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineSkip, Evenkeel, freePort, get } from './evenkeel.ts';

const linux = engineSkip('node');

function configuration(port: number, body: string): string {
  return `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { respond: { status: 200, body: "${body}" } } ] }
`;
}

async function answers(port: number, body: string): Promise<void> {
  for (const end = performance.now() + 60_000; (await get(port)).body !== body;) {
    assert.ok(performance.now() < end, `it does not answer ${body}`);
    await sleep(50);
  }
}

async function start(t: TestContext, port: number, body: string): Promise<Evenkeel> {
  return Evenkeel.start(t, configuration(port, body), { engine: 'node', workers: 1, args: ['--watch'] });
}

function reloads({ stderr }: Evenkeel): readonly string[] {
  return stderr.split('\n').filter((line) => line.includes('reload by'));
}

test('written over, put in its place by another name, and gone for a moment', linux, async (t) => {
  const port = await freePort();
  const evenkeel = await start(t, port, 'first');
  const { file } = evenkeel;
  writeFileSync(file, configuration(port, 'second'));
  await answers(port, 'second');
  writeFileSync(`${file}.new`, configuration(port, 'third'));
  renameSync(`${file}.new`, file);
  await answers(port, 'third');
  rmSync(file);
  writeFileSync(file, configuration(port, 'fourth'));
  await answers(port, 'fourth');
  // The last of three, each told once.
  await evenkeel.said(/(?:reload by[^]*){3}/);
  assert.equal(reloads(evenkeel).length, 3);
  assert.match(reloads(evenkeel)[0], /reload by a change of \S+evenkeel\.yaml: listener web: routes changed/);
});

test('a file that is written in pieces is read when it is whole', linux, async (t) => {
  const port = await freePort();
  const evenkeel = await start(t, port, 'first');
  const text = configuration(port, 'second');
  const descriptor = openSync(evenkeel.file, 'w');
  for (let i = 0; i < text.length; i += 12) {
    writeSync(descriptor, text.slice(i, i + 12));
    await sleep(200);
  }
  closeSync(descriptor);
  await answers(port, 'second');
  await evenkeel.said(/reload by/);
  assert.equal(reloads(evenkeel).length, 1, evenkeel.stderr);
});

test('a link that is swapped on the way to it, as Kubernetes does with a ConfigMap', linux, async (t) => {
  const port = await freePort();
  const evenkeel = await start(t, port, 'first');
  const directory = dirname(evenkeel.file);
  const publish = (name: string, body: string): void => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'evenkeel.yaml'), configuration(port, body));
    symlinkSync(name, join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  };
  publish('..1', 'second');
  symlinkSync('..data/evenkeel.yaml', `${evenkeel.file}.new`);
  renameSync(`${evenkeel.file}.new`, evenkeel.file);
  await answers(port, 'second');
  publish('..2', 'third');
  await answers(port, 'third');
});

test('a file that is wrong changes nothing and is told once; the next one is used', linux, async (t) => {
  const port = await freePort();
  const evenkeel = await start(t, port, 'first');
  writeFileSync(evenkeel.file, 'listeners: 7\n');
  await evenkeel.said(/reload by a change of \S+ refused, nothing has changed: \S+:1:12: /);
  assert.equal((await get(port)).body, 'first');
  await sleep(2_000);
  assert.equal(reloads(evenkeel).length, 1);
  writeFileSync(evenkeel.file, configuration(port, 'second'));
  await answers(port, 'second');
});

test('standard input cannot be watched', linux, async (t) => {
  const evenkeel = Evenkeel.spawn(t, ['run', '-', '--watch']);
  assert.equal(await evenkeel.exit, 2);
  assert.match(evenkeel.stderr, /'--watch' needs a file/);
});

test('a FIFO and many errors: each is said, and it serves on', linux, async (t) => {
  const port = await freePort();
  const evenkeel = await start(t, port, 'first');
  const { file } = evenkeel;
  assert.equal(spawnSync('mkfifo', [`${file}.fifo`]).status, 0);
  renameSync(`${file}.fifo`, file);
  await evenkeel.said(
    /reload by a change of \S+ refused, nothing has changed: \S+: cannot be read: it is not a regular file/,
  );
  assert.equal((await get(port)).body, 'first');
  rmSync(file);
  const lines = Array.from(
    { length: 30 },
    (_, i) => `  l${i}: { bind: "*:${20_000 + i}", rouets: [ { close: true } ] }\n`,
  );
  writeFileSync(file, `listeners:\n${lines.join('')}`);
  await evenkeel.said(/refused, nothing has changed: \S+evenkeel\.yaml: 30 errors/);
  await evenkeel.said(/error reload refused: `evenkeel check` shows what else is wrong/);
  assert.equal(evenkeel.stderr.match(/error reload refused: \S+evenkeel\.yaml:[0-9]+:[0-9]+: .*rouets/g)?.length, 20);
  assert.equal((await get(port)).body, 'first');
});
