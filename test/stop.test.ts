/** How the program ends: what is in flight is finished, within bounds; a second signal ends at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import {
  connect,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  startBackend,
  startTcpBackend,
} from './evenkeel.ts';
import { RawConnection, type Response } from './raw.ts';
import { ask, status } from './upgrading.ts';

/** Resolves when nobody listens there. */
async function refused(port: number): Promise<void> {
  for (;;) {
    try {
      (await connect(port)).destroy();
    } catch (error) {
      assert.match((error as NodeJS.ErrnoException).code!, /ECONNREFUSED|ECONNRESET/);
      return;
    }
  }
}

const configuration = (port: number, server: string, rest = ''): string => `
${rest}
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;

/** A request whose answer the test holds back. */
function held(): { handler: http.RequestListener; arrived: Promise<void>; release(): void } {
  let answer: (() => void) | null = null;
  let resolveArrived: (() => void) | null = null;
  const arrived = new Promise<void>((resolve) => {
    resolveArrived = resolve;
  });
  return {
    handler: (_, response) => {
      response.writeHead(200).write('first half, ');
      answer = () => response.end('second half');
      resolveArrived!();
    },
    arrived,
    release: () => answer!(),
  };
}

for (const engine of ENGINES) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(
      `[${engine}] ${signal} refuses new connections, finishes what is in flight, and exits 0`,
      engineSkip(engine),
      async (t) => {
        const response = held();
        const backend = await startBackend(t, response.handler);
        const port = await freePort();
        const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine });
        const answer = get(port);
        await response.arrived;
        evenkeel.signal(signal);
        await refused(port);
        assert.equal(evenkeel.proxies().length > 0, true);
        response.release();
        assert.deepEqual(await answer, { status: 200, body: 'first half, second half' });
        assert.equal(await evenkeel.exit, 0);
      },
    );
  }

  test(
    `[${engine}] connections that only wait for a next request do not delay the end`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'grace: 1h'), { engine });
      const agent = new http.Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      await get(port, '/', agent);
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );

  test(
    `[${engine}] when the grace time is over, what is left is cut and the exit code is 0`,
    engineSkip(engine),
    async (t) => {
      const response = held();
      const backend = await startBackend(t, response.handler);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'grace: 300ms'), { engine });
      const answer = get(port);
      await response.arrived;
      evenkeel.signal('SIGTERM');
      await assert.rejects(answer);
      assert.equal(await evenkeel.exit, 0);
      assert.match(evenkeel.stderr, /SIGTERM: finishing what is in flight \(connections: web 1\), for up to 0\.3 s/);
      assert.match(evenkeel.stderr, /had connections left after 0\.3 s \(web 1\): ended/);
    },
  );

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(
      `[${engine}] a second ${signal} ends at once with exit code ${code}, and no proxy is left`,
      engineSkip(engine),
      async (t) => {
        const response = held();
        const backend = await startBackend(t, response.handler);
        const port = await freePort();
        const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'grace: 1h'), { engine });
        const proxies = evenkeel.proxies();
        const answer = get(port);
        await response.arrived;
        evenkeel.signal('SIGTERM');
        await evenkeel.said(/SIGTERM: finishing/);
        evenkeel.signal(signal);
        await assert.rejects(answer);
        assert.equal(await evenkeel.exit, code);
        assert.match(evenkeel.stderr, new RegExp(`${signal} again: ending at once`));
        while (proxies.some((pid) => kill(pid, 0))) await new Promise((resolve) => setTimeout(resolve, 10));
      },
    );
  }

  test(
    `[${engine}] clients between requests are told with their next response that a stop ends the connection`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'grace: 100s'), {
        engine,
        workers: 1,
      });
      // who has been idle for longer goes first
      for (let i = 0; i < 200; i++) await RawConnection.open(t, port);
      const client = await RawConnection.open(t, port);
      const ask = (): Promise<Response> => {
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        return client.response();
      };
      assert.equal((await ask()).get('connection'), undefined);
      evenkeel.signal('SIGTERM');
      await refused(port);
      assert.equal((await ask()).get('connection'), 'close');
      assert.equal((await client.ending()).how, 'end');
      assert.equal(await evenkeel.exit, 0);
    },
  );

  test(
    `[${engine}] clients that stay idle are sent away one after the other by a stop`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'grace: 30s'), {
        engine,
        workers: 1,
      });
      const clients: RawConnection[] = [];
      for (let i = 0; i < 200; i++) clients.push(await RawConnection.open(t, port));
      evenkeel.signal('SIGTERM');
      const ends = await Promise.all(
        clients.map(async (client) => {
          assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
          return performance.now();
        }),
      );
      // a tenth of the grace time, in which the last of them had to be idle for a second
      assert.ok(Math.max(...ends) - Math.min(...ends) > 1000);
      assert.equal(await evenkeel.exit, 0);
    },
  );

  test(`[${engine}] signals that reach the proxies too change nothing`, engineSkip(engine), async (t) => {
    const response = held();
    const backend = await startBackend(t, response.handler);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine });
    const answer = get(port);
    await response.arrived;
    for (const pid of evenkeel.proxies()) {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) kill(pid, signal);
    }
    response.release();
    assert.deepEqual(await answer, { status: 200, body: 'first half, second half' });
    assert.doesNotMatch(evenkeel.stderr, /ended/);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });

  test(`[${engine}] an open TCP relay is finished too`, engineSkip(engine), async (t) => {
    const backend = await startTcpBackend(t, (socket) => socket.pipe(socket));
    const port = await freePort();
    const yaml = `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo } }
