/**
 * A TCP session or a tunnel of which one side has sent FIN may be over or not: it has `half-closed` of silence (docs/timeouts.md). So has a
 * request that is with a server.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';

/** By an error or not. */
function closed(socket: net.Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
}

/** Writes to a peer until it is gone. */
async function asking(peer: RawConnection, gone: Promise<unknown>): Promise<void> {
  const timer = setInterval(() => peer.write('is anybody there?'), 50);
  await gone;
  clearInterval(timer);
}

const UPGRADE = 'Connection: upgrade\r\nUpgrade: talk\r\n\r\n';

for (const engine of ENGINES) {
  test(`[${engine}] a request behind which its client has sent FIN`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const root = mkdtempSync(join(tmpdir(), 'evenkeel-www-'));
    t.after(() => rmSync(root, { recursive: true }));
    chmodSync(root, 0o755);
    writeFileSync(join(root, 'page'), 'a page');
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { half-closed: 1ms }
    routes: [ { match: { path: /page }, files: { root: "${root}" } }, { upstream: web } ]
upstreams: { web: { servers: [ "${server.address}" ], timeouts: { response: 60s } } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    await t.test('is given up at the server', async (each) => {
      const client = await RawConnection.open(each, port);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const { connection } = await server.exchange();
      client.end();
      await connection.ending();
      assert.equal((await client.ending()).how, 'end');
    });

    await t.test('is answered of a file', async (each) => {
      for (let i = 0; i < 20; i++) {
        const client = await RawConnection.open(each, port);
        client.write('GET /page HTTP/1.1\r\nHost: a\r\n\r\n');
        client.end();
        assert.equal((await client.response()).body, 'a page');
      }
    });
  });

  test(`[${engine}] half-closed relays`, engineSkip(engine), async (t) => {
    const [tcpPort, webPort, shortPort] = [await freePort(), await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
  short: { bind: "127.0.0.1:${shortPort}", protocol: tcp, upstream: short }
  web: { bind: "127.0.0.1:${webPort}", routes: [ { upstream: web } ] }
upstreams:
  tcp: { servers: [ "${server.address}" ], timeouts: { half-closed: 2s } }
  short: { servers: [ "${server.address}" ], timeouts: { half-closed: 0s } }
  web: { servers: [ "${server.address}" ], timeouts: { half-closed: 2s } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    await t.test('without time for it both sides end with the first, behind its last byte', async (each) => {
      for (const first of ['client', 'server']) {
        const client = await RawConnection.open(each, shortPort);
        const backend = await server.connection();
        const [leaver, other] = first === 'client' ? [client, backend] : [backend, client];
        other.write('heard');
        await leaver.until('heard');
        leaver.write('the last');
        leaver.end();
        assert.equal(await other.bytes(8), 'the last');
        const ends = await Promise.all([other.ending(), leaver.ending()]);
        assert.deepEqual(
          ends.map(({ how }) => how),
          ['end', 'end'],
          first,
        );
      }
    });

    const ways: [string, (t: Parameters<typeof RawConnection.open>[0]) => Promise<[RawConnection, RawConnection]>][] = [
      [
        'a TCP session',
        async (each) => {
          const client = await RawConnection.open(each, tcpPort);
          return [client, await server.connection()];
        },
      ],
      [
        'a tunnel',
        async (each) => {
          const client = await RawConnection.open(each, webPort);
          client.write(`GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}`);
          const { connection } = await server.exchange();
          connection.write(`HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}`);
          await client.until('\r\n\r\n');
          return [client, connection];
        },
      ],
    ];
    for (const [what, open] of ways) {
      await t.test(`${what} whose client has left ends at both sides`, async (each) => {
        const [client, backend] = await open(each);
        const gone = closed(backend.socket);
        client.end();
        assert.equal((await backend.ending()).how, 'end');
        assert.equal((await client.ending()).how, 'reset');
        // Behind a FIN Node does not listen any more: what it writes tells it of the reset, once that has come.
        await asking(backend, gone);
      });

      await t.test(`${what} whose server has left, too`, async (each) => {
        const [client, backend] = await open(each);
        backend.end();
        assert.equal((await client.ending()).how, 'end');
        client.write('is anybody there?');
        await backend.until('is anybody there?');
        const gone = closed(client.socket);
        assert.equal((await backend.ending()).how, 'reset');
        await asking(client, gone);
      });

      await t.test(`${what} goes on as long as something moves`, async (each) => {
        const [client, backend] = await open(each);
        client.end();
        assert.equal((await backend.ending()).how, 'end');
        for (let i = 0; i < 8; i++) {
          backend.write('more');
          assert.equal(await client.bytes(4), 'more');
          await new Promise((resolve) => setTimeout(resolve, 400));
        }
        backend.end();
        assert.equal((await client.ending()).how, 'end');
      });
    }
  });
}
