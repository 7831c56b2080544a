/** What clients get of responses that are compressed: over HTTP/1 and HTTP/2, as fast as servers send it, slow clients, and those that leave. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type http2 from 'node:http2';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { brotliDecompressSync, createBrotliDecompress, createGunzip, gunzipSync } from 'node:zlib';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { session } from './http2-client.ts';
import { RawConnection } from './raw.ts';
import { until } from './waiting.ts';

const PROSE = Array.from({ length: 60_000 }, (_, i) => `line ${i} of a text that is long enough\n`).join('');
/** What can hardly be made shorter. */
const NOISE = createHash('shake256', { outputLength: 300_000 }).digest('base64');

/** `/BYTES`: so much prose, at once; `/chunks/BYTES`: of unknown length, a kilobyte each; `/noise`: all of it; `/drip`: a word whenever the test says so. */
async function startServer(t: TestContext): Promise<{ address: string; drips: http.ServerResponse[] }> {
  const drips: http.ServerResponse[] = [];
  const server = http.createServer((request, response) => {
    const [, first, second] = (request.url ?? '').split('/');
    response.setHeader('Content-Type', 'text/plain');
    response.setHeader('ETag', '"strong"');
    if (first === 'drip') {
      response.flushHeaders();
      drips.push(response);
    } else if (first === 'noise') {
      response.write(NOISE);
      response.end();
    } else if (first === 'chunks') {
      for (let at = 0; at < Number(second); at += 1024)
        response.write(PROSE.slice(at, Math.min(at + 1024, Number(second))));
      response.end();
    } else {
      response.setHeader('Content-Length', first);
      response.end(request.method === 'HEAD' ? undefined : PROSE.slice(0, Number(first)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { address: `127.0.0.1:${address.port}`, drips };
}

interface Got {
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
}

async function get(port: number, path: string, headers: http.OutgoingHttpHeaders, method = 'GET'): Promise<Got> {
  const request = http.request({ port, host: '127.0.0.1', path, headers, method, agent: false }).end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { headers: response.headers, bytes: Buffer.concat(pieces) };
}

for (const engine of ENGINES) {
  test(`[${engine}] responses are compressed`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const { address, drips } = await startServer(t);
    await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    compress: { codings: [br, gzip], level: 3 }
    routes:
      - { match: { path: { exact: /10000 } }, upstream: web, compress: false }
      - { upstream: web }
upstreams:
  web: { servers: ["${address}"] }
`,
      { engine, workers: 1 },
    );

    await t.test('of any size, in what the client likes best', async () => {
      for (const size of [256, 4000, 30_000, 1_000_000]) {
        for (const path of [`/${size}`, `/chunks/${size}`]) {
          const { bytes, headers } = await get(port, path, { 'Accept-Encoding': 'gzip' });
          assert.equal(headers['content-encoding'], 'gzip');
          assert.equal(headers['content-length'], undefined);
          assert.equal(headers.etag, 'W/"strong"');
          assert.equal(headers.vary, 'Accept-Encoding');
          assert.ok(gunzipSync(bytes).toString() === PROSE.slice(0, size), `${path} is another text`);
          assert.ok(bytes.length < size / 2 || size < 1000);
        }
        const { bytes, headers } = await get(port, `/${size}`, { 'Accept-Encoding': 'gzip, br' });
        assert.equal(headers['content-encoding'], 'br');
        assert.ok(brotliDecompressSync(bytes).toString() === PROSE.slice(0, size));
      }
    });

    await t.test('only for clients that take it, where the route does, and where it is worth it', async () => {
      const plain = await get(port, '/5000', {});
      assert.equal(plain.headers['content-encoding'], undefined);
      assert.equal(plain.headers['content-length'], '5000');
      assert.equal(plain.headers.vary, 'Accept-Encoding');
      assert.equal(plain.headers.etag, '"strong"');
      for (const path of ['/255', '/10000']) {
        const { headers } = await get(port, path, { 'Accept-Encoding': 'gzip' });
        assert.equal(headers['content-encoding'], undefined, path);
        assert.equal(headers.vary, undefined, path);
      }
    });

    await t.test('to HEAD as to GET, but for the body', async () => {
      const { bytes, headers } = await get(port, '/5000', { 'Accept-Encoding': 'gzip' }, 'HEAD');
      assert.equal(bytes.length, 0);
      assert.equal(headers['content-encoding'], 'gzip');
      assert.equal(headers['content-length'], undefined);
    });

    await t.test('in the same connection, one after the other', async () => {
      const client = await RawConnection.open(t, port);
      for (const size of [300, 20_000, 400]) {
        client.write(`GET /${size} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`);
        const { startLine } = await client.head();
        assert.equal(startLine, 'HTTP/1.1 200 OK');
        const { body: encoded } = await client.chunked();
        assert.equal(gunzipSync(Buffer.from(encoded, 'latin1')).length, size);
      }
      client.socket.destroy();
    });

    await t.test('over HTTP/2', async (t) => {
      const client = await session(t, port);
      const all = [300, 20_000, 1_000_000, 4000].map(async (size) => {
        const stream = client.request({ ':path': `/chunks/${size}`, 'accept-encoding': 'gzip' });
        const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        assert.equal(headers['content-encoding'], 'gzip');
        assert.ok((await text(stream.pipe(createGunzip()))) === PROSE.slice(0, size));
      });
      await Promise.all(all);
      for (const [coding, decode] of [
        ['gzip', createGunzip],
        ['br', createBrotliDecompress],
      ] as const) {
        const stream = client.request({ ':path': '/noise', 'accept-encoding': coding });
        const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        assert.equal(headers['content-encoding'], coding);
        assert.ok((await text(stream.pipe(decode()))) === NOISE);
      }
      client.close();
    });

    await t.test('as they come, when the server pauses', async () => {
      const request = http
        .request({ port, host: '127.0.0.1', path: '/drip', headers: { 'Accept-Encoding': 'gzip' } })
        .end();
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      let read = '';
      const gunzip = response.pipe(createGunzip());
      gunzip.setEncoding('utf8').on('data', (piece: string) => (read += piece));
      await until(
        () => drips.length > 0,
        () => 'the server has no request',
      );
      for (const word of ['one ', 'two ', 'three']) {
        drips[0].write(word);
        await until(
          () => read.endsWith(word),
          () => `the client has read ${read}`,
        );
      }
      drips[0].end();
      await once(gunzip, 'end');
      assert.equal(read, 'one two three');
    });

    await t.test('whole for a client that reads late, and without harm for one that leaves', async () => {
      const leaving = await RawConnection.open(t, port);
      leaving.write('GET /2000000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
      await leaving.head();
      leaving.reset();
      const client = await RawConnection.open(t, port);
      client.socket.pause();
      client.write('GET /2000000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
      const { bytes } = await get(port, '/100000', { 'Accept-Encoding': 'gzip' });
      assert.equal(gunzipSync(bytes).length, 100_000);
      client.socket.resume();
      await client.head();
      const { body: encoded } = await client.chunked();
      assert.ok(gunzipSync(Buffer.from(encoded, 'latin1')).toString() === PROSE.slice(0, 2_000_000));
      client.socket.destroy();
    });
  });
}
