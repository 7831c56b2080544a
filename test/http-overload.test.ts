/**
 * More clients than there are descriptors for: what is left is kept for servers, so that who is here is served, no server is
 * blamed, and when there is room again everything goes on by itself.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { ENGINES, Evenkeel, freePort, get, reset, startBackend, startTcpBackend, WAIT_MS } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { RawConnection } from './raw.ts';

/** Few enough to run out of, and more than the program needs for itself. */
const DESCRIPTORS = 120;

// its head is whole; no server is looked for before its body is, which is small
const BEGINNING = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1';
const REST = '2';

for (const engine of ENGINES) {
  test(
    `[${engine}] clients take the descriptors, and servers are reached all the same`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ], pool: { idle: 0 }, passive: { failures: 1 } } }
`;
      const through = ['prlimit', `--nofile=${DESCRIPTORS}`, '--'];
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through });
      const [pid] = evenkeel.proxies();
      await evenkeel.said(/warn .*the limit of 120 open files lets each proxy serve \d+ connections/);
      // here before the crowd, without a connection to a server yet, and in a request: who is idle is closed for the crowd
      const early = await Promise.all([1, 2, 3, 4, 5].map(() => RawConnection.open(t, port)));
      for (const client of early) client.write(BEGINNING);

      for (let round = 0; round < 2; round++) {
        const idle = Array.from({ length: DESCRIPTORS * 2 }, () => net.connect(port, '127.0.0.1'));
        for (const socket of idle) socket.on('error', () => undefined);
        t.after(() => idle.forEach((socket) => socket.destroy()));
        await Promise.all(idle.map((socket) => once(socket, 'connect')));
        await evenkeel.said(
          /listener web (does not accept for now: what file descriptors|closes idle clients for new ones: what file descriptors)/,
        );
        for (let i = 0; i < 10; i++) {
          for (const client of early) client.write(REST);
          for (const client of early) {
            assert.equal((await client.response()).status, 200);
            client.write(BEGINNING);
          }
        }
        for (const socket of idle) socket.destroy();
        assert.equal(await served(port), `${backend.port}\n`);
        await evenkeel.said(new RegExp(`(listener web accepts again[^]*){${round + 1}}`));
      }
      assert.deepEqual(evenkeel.proxies(), [pid], 'it is still the same process');
      assert.doesNotMatch(evenkeel.stdout + evenkeel.stderr, /ejected|spared|could not be reached/);
    },
  );

  test(
    `[${engine}] of a crowd of slow requests each that was accepted gets its server, and the others wait`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      const slow = http
        .createServer((_, response) => setTimeout(() => response.end('slow'), 400))
        .listen(0, '127.0.0.1');
      await once(slow, 'listening');
      t.after(() => slow.close());
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:${(slow.address() as net.AddressInfo).port}" ], passive: { failures: 1 } } }
`;
      const through = ['prlimit', `--nofile=${DESCRIPTORS}`, '--'];
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through });
      const ask = async (): Promise<string> => {
        const client = await RawConnection.open(t, port);
        client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        const { status, body } = await client.response();
        return `${status} ${body}`;
      };
      const answers = await Promise.all(Array.from({ length: 2 * DESCRIPTORS }, ask));
      assert.deepEqual([...new Set(answers)], ['200 slow']);
      await evenkeel.said(/does not accept for now: what file descriptors/);
      assert.doesNotMatch(evenkeel.stdout + evenkeel.stderr, /ejected|spared|could not be reached|503/);
    },
  );

  test(
    `[${engine}] servers take the last descriptor: 503 with the reason, and nobody is blamed`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      // takes connections and says nothing: each client of the relay holds two descriptors
      const silent = await startTcpBackend(t, () => undefined);
      const other = await startBackend(t);
      const [port, tcpPort] = [await freePort(), await freePort()];
      const yaml = `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  raw: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: raw }
upstreams:
  web: { servers: [ "${other.address}" ], passive: { failures: 1 }, pool: { idle: 0 } }
  raw: { servers: [ "${silent.address}" ] }
`;
      const through = ['prlimit', `--nofile=${DESCRIPTORS}`, '--'];
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, through });
      const early = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(t, port)));
      for (const client of early) client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      for (const client of early) assert.equal((await client.response()).status, 200);
      const relays = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const socket = net.connect(tcpPort, '127.0.0.1');
          socket.on('error', () => undefined);
          await once(socket, 'connect');
          return socket;
        }),
      );
      t.after(() => relays.forEach(reset));
      await evenkeel.said(/does not accept for now: what file descriptors/);
      // more at once than are left
      const statuses = new Set<number>();
      for (let i = 0; i < 20; i++) {
        for (const client of early) client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        for (const client of early) statuses.add((await client.response()).status);
      }
      assert.ok(
        [...statuses].every((status) => status === 200 || status === 503),
        [...statuses].join(),
      );
      for (const socket of relays) reset(socket);
      assert.equal(await served(port), `${other.port}\n`);
      assert.doesNotMatch(evenkeel.stdout + evenkeel.stderr, /ejected|spared|could not be reached/);
    },
  );
}

/** Asks until there is an answer: the proxy may still be full of connections that have just been closed. */
async function served(port: number): Promise<string> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await get(port).catch(() => null);
    if (answer?.status === 200) return answer.body;
    assert.ok(Date.now() < deadline, 'it serves again');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
