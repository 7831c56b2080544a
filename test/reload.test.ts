/** A changed file is used without a restart, and what has not changed is not touched. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get, startBackend, startLoad } from './evenkeel.ts';
import { reload } from './reloading.ts';

async function startTcpEcho(t: TestContext): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

/** By a reset or not. */
function ended(socket: net.Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function echo(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

async function openSession(port: number): Promise<net.Socket> {
  const session = await connect(port);
  assert.equal(await echo(session, 'before'), 'before');
  return session;
}

/** `listeners`: their ports by their names. */
function echoYaml(drain: string, server: number, listeners: Readonly<Record<string, number>>): string {
  const lines = Object.entries(listeners).map(
    ([name, port]) => `  ${name}: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo }\n`,
  );
  return `
drain: ${drain}
listeners:
${lines.join('')}
upstreams: { echo: { servers: [ "127.0.0.1:${server}" ] } }
`;
}

for (const engine of ENGINES) {
  test(
    `[${engine}] under load, no reload fails a request, ends a session or replaces a process`,
    engineSkip(engine),
    async (t) => {
      const [first, second] = [await startBackend(t), await startBackend(t)];
      const echoPort = await startTcpEcho(t);
      const [port, tcpPort, extraPort] = [await freePort(), await freePort(), await freePort()];
      const yaml = (round: number): string => `
listeners:
${round % 3 === 2 ? `  extra: { bind: "127.0.0.1:${extraPort}", routes: [ { upstream: web } ] }` : ''}
  web:
    bind: "127.0.0.1:${port}"
    limits: { connections: ${100 + 2 * round} }
    routes:
${round % 2 === 1 ? `      - { match: { path: /round }, respond: { status: 200, body: "${round}" } }` : ''}
      - { upstream: ${round % 4 < 2 ? 'web' : 'other'} }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: echo }
upstreams:
${round % 4 < 2 ? '' : `  other: { servers: [ "${second.address}" ] }`}
  web: { servers: [ { address: "${first.address}", weight: ${1 + round} } ${round % 2 === 1 ? `, "${second.address}"` : ''} ] }
  echo: { servers: [ "127.0.0.1:${echoPort}" ] }
`;
      const evenkeel = await Evenkeel.start(t, yaml(0), { engine, workers: 2, hasSocket: true });
      const proxies = evenkeel.proxies();
      const session = await connect(tcpPort);
      assert.equal(await echo(session, 'before'), 'before');
      const load = startLoad(t, port, 4);
      for (let round = 1; round <= 24; round++) {
        writeFileSync(evenkeel.file, yaml(round));
        const { changes, error } = await reload(evenkeel);
        assert.equal(error, undefined);
        assert.ok(changes?.includes('listener web: limits changed'));
        // What is new holds when the answer is here.
        if (round % 2 === 1) assert.equal((await get(port, '/round')).body, `${round}`);
        if (round % 3 === 2) assert.equal((await get(extraPort)).status, 200);
        else await assert.rejects(get(extraPort), { code: 'ECONNREFUSED' });
      }
      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done >= 24, `${done} requests`);
      assert.equal(await echo(session, 'after'), 'after');
      assert.deepEqual(evenkeel.proxies(), proxies);
      session.destroy();
    },
  );

  test(
    `[${engine}] what came over a listener or went to a server that is gone goes on until its time is over`,
    engineSkip(engine),
    async (t) => {
      const [echoPort, otherPort] = [await startTcpEcho(t), await startTcpEcho(t)];
      const [kept, gone] = [await freePort(), await freePort()];
      const evenkeel = await Evenkeel.start(t, echoYaml('1m', echoPort, { kept, gone }), {
        engine,
        workers: 1,
        hasSocket: true,
      });
      const apply = async (...[drain, server, listeners]: Parameters<typeof echoYaml>): Promise<void> => {
        writeFileSync(evenkeel.file, echoYaml(drain, server, listeners));
        assert.equal((await reload(evenkeel)).error, undefined);
      };
      /** What is applied ends `session`, but not within its second. */
      const endsIt = async (session: net.Socket, ...what: Parameters<typeof echoYaml>): Promise<void> => {
        const end = ended(session);
        const since = performance.now();
        await apply(...what);
        await end;
        assert.ok(performance.now() - since >= 1000, `ended after ${performance.now() - since} ms`);
      };

      // With time enough, both go on, whatever is done meanwhile.
      const [overGone, toGone] = [await openSession(gone), await openSession(kept)];
      await apply('1m', echoPort, { kept });
      await assert.rejects(connect(gone), { code: 'ECONNREFUSED' });
      await apply('1m', otherPort, { kept });
      const later = await openSession(kept);
      for (const session of [overGone, toGone, later]) assert.equal(await echo(session, 'after'), 'after');

      // With a second of it: by the server, and by the listener. Who has more time is left alone.
      await endsIt(later, '1s', echoPort, { kept, gone });
      const [overGoneToo, beside] = [await openSession(gone), await openSession(kept)];
      await endsIt(overGoneToo, '1s', echoPort, { kept });
      for (const session of [overGone, toGone, beside]) {
        assert.equal(await echo(session, 'still'), 'still');
        session.destroy();
      }
    },
  );

  test(`[${engine}] the number of proxies changes, and no request fails`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const yaml = (workers: number): string => `
workers: ${workers}
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(3), { engine, workers: 'file', hasSocket: true });
    assert.equal(evenkeel.proxies().length, 3);
    const load = startLoad(t, port, 8);
    for (const workers of [1, 2, 3, 1, 3]) {
      writeFileSync(evenkeel.file, yaml(workers));
      const { changes, error } = await reload(evenkeel);
      assert.equal(error, undefined);
      assert.ok(changes?.includes('workers changed'));
      for (const end = performance.now() + 60_000; evenkeel.proxies().length !== workers;) {
        assert.ok(performance.now() < end, `${evenkeel.proxies().length} proxies, not ${workers}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
    }
    const { done, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(done > 20, `${done} requests`);
    writeFileSync(evenkeel.file, yaml(64));
    assert.match((await reload(evenkeel)).error ?? '', /`workers: 64` takes a restart: this one has room for \d+/);
    assert.equal(evenkeel.proxies().length, 3);
  });
}

