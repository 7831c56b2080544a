/** The log as its readers have it: people, systemd's journal, programs, and nobody. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get, program, startBackend } from './evenkeel.ts';

const configuration = (port: number, server: string, limits = ''): string => `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, ${limits} routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;

const ISO_TIME = /^\d{4}-\d\d-\d\dT/;

for (const engine of ENGINES) {
  test(
    `[${engine}] a listener at its connection limit says so once, however many come and go`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const yaml = configuration(port, backend.address, 'limits: { connections: 1 },');
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
      for (let i = 0; i < 100; i++) {
        const socket = await connect(port);
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        socket.resume();
        await once(socket, 'close');
      }
      await evenkeel.said(/listener web accepts again/);
      // A machine that stands still for a second in between makes two of one.
      const told = evenkeel.stderr.match(/listener web does not accept/g) ?? [];
      assert.ok(told.length >= 1 && told.length < 10, evenkeel.stderr);
    },
  );
}

test("in systemd's journal a line has a priority and no time", async (t) => {
  const file = join(temporary(t), 'journal');
  const descriptor = openSync(file, 'w');
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const port = await freePort();
  const child = await runInto(t, descriptor, configuration(port, 'nobody.invalid:80'), {
    JOURNAL_STREAM: `${dev}:${ino}`,
  });
  closeSync(descriptor);
  child.kill('SIGTERM');
  await once(child, 'exit');
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  assert.ok(lines.length >= 3);
  for (const line of lines) assert.match(line, /^<[346]>[^0-9]/);
  assert.ok(lines.some((line) => line.startsWith('<4>name nobody.invalid does not resolve')));
});

test('stderr that was led elsewhere is not the journal', async (t) => {
  const evenkeel = Evenkeel.run(t, configuration(await freePort(), '127.0.0.1:1'), { env: { JOURNAL_STREAM: '1:2' } });
  await evenkeel.said(/ready/);
  assert.match(evenkeel.stderr, ISO_TIME);
});

test('--log-format json has one object per line, --log-level leaves out what is below', async (t) => {
  const yaml = configuration(await freePort(), '127.0.0.1:1');
  const json = await Evenkeel.start(t, yaml, { args: ['--log-format', 'json'] });
  json.signal('SIGHUP');
  await json.said(/SIGHUP/);
  const lines = json.stderr.trim().split('\n');
  const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const { time, level, message } of objects) {
    assert.match(String(time), ISO_TIME);
    assert.match(String(level), /^(info|warn|error)$/);
    assert.equal(typeof message, 'string');
  }
  assert.equal(objects[0]['pid'], json.child.pid);

  const quiet = await Evenkeel.start(t, configuration(await freePort(), 'nobody.invalid:80'), {
    args: ['--log-level', 'warn'],
  });
  await quiet.said(/does not resolve/);
  assert.ok(!/ info /.test(quiet.stderr), quiet.stderr);
});

test(
  'a full disk does not end it, and it serves on',
  { skip: process.platform !== 'linux' && 'needs Linux' },
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const descriptor = openSync('/dev/full', 'w');
    const child = await runInto(t, descriptor, configuration(port, backend.address));
    closeSync(descriptor);
    for (let i = 0; i < 10; i++) child.kill('SIGHUP');
    assert.equal((await get(port)).status, 200);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  },
);

test(
  'a log that nobody reads costs a bounded memory',
  { skip: process.platform !== 'linux' && 'needs Linux' },
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address));
    const { child } = evenkeel;
    child.stderr!.pause();
    // More than a pipe and the queue behind it hold, were all of it written.
    for (let i = 0; i < 5_000; i++) child.kill('SIGHUP');
    assert.equal((await get(port)).status, 200);
    child.stderr!.resume();
    child.kill('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    assert.ok(evenkeel.stderr.length < 1_000_000);
  },
);

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Runs it with stderr led into a file; resolves when it is ready. */
async function runInto(
  t: TestContext,
  stderr: number,
  yaml: string,
  env: NodeJS.ProcessEnv = {},
): Promise<ReturnType<typeof spawn>> {
  const file = join(temporary(t), 'evenkeel.yaml');
  writeFileSync(file, yaml);
  const child = spawn(process.execPath, [program, 'run', file, '--workers', '1'], {
    stdio: ['ignore', 'pipe', stderr],
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  return child;
}
