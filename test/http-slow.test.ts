/** Clients that send as slowly as they can: what they hold, and for how long. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { narrow, pump } from './crowd.ts';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { RawConnection } from './raw.ts';
import { until } from './waiting.ts';

/** One server that takes one request at a time, and a listener that asks for 1 KiB/s over each `body`. */
async function start(
  t: TestContext,
  engine: Engine,
  server: string,
  body = '500ms',
  rate = '1KiB',
): Promise<{ port: number; evenkeel: Evenkeel }> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { body: ${body} }
    limits: { body-rate: ${rate} }
    routes: [ { upstream: web } ]
upstreams:
  web: { servers: [ { address: "${server}", max-connections: 1 } ], timeouts: { queue: 1m, response: 1m } }
`;
  return { port, evenkeel: await Evenkeel.start(t, yaml, { engine, workers: 1 }) };
}

/** A byte every 50 ms, until the connection is over. */
function trickle(t: TestContext, { socket }: RawConnection): void {
  const timer = setInterval(() => socket.write('x'), 50);
  socket.on('close', () => clearInterval(timer));
  t.after(() => clearInterval(timer));
}

/** A GET of which it takes 1,000 bytes every 10 ms; `taken` counts them. */
async function readSlowly(t: TestContext, port: number): Promise<{ taken: number; isOver: boolean }> {
  const reader = { taken: 0, isOver: false };
  const takeSome = (bytes: number): boolean => {
    reader.taken += bytes;
    return false;
  };
  const socket = net.connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(1000), callback: takeSome } });
  await once(socket, 'connect');
  narrow(socket);
  const timer = setInterval(() => socket.resume(), 10);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    reader.isOver = true;
    clearInterval(timer);
  });
  t.after(() => socket.destroy());
  socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  return reader;
}

for (const engine of ENGINES) {
  test(
    `[${engine}] a response that is taken in trickles is cut off, and its server is free again`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t, (request, response) => {
        if (request.url === '/endless') pump(response);
        else response.end();
      });
      // at least 1 MiB/s
      const strict = await start(t, engine, backend.address, '500ms', '1MiB');
      const reader = await readSlowly(t, strict.port);
      await until(() => reader.taken > 0);
      assert.equal((await get(strict.port)).status, 200);
      await until(() => reader.isOver);
      await strict.evenkeel.said(/listener web: 1 response cut off: the client takes it too slowly/);

      // 1 KiB/s, and it takes up to a hundred times that
      const lax = await start(t, engine, backend.address);
      const other = await readSlowly(t, lax.port);
      await until(() => other.isOver || other.taken > 150_000);
      assert.equal(other.isOver, false);
    },
  );

  test(`[${engine}] a small body that trickles holds no server`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const { port } = await start(t, engine, backend.address, '1m');
    const slow = await RawConnection.open(t, port);
    slow.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx');
    for (let i = 0; i < 3; i++) assert.equal((await get(port)).status, 200);
    assert.equal(backend.count, 3, 'the slow one has not reached the server');
    slow.write('y'.repeat(50));
    assert.equal((await get(port)).status, 200);
    slow.write('z'.repeat(49));
    assert.equal((await slow.response()).status, 200);
    assert.equal(backend.count, 5);
  });

  test(
    `[${engine}] a body that trickles ends with 408, and its server is free again`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t, (request, response) => {
        request.resume();
        request.on('end', () => response.end());
      });
      const { port, evenkeel } = await start(t, engine, backend.address);
      for (const framing of ['Content-Length: 100000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\nfffff\r\n']) {
        const slow = await RawConnection.open(t, port);
        slow.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}x`);
        trickle(t, slow);
        const waiting = get(port);
        const { status, body } = await slow.response();
        assert.equal(status, 408);
        assert.match(body, /^408 Request Timeout: the body comes too slowly\n/);
        assert.equal((await waiting).status, 200);
      }
      await evenkeel.said(/listener web: \d requests? answered 408: the body comes too slowly/);
    },
  );

  test(`[${engine}] who is fast enough is let be, and who waits for the server too`, engineSkip(engine), async (t) => {
    // does not read for several windows
    const backend = await startBackend(t, (request, response) => {
      setTimeout(() => request.resume(), request.url === '/late' ? 4000 : 0);
      request.on('end', () => response.end());
    });
    const { port } = await start(t, engine, backend.address, '1500ms');
    const fast = await RawConnection.open(t, port);
    fast.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n');
    for (let i = 0; i < 20; i++) {
      fast.write('x'.repeat(3000));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.equal((await fast.response()).status, 200);
    const status = await new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path: '/late', method: 'POST', agent: false });
      request.on('response', (response) => resolve(response.statusCode));
      request.on('error', reject);
      request.end(Buffer.alloc(20_000_000));
    });
    assert.equal(status, 200);
  });
}
