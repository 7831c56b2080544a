/** `limits.connections` holds whatever arrives at once (docs/limits.md). */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type net from 'node:net';
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
import { RawConnection, RawServer } from './raw.ts';

const LIMIT = 3;
const BURST = 40;

for (const engine of ENGINES) {
  test(`[${engine}] half-sent heads at the limit make room as idle clients do`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web: { bind: "127.0.0.1:${port}", limits: { connections: ${LIMIT} }, timeouts: { head: 10m }, routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "${server.address}" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const halves: RawConnection[] = [];
    for (let i = 0; i < LIMIT; i++) {
      const half = await RawConnection.open(t, port);
      half.write('GET / HTTP/1.1\r\nHo');
      await half.delivered();
      halves.push(half);
    }
    // goes on sending, which makes it no younger
    const timer = setInterval(() => halves[0].write('o'), 50);
    t.after(() => clearInterval(timer));
    const client = await RawConnection.open(t, port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const exchange = await server.exchange();
    await halves[0].ending();
    await evenkeel.said(/listener web closes idle clients for new ones: connection limit reached/);
    // the others may still say what they want
    halves[1].write('st: b\r\n\r\n');
    (await server.exchange()).ok('b');
    assert.equal((await halves[1].response()).body, 'b');
    exchange.ok('a');
    assert.equal((await client.response()).body, 'a');
  });

  test(`[${engine}] a burst of connections keeps to the limit`, engineSkip(engine), async (t) => {
    const [tcpPort, webPort, otherPort] = [await freePort(), await freePort(), await freePort()];
    const accepted: net.Socket[] = [];
    const backend = await startTcpBackend(t, (socket) => {
      accepted.push(socket);
      socket.write('hello');
      socket.on('end', () => socket.end());
      socket.resume();
    });
    const server = await RawServer.start(t);
    const other = await startBackend(t);
    const evenkeel = await Evenkeel.start(
      t,
      `
grace: 20s
listeners:
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, limits: { connections: ${LIMIT} }, upstream: tcp }
  web: { bind: "127.0.0.1:${webPort}", limits: { connections: ${LIMIT} }, routes: [ { upstream: web } ] }
  other: { bind: "127.0.0.1:${otherPort}", routes: [ { upstream: other } ] }
upstreams:
  tcp: { servers: [ "${backend.address}" ] }
  web: { servers: [ "${server.address}" ] }
  other: { servers: [ "${other.address}" ] }
`,
      { engine, workers: 1 },
    );
    const [proxy] = evenkeel.proxies();

    /** What arrives meanwhile is there in one piece when it goes on. */
    const whileStopped = async (work: () => Promise<void>): Promise<void> => {
      kill(proxy, 'SIGSTOP');
      await work();
      kill(proxy, 'SIGCONT');
    };
    /** What the proxy had to do before it got these, it has done. */
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) assert.equal((await get(otherPort)).status, 200);
    };

    await t.test('TCP: each is served when another one ends', async () => {
      const clients: net.Socket[] = [];
      const served: net.Socket[] = [];
      const news = new EventEmitter();
      await whileStopped(async () => {
        for (let i = 0; i < BURST; i++) {
          const client = await connect(tcpPort);
          client.once('data', () => {
            served.push(client);
            news.emit('served');
          });
          clients.push(client);
        }
      });
      for (let count = LIMIT; count <= BURST; count++) {
        while (served.length < count) await once(news, 'served');
        await settled();
        assert.equal(served.length, count);
        assert.equal(accepted.length, count);
        served[count - LIMIT].end();
      }
      for (const client of clients) client.destroy();
    });

    // On node nothing is accepted beyond the limit: they wait in the kernel's queue, which is reset when the socket is closed.
    if (engine !== 'node') {
      await t.test('HTTP: those that wait are served when a stop begins', async (t) => {
        const clients: RawConnection[] = [];
        await whileStopped(async () => {
          for (let i = 0; i < 10; i++) {
            const client = await RawConnection.open(t, webPort);
            client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
            clients.push(client);
          }
        });
        const exchanges = [await server.exchange(), await server.exchange(), await server.exchange()];
        await settled();
        assert.equal(server.hasRequest, false);
        evenkeel.signal('SIGTERM');
        while (exchanges.length < clients.length) exchanges.push(await server.exchange());
        for (const exchange of exchanges) exchange.ok();
        for (const client of clients) assert.equal((await client.response()).status, 200);
        assert.equal(await evenkeel.exit, 0);
      });
    }
  });
}