const linux = engineSkip('node');

test('a file that is wrong, or asks for what cannot be had, changes nothing at all', linux, async (t) => {
  const backend = await startBackend(t);
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const [port, other, takenPort] = [await freePort(), await freePort(), (taken.address() as net.AddressInfo).port];
  const yaml = (more: string): string => `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
${more}
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml(''), { engine: 'node', workers: 1, hasSocket: true });
  const added = `  other: { bind: "127.0.0.1:${other}", routes: [ { upstream: web } ] }`;

  writeFileSync(evenkeel.file, yaml(added.replace('upstream: web', 'upstream: nobody')));
  assert.match((await reload(evenkeel)).error ?? '', /evenkeel\.yaml:4:\d+: .*nobody/);
  writeFileSync(
    evenkeel.file,
    yaml(`${added}\n  taken: { bind: "127.0.0.1:${takenPort}", routes: [ { upstream: web } ] }`),
  );
  assert.match((await reload(evenkeel)).error ?? '', new RegExp(`listener taken .*port ${takenPort} is taken`));
  await assert.rejects(connect(other), { code: 'ECONNREFUSED' });
  assert.equal((await get(port)).status, 200);

  writeFileSync(evenkeel.file, yaml(added));
  evenkeel.child.kill('SIGHUP');
  await evenkeel.said(/reload by SIGHUP: listener other added/);
  assert.equal((await get(other)).status, 200);
});

test(
  'an address may move to another listener, and from one interface to all, without being closed',
  linux,
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const yaml = (name: string, bind: string): string => `
listeners: { ${name}: { bind: "${bind}:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml('one', '127.0.0.1'), { engine: 'node', workers: 2, hasSocket: true });
    const load = startLoad(t, port, 4);
    for (const [name, bind] of [
      ['two', '127.0.0.1'],
      ['two', '0.0.0.0'],
      ['three', '127.0.0.1'],
    ]) {
      writeFileSync(evenkeel.file, yaml(name, bind));
      assert.equal((await reload(evenkeel)).error, undefined);
      assert.equal((await get(port)).status, 200);
    }
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
  },
);
