/** A server on a Unix socket whose queue is full: connections to it are tried until `timeouts.connect` (docs/timeouts.md). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as libc from '../src/io/linux/libc.ts';
import { encodeUnixPath } from '../src/io/linux/socket-address.ts';
import { engineSkip, ENGINES, Evenkeel, endOf, freePort, get } from './evenkeel.ts';

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nunix\n';
/** A proxy that does not try again has answered by then. */
const LONG_MS = 400;

/** Listens without accepting, with as many connections in its queue as it holds. */
function fullSocket(t: TestContext, path: string): { accept: () => void } {
  const name = encodeUnixPath(path)!;
  const listening = libc.socket(libc.AF_UNIX, libc.SOCK_STREAM);
  libc.bind(listening, name);
  libc.listen(listening, 0);
  chmodSync(path, 0o666);
  const waiting = libc.socket(libc.AF_UNIX, libc.SOCK_STREAM);
  assert.equal(libc.connect(waiting, name), 0);
  t.after(() => closeSync(waiting));
  const server = net.createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(RESPONSE)));
  t.after(() => server.close());
  return { accept: () => void server.listen({ fd: listening, backlog: 100 }) };
}

for (const engine of ENGINES) {
  test(`[${engine}] the full queue of a Unix socket`, engineSkip(engine), async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    chmodSync(directory, 0o755);
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = (name: string): string => join(directory, name);
    const [web, tcp] = [fullSocket(t, path('web')), fullSocket(t, path('tcp'))];
    fullSocket(t, path('full'));
    const [webPort, tcpPort, shortPort] = [await freePort(), await freePort(), await freePort()];
    await Evenkeel.start(
      t,
      `
listeners:
  web: { bind: "127.0.0.1:${webPort}", routes: [ { match: { path: /full }, upstream: full }, { upstream: web } ] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
  short: { bind: "127.0.0.1:${shortPort}", protocol: tcp, upstream: full-tcp }
upstreams:
  web: { servers: [ "unix:${path('web')}" ], timeouts: { connect: 60s } }
  tcp: { servers: [ "unix:${path('tcp')}" ], timeouts: { connect: 60s } }
  full: { servers: [ "unix:${path('full')}" ], timeouts: { connect: 500ms } }
  full-tcp: { servers: [ "unix:${path('full')}" ], timeouts: { connect: 500ms } }
`,
      { engine, workers: 1 },
    );

    await t.test('HTTP: waits until there is room', async () => {
      const answer = get(webPort);
      await new Promise((resolve) => setTimeout(resolve, LONG_MS));
      web.accept();
      assert.deepEqual(await answer, { status: 200, body: 'unix\n' });
    });

    await t.test('TCP: waits until there is room', async (t) => {
      const client = net.connect(tcpPort, '127.0.0.1');
      t.after(() => client.destroy());
      client.write('x');
      const data = once(client, 'data');
      await new Promise((resolve) => setTimeout(resolve, LONG_MS));
      tcp.accept();
      assert.match(String((await data)[0]), /unix/);
    });

    await t.test('HTTP: after `connect` it is a server that does not answer', async () => {
      const begun = performance.now();
      const { status, body } = await get(webPort, '/full');
      assert.equal(status, 504);
      assert.match(body, /connect/);
      assert.ok(performance.now() - begun > 440);
    });

    await t.test('TCP: after `connect` the client is told', async () => {
      const begun = performance.now();
      await endOf(shortPort);
      assert.ok(performance.now() - begun > 440);
    });
  });
}
