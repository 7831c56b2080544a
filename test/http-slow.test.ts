/** Clients that send as slowly as they can: what they hold, and for how long. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { RawConnection } from './raw.ts';

/** One server that takes one request at a time, and a listener that asks for 1 KiB/s over each `body`. */
async function start(
  t: TestContext,
  engine: Engine,
  server: string,
  body = '500ms',
): Promise<{ port: number; evenkeel: Evenkeel }> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { body: ${body} }
    limits: { body-rate: 1KiB }
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

for (const engine of ENGINES) {
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
