/** The program is replaced while it runs: nobody who asks notices, and a program that cannot serve changes nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { StatusDocument } from '../src/keeper/status.ts';
import {
  connect,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  program,
  startBackend,
  startLoad,
  startTcpBackend,
  WAIT_MS,
} from './evenkeel.ts';

interface Told {
  readonly pid?: number;
  readonly error?: string;
}

function ask<T>(evenkeel: Evenkeel, method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${evenkeel.file}.sock`, method, path, agent: false };
    const request = http.request(options, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve(JSON.parse(text) as T));
    });
    request.on('error', reject);
    request.end();
  });
}

const upgrade = (evenkeel: Evenkeel): Promise<Told> => ask(evenkeel, 'POST', '/v1/upgrade');
const status = (evenkeel: Evenkeel): Promise<StatusDocument> => ask(evenkeel, 'GET', '/v1/status');

async function gone(pid: number): Promise<void> {
  for (const end = performance.now() + WAIT_MS; kill(pid, 0);) {
    assert.ok(performance.now() < end, `${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends whoever is in charge now, with its proxies, when the test is over. */
function endAfter(t: TestContext, pid: number): void {
  t.after(() => {
    for (const each of [...childrenOf(pid), pid]) kill(each, 'SIGKILL');
  });
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

for (const engine of ENGINES) {
  test(
    `[${engine}] upgrades under load fail no request and end no session; the first process stays and passes signals on`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
      const [port, tcpPort] = [await freePort(), await freePort()];
      const yaml = `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: echo }
upstreams:
  web: { servers: [ "${backend.address}" ] }
  echo: { servers: [ "${echo.address}" ] }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 2, hasSocket: true });
      const session = await connect(tcpPort);
      const say = async (text: string): Promise<void> => {
        session.write(text);
        assert.equal(String(await once(session, 'data')), text);
      };
      await say('first');
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      const load = startLoad(port, 4);
      const pids = [evenkeel.child.pid!];
      for (let round = 1; round <= 3; round++) {
        assert.equal((await get(port, '/', agent)).status, 200);
        const { pid, error } = await upgrade(evenkeel);
        assert.equal(error, undefined, evenkeel.stderr);
        endAfter(t, pid!);
        pids.push(pid!);
        assert.equal((await get(port, '/', agent)).status, 200);
        await say(`round ${round}`);
        assert.equal((await status(evenkeel)).pid, pid);
      }
      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      assert.equal(new Set(pids).size, 4);
      // The one before the last had nothing to finish, and is gone; the first one has the session, and is counted on.
      await gone(pids[1]);
      await gone(pids[2]);
      assert.equal(kill(pids[0], 0), true);
      await say('last');
      session.end();
      await once(session, 'close');
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
      await gone(pids[3]);
      await assert.rejects(get(port), { code: 'ECONNREFUSED' });
    },
  );
}

/** A copy of the command that can be replaced by another program. */
function replaceable(t: TestContext): { readonly path: string; replace(source: string | null): void } {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-program-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'evenkeel.mjs');
  const replace = (source: string | null): void => {
    rmSync(path, { force: true });
    if (source === null) symlinkSync(program, path);
    else writeFileSync(path, source);
  };
  replace(null);
  return { path, replace };
}

const BROKEN = {
  'lacks a module': `import './missing.mjs';`,
  'ends at once': `process.exit(0);`,
  crashes: `throw new Error('broken');`,
};

for (const [what, source] of Object.entries(BROKEN)) {
  test(`a program that ${what} changes nothing, and says why`, engineSkip('node'), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const file = replaceable(t);
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', hasSocket: true, program: file.path });
    const proxies = evenkeel.proxies();
    const load = startLoad(port, 2);
    file.replace(source);
    assert.match((await upgrade(evenkeel)).error!, /^the new program ended before it served/);
    await evenkeel.said(/upgrade failed, and this evenkeel goes on/);
    while (evenkeel.proxies().length > proxies.length) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(evenkeel.proxies(), proxies);
    file.replace(null);
    const { pid } = await upgrade(evenkeel);
    endAfter(t, pid!);
    assert.notEqual(pid, evenkeel.child.pid);
    assert.deepEqual((await load.stop()).failures, []);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });
}

test(
  'a proxy never runs another program than its keeper: if it has to be replaced, all of it is',
  engineSkip('node'),
  async (t) => {
    const repository = fileURLToPath(new URL('../..', import.meta.url));
    const copy = mkdtempSync(join(tmpdir(), 'evenkeel-copy-'));
    t.after(() => rmSync(copy, { recursive: true, force: true }));
    for (const path of ['bin', 'dist/src', 'package.json'])
      cpSync(join(repository, path), join(copy, path), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
    const backend = await startBackend(t);
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const options = { engine: 'node', hasSocket: true, program: join(copy, 'bin/evenkeel') } as const;
    const evenkeel = await Evenkeel.start(t, yaml, options);
    const [proxy] = evenkeel.proxies();
    utimesSync(join(copy, 'dist/src/proxy-process.js'), 1, 1);
    kill(proxy, 'SIGKILL');
    await evenkeel.said(/the program on disk is another one now/);
    await evenkeel.said(/is in charge \(pid \d+\)/);
    const pid = Number(/is in charge \(pid (\d+)\)/.exec(evenkeel.stderr)![1]);
    endAfter(t, pid);
    assert.notEqual(pid, evenkeel.child.pid);
    assert.equal((await get(port)).status, 200);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  },
);

test(
  'an upgrade keeps what is known of servers and what was said by hand, takes another file, and refuses a wrong one',
  engineSkip('node'),
  async (t) => {
    const [good, down, drained] = [await startBackend(t), await startBackend(t), await startBackend(t)];
    await down.stop();
    const [port, gone, added] = [await freePort(), await freePort(), await freePort()];
    const yaml = (name: string, extra: number): string => `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  ${name}: { bind: "127.0.0.1:${extra}", routes: [ { upstream: web } ] }
upstreams:
  web:
    servers: [ "${good.address}", "${down.address}", "${drained.address}" ]
    health: { http: /, interval: 1h }
`;
    const state = mkdtempSync(join(tmpdir(), 'evenkeel-state-'));
    t.after(() => rmSync(state, { recursive: true, force: true }));
    const options = { engine: 'node', workers: 1, hasSocket: true, env: { STATE_DIRECTORY: state } } as const;
    const evenkeel = await Evenkeel.start(t, yaml('gone', gone), options);
    await evenkeel.said(/server web\/\S+ down/);
    await ask(evenkeel, 'POST', `/v1/upstreams/web/servers/${drained.address}/drain?by=test`);
    const states = async (): Promise<unknown> => {
      const { upstreams } = await status(evenkeel);
      return upstreams[0].servers.map(({ state, reason }) => [state, reason]);
    };
    const before = await states();

    writeFileSync(evenkeel.file, 'listeners: 7\n');
    assert.match((await upgrade(evenkeel)).error!, /listeners/);
    assert.equal((await get(port)).status, 200);

    writeFileSync(evenkeel.file, yaml('added', added));
    const { pid, error } = await upgrade(evenkeel);
    assert.equal(error, undefined);
    endAfter(t, pid!);
    assert.deepEqual(await states(), before);
    assert.equal((await get(added)).status, 200);
    for (;;) {
      try {
        await get(gone);
      } catch (failure) {
        if ((failure as NodeJS.ErrnoException).code === 'ECONNREFUSED') break;
      }
    }
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  },
);

test(
  'of the programs that still finish the oldest is ended first, and a stop ends them all',
  engineSkip('node'),
  async (t) => {
    const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
    const port = await freePort();
    const yaml = `
grace: 1s
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo } }
upstreams: { echo: { servers: [ "${echo.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true });
    const ends: Promise<unknown>[] = [];
    const pids = [evenkeel.child.pid!];
    for (let round = 0; round < 4; round++) {
      const session = await connect(port);
      session.write('x');
      await once(session, 'data');
      ends.push(new Promise((resolve) => session.once('close', resolve)));
      const { pid } = await upgrade(evenkeel);
      endAfter(t, pid!);
      pids.push(pid!);
    }
    await evenkeel.said(/the oldest one is ended/);
    await evenkeel.said(/connections of a former program are ended: echo 1/);
    await ends[0];
    assert.deepEqual(
      pids.slice(1).map((pid) => kill(pid, 0)),
      [true, true, true, true],
    );
    evenkeel.signal('SIGTERM');
    await Promise.all(ends);
    assert.equal(await evenkeel.exit, 0);
    for (const pid of pids) await gone(pid);
  },
);

test('a program that hangs is ended when its time is over, and nothing has changed', engineSkip('node'), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const file = replaceable(t);
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true, program: file.path });
  file.replace('for (;;);');
  evenkeel.signal('SIGUSR2');
  await evenkeel.said(/upgrade failed, and this evenkeel goes on: the new program does not serve after 30 s/);
  assert.equal((await get(port)).status, 200);
  while (evenkeel.proxies().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
});
