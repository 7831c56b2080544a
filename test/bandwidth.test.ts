/** How fast bytes go on: of responses, and of TCP connections. That a rate is not exceeded is told; never that something is fast. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, startBackend, startTcpBackend } from './evenkeel.ts';
import { ask, session } from './http2-client.ts';

const BODY = 'x'.repeat(70_000);
/** 40,000 bytes go at once, the rest by that many in a second: the last ones are due a second later at the earliest. Clocks are read in whole milliseconds. */
const RATE = 40_000;
const LEAST_MS = 990;

interface Got {
  readonly body: Buffer;
  readonly headers: http.IncomingHttpHeaders;
  readonly ms: number;
}

async function get(port: number, path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Got> {
  // begins no later than the response
  const from = performance.now();
  const request = http.request({ port, host: '127.0.0.1', path, headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { body: Buffer.concat(pieces), headers: response.headers, ms: performance.now() - from };
}

for (const engine of ENGINES) {
  test(`[${engine}] responses and connections go at their rate`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t, (request, response) => {
      if (request.url!.startsWith('/said')) response.setHeader('X-Accel-Limit-Rate', RATE);
      if (request.url!.startsWith('/length')) response.setHeader('Content-Length', BODY.length);
      response.setHeader('Content-Type', 'text/plain');
      response.write(BODY.slice(0, 5));
      response.end(BODY.slice(5));
    });
    const received: Buffer[] = [];
    const tcp = await startTcpBackend(t, (socket) => {
      socket.on('data', (data) => received.push(data));
      socket.on('end', () => socket.end(BODY));
    });
    const [port, down, up] = [await freePort(), await freePort(), await freePort()];
    await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    routes:
      - { match: { path: /by-request }, upstream: web, bandwidth: { rate: "{query:rate}" } }
      - { match: { path: /said }, upstream: web, bandwidth: { rate: 0, field: X-Accel-Limit-Rate } }
      - { match: { path: /gzip }, upstream: web, bandwidth: { rate: 100 }, compress: true }
      - { match: { path: /after }, upstream: web, bandwidth: { rate: 1, after: 80000 } }
      - { upstream: web, bandwidth: { rate: ${RATE} } }
  down: { bind: "127.0.0.1:${down}", protocol: tcp, upstream: tcp, bandwidth: { download: ${RATE} } }
  up: { bind: "127.0.0.1:${up}", protocol: tcp, upstream: tcp, bandwidth: { upload: ${RATE} } }
upstreams:
  web: { servers: [ "${backend.address}" ] }
  tcp: { servers: [ "${tcp.address}" ] }
`,
      { engine },
    );

    const overHttp2 = async (): Promise<void> => {
      const client = await session(t, port);
      const from = performance.now();
      const { body } = await ask(client, { ':path': '/' });
      assert.equal(body, BODY);
      assert.ok(performance.now() - from >= LEAST_MS);
    };
    const overTcp = async (to: number): Promise<void> => {
      const from = performance.now();
      const socket = await connect(to);
      const isUp = to === up;
      if (isUp) socket.write(BODY);
      socket.end();
      let length = 0;
      for await (const piece of socket) length += (piece as Buffer).length;
      assert.equal(length, BODY.length);
      assert.ok(performance.now() - from >= LEAST_MS);
      if (isUp) assert.equal(Buffer.concat(received).toString(), BODY);
    };
    const slowly = async (path: string): Promise<void> => {
      const { body, ms } = await get(port, path);
      assert.equal(body.toString(), BODY);
      assert.ok(ms >= LEAST_MS, `${path} took ${ms} ms`);
    };
    const gzipped = async (): Promise<void> => {
      const { body, headers, ms } = await get(port, '/gzip', { 'Accept-Encoding': 'gzip' });
      assert.equal(headers['content-encoding'], 'gzip');
      assert.equal(gunzipSync(body).toString(), BODY);
      assert.ok(body.length < 100 || ms >= LEAST_MS, `${body.length} bytes took ${ms} ms`);
    };
    const whole = async (path: string): Promise<void> => assert.equal((await get(port, path)).body.toString(), BODY);
    await Promise.all([
      slowly('/chunks'),
      slowly('/length'),
      slowly('/said'),
      slowly(`/by-request?rate=${RATE}`),
      whole('/by-request?rate=no'),
      whole('/by-request'),
      whole('/after'),
      gzipped(),
      overHttp2(),
      overTcp(down),
      overTcp(up),
    ]);
  });
}
