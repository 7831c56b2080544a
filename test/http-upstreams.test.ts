/** Which server a request goes to, what happens when it fails, and when all are busy or down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { type Engine, engineSkip, ENGINES, Evenkeel, freePort, get, reset, startBackend } from './evenkeel.ts';
import { RawConnection, RawServer, silentPort } from './raw.ts';
import type { Response } from './raw.ts';
import { until } from './waiting.ts';

const HOST = 'Host: a\r\n';

interface Scene {
  readonly port: number;
  readonly evenkeel: Evenkeel;
  readonly ask: (target: string, fields?: string, method?: string) => Promise<Response>;
}

/** One listener with these routes. */
async function start(t: TestContext, engine: Engine, routes: string, upstreams: string): Promise<Scene> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
${routes}
upstreams:
${upstreams}
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
  const client = await RawConnection.open(t, port);
  return {
    port,
    evenkeel,
    ask: async (target, fields = '', method = 'GET') => {
      client.write(`${method} ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`);
      return client.response(method);
    },
  };
}

const list = (backends: readonly { readonly address: string }[]): string =>
  backends.map(({ address }) => `"${address}"`).join(', ');

for (const engine of ENGINES) {
  test(`[${engine}] balancing`, engineSkip(engine), async (t) => {
    const backends = await Promise.all(Array.from({ length: 4 }, () => startBackend(t)));
    const [a, b, c, d] = backends;
    const { ask } = await start(
      t,
      engine,
      `
      - { match: { path: /rr }, upstream: rr }
      - { match: { path: /weights }, upstream: weights }
      - { match: { path: /least }, upstream: least }
      - { match: { path: /two }, upstream: two }
      - { match: { path: /hash }, upstream: hash }
      - { match: { path: /source }, upstream: source }
      - { match: { path: /backup }, upstream: backup }
`,
      `
  rr: { servers: [ ${list(backends)} ] }
  weights: { servers: [ { address: "${a.address}", weight: 3 }, { address: "${b.address}", weight: 1 } ] }
  least: { balance: least-connections, servers: [ ${list(backends)} ] }
  two: { balance: random-two, servers: [ ${list(backends)} ] }
  hash: { balance: hash, hash: { header: X-User }, servers: [ ${list(backends)} ] }
  source: { balance: source-hash, servers: [ ${list(backends)} ] }
  backup: { servers: [ { address: "${c.address}" }, { address: "${d.address}", backup: true } ] }
`,
    );
    const spread = async (target: string, count: number, fields = ''): Promise<number[]> => {
      for (const backend of backends) backend.count = 0;
      for (let i = 0; i < count; i++) assert.equal((await ask(target, fields)).status, 200);
      return backends.map((backend) => backend.count);
    };

    await t.test('round-robin gives each server the same', async () => {
      assert.deepEqual(await spread('/rr', 40), [10, 10, 10, 10]);
    });

    await t.test('round-robin goes by weight, smoothly', async () => {
      assert.deepEqual(await spread('/weights', 40), [30, 10, 0, 0]);
    });

    await t.test('least-connections and random-two spread what is not simultaneous, too', async () => {
      for (const target of ['/least', '/two']) {
        const counts = await spread(target, 80);
        assert.ok(
          counts.every((count) => count > 0),
          `${target}: ${counts.join(' ')}`,
        );
      }
    });

    await t.test('hash: a key stays with its server, and keys spread', async () => {
      const used = new Set<number>();
      for (let user = 0; user < 30; user++) {
        const counts = await spread('/hash', 3, `X-User: user-${user}\r\n`);
        const index = counts.indexOf(3);
        assert.ok(index >= 0, 'all three on one server');
        used.add(index);
      }
      assert.equal(used.size, 4);
    });

    await t.test('source-hash: a client stays with its server', async () => {
      const counts = await spread('/source', 10);
      assert.equal(Math.max(...counts), 10);
    });

    await t.test('a backup gets nothing while another server is up', async () => {
      assert.deepEqual(await spread('/backup', 10), [0, 0, 10, 0]);
      await c.stop();
      assert.equal((await ask('/backup')).status, 200, 'with the first of them down, it does');
      await c.restart();
    });
  });

  test(`[${engine}] failures of servers`, engineSkip(engine), async (t) => {
    const [good, other] = await Promise.all([startBackend(t), startBackend(t)]);
    const failing = await startBackend(t, (_request, response) => {
      response.statusCode = 503;
      response.end('failing');
    });
    const resetting = await startBackend(t, (request) => reset(request.socket));
    const hanging = await startBackend(t, () => undefined);
    const downPort = await freePort();
    const { ask, port, evenkeel } = await start(
      t,
      engine,
      `
      - { match: { path: /connect }, upstream: down }
      - { match: { path: /silent }, upstream: silent }
      - { match: { path: /never }, upstream: down, retry: { attempts: 1 } }
      - { match: { path: /status-off }, upstream: failing }
      - { match: { path: /status }, upstream: failing, retry: { attempts: 3, on: [connect, 503] } }
      - { match: { path: /reset-off }, upstream: resetting }
      - { match: { path: /reset-all }, upstream: resetting, retry: { attempts: 3, on: [reset, non-idempotent] } }
      - { match: { path: /reset }, upstream: resetting, retry: { attempts: 3, on: [connect, reset] } }
      - { match: { path: /hang }, upstream: hanging, retry: { attempts: 3, on: [connect, timeout] } }
      - { match: { path: /passive }, upstream: passive }
      - { match: { path: /pair }, upstream: pair }
      - { match: { path: /none }, upstream: none }
`,
      `
  down: { servers: [ "127.0.0.1:${downPort}", "${good.address}" ] }
  silent: { servers: [ "127.0.0.1:${await silentPort(t)}", "${good.address}" ], timeouts: { connect: 300ms } }
  failing: { servers: [ "${failing.address}", "${good.address}" ] }
  resetting: { servers: [ "${resetting.address}", "${good.address}" ] }
  hanging: { servers: [ "${hanging.address}", "${good.address}" ], timeouts: { response: 300ms } }
  passive: { servers: [ "${resetting.address}", "${good.address}" ], passive: { failures: 2, within: 10s, eject: 30s } }
  pair: { servers: [ "${good.address}", "${other.address}" ], health: { tcp: true, interval: 50ms, rise: 1, fall: 1 } }
  none: { servers: [ "127.0.0.1:${downPort}" ] }
`,
    );
    const body = `${good.port}\n`;

    await t.test('no connection: the next server is tried', async () => {
      for (let i = 0; i < 6; i++) assert.equal((await ask('/connect')).body, body);
      assert.equal((await ask('/connect', 'Content-Length: 0\r\n', 'POST')).body, body, 'any method: nothing was sent');
    });

    await t.test('no answer to a connection: the next server is tried after `connect`', async () => {
      for (let i = 0; i < 2; i++) assert.equal((await ask('/silent')).body, body);
    });

    await t.test('attempts: 1 is no retry', async () => {
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await ask('/never')).status);
      assertHalf(statuses, 502);
    });

    await t.test('a status is passed on, or tried again where the route says so', async () => {
      const passed = [];
      for (let i = 0; i < 4; i++) passed.push((await ask('/status-off')).status);
      assertHalf(passed, 503);
      for (let i = 0; i < 4; i++) assert.equal((await ask('/status')).body, body);
    });

    await t.test('a status is not tried again for a method that is not idempotent', async () => {
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await ask('/status', 'Content-Length: 0\r\n', 'POST')).status);
      assertHalf(statuses, 503);
    });

    await t.test('a reset is 502, or tried again where the route says so', async () => {
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await ask('/reset-off')).status);
      assertHalf(statuses, 502);
      for (let i = 0; i < 4; i++) assert.equal((await ask('/reset')).body, body);
    });

    await t.test('a reset of a POST is tried again only with non-idempotent', async () => {
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await ask('/reset', 'Content-Length: 0\r\n', 'POST')).status);
      assertHalf(statuses, 502);
      for (let i = 0; i < 4; i++) assert.equal((await ask('/reset-all', 'Content-Length: 0\r\n', 'POST')).body, body);
    });

    await t.test('no response in time: the next server is tried where the route says so', async () => {
      for (let i = 0; i < 2; i++) assert.equal((await ask('/hang')).body, body);
    });

    await t.test('a small body is sent again with its request', async (t) => {
      const echo = await RawServer.start(t);
      const own = await start(
        t,
        engine,
        `      - { upstream: web, retry: { attempts: 2, on: [reset] } }`,
        `  web: { servers: [ "${echo.address}", "127.0.0.2:${echo.port}" ] }`,
      );
      const client = await RawConnection.open(t, own.port);
      client.write(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`);
      const first = await echo.exchange();
      assert.equal(await first.body(), 'hello');
      first.connection.reset();
      const second = await echo.exchange();
      assert.equal(await second.body(), 'hello');
      second.ok('again');
      assert.equal((await client.response()).body, 'again');
    });

    await t.test('passive: a server that fails requests gets none for a while', async () => {
      await until(async () => {
        const bodies = [(await ask('/passive')).body, (await ask('/passive')).body];
        return bodies.every((one) => one === body);
      });
      resetting.count = 0;
      for (let i = 0; i < 6; i++) assert.equal((await ask('/passive')).body, body);
      assert.equal(resetting.count, 0);
    });

    await t.test('every server down: 503 at once, and service again without a restart', async () => {
      await Promise.all([good.stop(), other.stop()]);
      await until(async () => (await get(port, '/pair')).status === 503);
      assert.equal((await ask('/pair')).status, 503);
      await Promise.all([good.restart(), other.restart()]);
      await until(async () => (await get(port, '/pair')).status === 200);
      assert.equal(evenkeel.proxies().length, 1);
    });

    await t.test('no server takes the connection: 502', async () => {
      assert.equal((await ask('/none')).status, 502);
    });
  });

  test(`[${engine}] max-connections and the queue`, engineSkip(engine), async (t) => {
    const server = await RawServer.start(t);
    const { port } = await start(
      t,
      engine,
      `
      - { match: { path: /narrow }, upstream: narrow }
      - { upstream: web }
`,
      `
  web: { servers: [ { address: "${server.address}", max-connections: 2 } ], timeouts: { queue: 3s } }
  narrow: { servers: [ { address: "${server.address}", max-connections: 1 } ], queue: { max: 1 }, timeouts: { queue: 60s } }
`,
    );
    const request = async (t: TestContext, target: string): Promise<RawConnection> => {
      const client = await RawConnection.open(t, port);
      client.write(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      return client;
    };

    await t.test('requests over the limit wait, in order, and go on when one is done', async (t) => {
      const clients = [await request(t, '/0'), await request(t, '/1')];
      const [first, second] = [await server.exchange(), await server.exchange()];
      clients.push(await request(t, '/2'));
      await new Promise((resolve) => setTimeout(resolve, 100));
      clients.push(await request(t, '/3'));
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(server.hasRequest, false);
      first.ok('first');
      const third = await server.exchange();
      assert.equal(third.startLine, 'GET /2 HTTP/1.1');
      second.ok('second');
      const fourth = await server.exchange();
      assert.equal(fourth.startLine, 'GET /3 HTTP/1.1');
      third.ok('third');
      fourth.ok('fourth');
      const bodies = await Promise.all(clients.map(async (client) => (await client.response()).body));
      assert.deepEqual(new Set(bodies), new Set(['first', 'second', 'third', 'fourth']));
    });

    await t.test('who waits too long gets 503', async (t) => {
      await request(t, '/0');
      await request(t, '/1');
      const [first, second] = [await server.exchange(), await server.exchange()];
      const begun = performance.now();
      const late = await request(t, '/2');
      assert.equal((await late.response()).status, 503);
      assert.ok(performance.now() - begun > 2_900);
      assert.equal(server.hasRequest, false);
      first.ok();
      second.ok();
    });

    await t.test('when the queue is full: 503 at once', async (t) => {
      await request(t, '/narrow/0');
      const first = await server.exchange();
      const waiting = await request(t, '/narrow/1');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const refused = await request(t, '/narrow/2');
      assert.equal((await refused.response()).status, 503);
      assert.equal(waiting.buffered, '', 'the other one still waits');
      first.ok();
      (await server.exchange()).ok('waited');
      assert.equal((await waiting.response()).body, 'waited');
    });

    await t.test('who leaves the queue is forgotten', async (t) => {
      await request(t, '/narrow/0');
      const first = await server.exchange();
      const leaving = await request(t, '/narrow/1');
      await new Promise((resolve) => setTimeout(resolve, 100));
      leaving.reset();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const waiting = await request(t, '/narrow/2');
      await new Promise((resolve) => setTimeout(resolve, 100));
      first.ok();
      const next = await server.exchange();
      assert.equal(next.startLine, 'GET /narrow/2 HTTP/1.1');
      next.ok('mine');
      assert.equal((await waiting.response()).body, 'mine');
    });

    await t.test('a client that is gone gives its place back', async (t) => {
      for (let i = 0; i < 4; i++) {
        const client = await request(t, `/narrow/${i}`);
        const exchange = await server.exchange();
        client.reset();
        await exchange.connection.ending();
      }
      const client = await request(t, '/narrow/last');
      (await server.exchange()).ok('served');
      assert.equal((await client.response()).body, 'served');
    });
  });
}

/** Two of the four were served, two were not. */
function assertHalf(statuses: readonly number[], otherStatus: number): void {
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 200, otherStatus, otherStatus],
  );
}