upstreams: { echo: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine });
    const socket = await connect(port);
    socket.write('before');
    assert.equal(String(await once(socket, 'data')), 'before');
    evenkeel.signal('SIGTERM');
    await evenkeel.said(/SIGTERM: finishing/);
    socket.write('after');
    assert.equal(String(await once(socket, 'data')), 'after');
    socket.end();
    assert.equal(await evenkeel.exit, 0);
  });
}

test('SIGHUP does not end it', engineSkip('node'), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine: 'node' });
  evenkeel.signal('SIGHUP');
  await evenkeel.said(/reload by SIGHUP: nothing has changed/);
  assert.equal((await get(port)).status, 200);
});

test('a signal during the start ends it with exit code 0', engineSkip('node'), async (t) => {
  const evenkeel = Evenkeel.run(t, configuration(await freePort(), '127.0.0.1:9'), { engine: 'node' });
  await evenkeel.said(/starts 2 proxies/);
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
});

test(
  'one that stops says so and takes no orders; the next one is asked in its place at once, and still is when it is gone',
  engineSkip('node'),
  async (t) => {
    const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
    const port = await freePort();
    const yaml = `
listeners: { echo: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo } }
upstreams: { echo: { servers: [ "${echo.address}" ] } }
`;
    const old = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true });
    const session = await connect(port);
    session.write('x');
    await once(session, 'data');
    old.signal('SIGTERM');
    await old.said(/finishing what is in flight/);
    const document = await status(old);
    assert.deepEqual([document.pid, document.isStopping], [old.child.pid, true]);
    for (const path of ['reload', 'upgrade', `upstreams/echo/servers/${echo.address}/disable`]) {
      assert.deepEqual(await ask(old, 'POST', `/v1/${path}`), { error: 'this evenkeel is stopping' }, path);
    }
    old.signal('SIGHUP');
    await old.said(/reload by SIGHUP refused: this evenkeel is stopping/);
    old.signal('SIGUSR2');
    await old.said(/upgrade by SIGUSR2 refused: this evenkeel is stopping/);
    await refused(port);

    const next = await Evenkeel.start(t, yaml, {
      engine: 'node',
      workers: 1,
      args: ['--socket', `${old.file}.sock`],
    });
    assert.equal((await status(old)).pid, next.child.pid);
    session.end();
    assert.equal(await old.exit, 0);
    const { pid, isStopping } = await status(old);
    assert.deepEqual([pid, isStopping], [next.child.pid, false]);
    assert.doesNotMatch(next.stderr, /no socket for/);
    next.signal('SIGTERM');
    assert.equal(await next.exit, 0);
  },
);
