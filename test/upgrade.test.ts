/** The program is replaced while it runs: nobody who asks notices. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  connect,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  startBackend,
  startLoad,
  startTcpBackend,
} from './evenkeel.ts';
import { ask, endAfter, gone, status, upgrade } from './upgrading.ts';

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
      const load = startLoad(t, port, 4);
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

for (const [signal, code] of [
  ['SIGTERM', 0],
  ['SIGKILL', 137],
] as const) {
  test(
    `the first process stays when it has nothing left, over all upgrades, and ends as the one in charge does: ${signal}`,
    engineSkip('node'),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true });
      const first = evenkeel.child.pid!;
      const successors: number[] = [];
      for (let round = 1; round <= 3; round++) {
        const before = evenkeel.proxies();
        const { pid, error } = await upgrade(evenkeel);
        assert.equal(error, undefined, evenkeel.stderr);
        endAfter(t, pid!);
        // Whoever was there has nothing left, and is gone, with its proxies; the first one has only who is in charge.
        for (const each of before) await gone(each);
        assert.deepEqual(evenkeel.proxies(), [pid]);
        successors.push(pid!);
        assert.equal((await status(evenkeel)).pid, pid);
        assert.equal(evenkeel.child.exitCode, null);
      }
      assert.equal(new Set([first, ...successors]).size, 4);
      if (signal === 'SIGKILL') kill(successors[2], signal);
      else evenkeel.signal(signal);
      assert.equal(await evenkeel.exit, code);
      await gone(successors[2]);
      assert.doesNotMatch(evenkeel.stderr, /too many keepers/);
    },
  );
}

test(
  'a proxy never runs another program than its keeper: if it has to be replaced, all of it is',
  engineSkip('node'),
  async (t) => {
    const repository = fileURLToPath(new URL('../..', import.meta.url));
    const copy = mkdtempSync(join(tmpdir(), 'evenkeel-copy-'));
    t.after(() => rmSync(copy, { recursive: true, force: true }));
    for (const path of ['bin', 'dist/program', 'package.json'])
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
    utimesSync(join(copy, 'dist/program/main.js'), 1, 1);
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
    const counts = async (): Promise<unknown> => {
      const { listeners, upstreams, answers } = await status(evenkeel);
      const [{ servers }] = upstreams;
      const all = servers.map(({ requests, failures }) => [requests, failures]);
      return { accepted: listeners[0].accepted, all, answers: answers.map(({ name, count }) => [name, count]) };
    };

    writeFileSync(evenkeel.file, 'listeners: 7\n');
    assert.match((await upgrade(evenkeel)).error!, /listeners/);
    assert.equal((await get(port)).status, 200);

    writeFileSync(evenkeel.file, yaml('added', added));
    const counted = await counts();
    assert.match(JSON.stringify(counted), /[1-9]/);
    const { pid, error } = await upgrade(evenkeel);
    assert.equal(error, undefined);
    endAfter(t, pid!);
    assert.deepEqual(await states(), before);
    assert.deepEqual(await counts(), counted);
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

/** A short `grace`, and sessions that stay open. */
async function startEcho(t: TestContext): Promise<{ readonly evenkeel: Evenkeel; readonly port: number }> {
  const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
  const port = await freePort();
  const yaml = `
grace: 1s
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo } }
upstreams: { echo: { servers: [ "${echo.address}" ] } }
`;
  return { evenkeel: await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true }), port };
}

/** Resolves when it is relayed. */
async function openSession(port: number): Promise<Socket> {
  const session = await connect(port);
  session.write('x');
  await once(session, 'data');
  return session;
}

test(
  'of the programs that still finish the oldest is ended first, and a stop ends them all',
  engineSkip('node'),
  async (t) => {
    const { evenkeel, port } = await startEcho(t);
    const ends: Promise<unknown>[] = [];
    const pids = [evenkeel.child.pid!];
    for (let round = 0; round < 4; round++) {
      const session = await openSession(port);
      ends.push(new Promise((resolve) => session.once('close', resolve)));
      const { pid } = await upgrade(evenkeel);
      endAfter(t, pid!);
      pids.push(pid!);
    }
    await evenkeel.said(/the oldest one is ended/);
    await evenkeel.said(/replaced, and told to end: what is open is cut: echo 1/);
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

test(
  'programs that finish have `grace` left, and no more, when the one in charge is killed: nobody counts them',
  engineSkip('node'),
  async (t) => {
    const { evenkeel, port } = await startEcho(t);
    const { pid: second } = await upgrade(evenkeel);
    endAfter(t, second!);
    const session = await openSession(port);
    const { pid: third } = await upgrade(evenkeel);
    endAfter(t, third!);
    const closed = new Promise((resolve) => session.once('close', resolve));
    kill(third!, 'SIGKILL');
    await closed;
    await gone(second!);
    assert.equal(await evenkeel.exit, 137);
  },
);
