/** HTTP/2 with clients, as node:http2 speaks it, towards servers of HTTP/1. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type http from 'node:http';
import type http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_DATA,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_WINDOW_UPDATE,
} from '../src/wire/http2/frame.ts';
import { SETTING_INITIAL_WINDOW_SIZE } from '../src/wire/http2/settings.ts';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { ask, block, RawHttp2, session } from './http2-client.ts';
import { RawServer } from './raw.ts';
import { until } from './waiting.ts';

const MIB = 1024 * 1024;

function handle(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { headers, method, url = '' } = request;
  if (url.startsWith('/bytes/')) {
    const count = Number(url.slice('/bytes/'.length));
    response.setHeader('content-length', count);
    sendBytes(response, count);
  } else if (url.startsWith('/chunks/')) sendBytes(response, Number(url.slice('/chunks/'.length)));
  else if (url.startsWith('/status/')) response.writeHead(Number(url.slice('/status/'.length))).end();
  else if (url === '/trailers') {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('body');
    response.addTrailers({ 'x-sum': '42' });
    response.end();
  } else if (url === '/hints') {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('behind hints');
  } else {
    const hash = createHash('sha256');
    let length = 0;
    request.on('data', (data: Buffer) => {
      length += data.length;
      hash.update(data);
    });
    request.on('end', () => {
      const said = { method, url, headers, length, sum: hash.digest('hex'), trailers: request.trailers };
      response.end(JSON.stringify(said));
    });
  }
}

function sendBytes(response: http.ServerResponse, count: number): void {
  const part = Buffer.alloc(50_000, 'x');
  const go = (): void => {
    while (count > 0) {
      const bytes = part.subarray(0, count);
      count -= bytes.length;
      if (!response.write(bytes)) {
        response.once('drain', go);
        return;
      }
    }
    response.end();
  };
  go();
}

function to(path: string, more: http2.OutgoingHttpHeaders = {}): http2.OutgoingHttpHeaders {
  return { ':path': path, ':authority': 'a.test', ...more };
}

async function start(t: TestContext, engine: Engine, more = ''): Promise<{ port: number; evenkeel: Evenkeel }> {
  const backend = await startBackend(t, handle);
  const port = await freePort();
  const evenkeel = await Evenkeel.start(
    t,
    `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    via: here
    ${more}
    routes:
      - match: { path: { exact: /own } }
        respond: { body: "{protocol} {host} {header:cookie}" }
      - match: { path: { exact: /away } }
        redirect: { to: "https://b.test/{path}" }
      - match: { path: { exact: /edited } }
        upstream: web
        headers: { response: { set: { X-Added: "yes" } } }
      - match: { path: /none }
        respond: { status: 204 }
      - { match: { host: a.test }, upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
    { engine, workers: 1 },
  );
  return { port, evenkeel };
}

for (const engine of ENGINES) {
  test(`[${engine}] HTTP/2 in clear`, engineSkip(engine), async (t) => {
    const { port } = await start(t, engine);
    const client = await session(t, port);
    await t.test('a request reaches a server of HTTP/1 as one of HTTP/1 would', async () => {
      const { body, code, headers, status } = await ask(
        client,
        to('/hello?x=1', { cookie: ['a=1', 'b=2'], te: 'trailers' }),
      );
      assert.deepEqual({ status, code, via: headers['via'] }, { status: 200, code: 0, via: '1.1 here' });
      const said = JSON.parse(body);
      assert.equal(said.url, '/hello?x=1');
      assert.equal(said.headers.host, 'a.test');
      assert.equal(said.headers.cookie, 'a=1; b=2', 'crumbs are joined');
      assert.equal(said.headers.via, '2.0 here');
      assert.equal(said.headers['x-forwarded-for'], '127.0.0.1');
      assert.equal(said.headers['te'], undefined);
      assert.equal(said.headers['transfer-encoding'], undefined);
      assert.equal(said.headers['content-length'], undefined);
    });

    await t.test('the same listener speaks HTTP/1', async () => {
      assert.equal((await get(port, '/own')).body.split(' ')[0], 'HTTP/1.1');
    });

    await t.test('answers of the proxy itself', async () => {
      assert.equal((await ask(client, to('/own', { cookie: 'a=1' }))).body, 'HTTP/2.0 a.test a=1');
      const away = await ask(client, to('/away'));
      assert.equal(away.status, 302);
      assert.match(String(away.headers.location), /^https:\/\/b\.test\//);
      assert.equal((await ask(client, to('/none'))).status, 204);
      const lost = await ask(client, { ':path': '/', ':authority': 'nobody.test' });
      assert.equal(lost.status, 404);
      assert.match(lost.body, new RegExp(String(lost.headers['x-request-id'])));
    });

    await t.test('what the route changes in responses', async () => {
      assert.equal((await ask(client, to('/edited'))).headers['x-added'], 'yes');
    });

    await t.test('responses without a body', async () => {
      const head = await ask(client, to('/bytes/1000', { ':method': 'HEAD' }));
      assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '1000', '']);
      for (const status of [204, 304]) {
        const reply = await ask(client, to(`/status/${status}`));
        assert.deepEqual([reply.status, reply.body, reply.code], [status, '', 0]);
      }
      assert.equal((await ask(client, to('/own', { ':method': 'HEAD' }))).body, '');
    });

    await t.test('interim responses and trailers, of both sides', async () => {
      const hints = await ask(client, to('/hints'));
      assert.deepEqual([hints.interim, hints.body], [[103], 'behind hints']);
      assert.equal((await ask(client, to('/trailers'))).trailers['x-sum'], '42');
      const posted = await ask(client, to('/post', { ':method': 'POST' }), 'body', { 'x-end': 'of it' });
      const said = JSON.parse(posted.body);
      assert.deepEqual([said.length, said.trailers], [4, { 'x-end': 'of it' }]);
      const empty = await ask(client, to('/post', { ':method': 'POST' }), '', { 'x-end': 'alone' });
      assert.deepEqual(JSON.parse(empty.body).trailers, { 'x-end': 'alone' });
    });

    await t.test('bodies of requests, with and without a length', async () => {
      for (const size of [0, 1, 1000, 70_000, 3 * MIB]) {
        const bytes = randomBytes(size);
        const sum = createHash('sha256').update(bytes).digest('hex');
        for (const more of [{}, { 'content-length': size }]) {
          const { body, status } = await ask(client, to('/post', { ':method': 'POST', ...more }), bytes);
          assert.equal(status, 200);
          const said = JSON.parse(body);
          assert.deepEqual([said.length, said.sum], [size, sum]);
          const framing = 'content-length' in more ? 'content-length' : 'transfer-encoding';
          assert.ok(said.headers[framing] !== undefined, framing);
        }
      }
    });

    await t.test('bodies of responses, many at once', async () => {
      const sizes = [0, 1, 4096, 4097, 16_384, 16_385, 40_000, 200_000, MIB];
      const wanted = [...sizes, ...sizes, ...sizes].map((size, i) => `/${i % 2 === 0 ? 'bytes' : 'chunks'}/${size}`);
      const replies = await Promise.all(wanted.map((path) => ask(client, to(path))));
      replies.forEach(({ body, code, status }, i) => {
        const size = Number(wanted[i].split('/')[2]);
        assert.deepEqual([status, code, body.length, body.replaceAll('x', '')], [200, 0, size, ''], wanted[i]);
      });
    });

    await t.test('CONNECT is refused', async () => {
      const stream = client.request({ ':method': 'CONNECT', ':authority': 'a.test:443' });
      const [headers] = await once(stream, 'response');
      assert.equal(headers[':status'], 501);
      stream.destroy();
    });

    await t.test('a client that does not read one response gets the others', async (t) => {
      const own = await session(t, port);
      own.setLocalWindowSize(16 * MIB);
      const stalled = own.request(to(`/bytes/${8 * MIB}`));
      await once(stalled, 'response');
      stalled.pause();
      for (let i = 0; i < 20; i++) assert.equal((await ask(own, to('/bytes/30000'))).body.length, 30_000);
      let length = 0;
      stalled.on('data', (data: Buffer) => (length += data.length));
      stalled.resume();
      await once(stalled, 'end');
      assert.equal(length, 8 * MIB);
    });
  });

  test(`[${engine}] servers and streams of HTTP/2`, engineSkip(engine), async (t) => {
    const server = await RawServer.start(t);
    const port = await freePort();
    await Evenkeel.start(
      t,
      `
listeners:
  web: { bind: "127.0.0.1:${port}", http2: true, limits: { body: 60KiB }, routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${server.address}" ] } }
`,
      { engine, workers: 1 },
    );

    await t.test(
      'an answer before the end of the request: the client gets all of it, and is told to stop',
      async (t) => {
        server.forget();
        const client = await RawHttp2.open(t, port);
        client.request(1, '/', 'POST', false);
        client.frame(FRAME_DATA, 0, 1, 'some of it');
        const { connection } = await server.exchange();
        await connection.until('some of it');
        connection.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nfull');
        assert.ok((await client.heard('data', 1)).ends);
        assert.equal((await client.heard('reset', 1)).value, 0, 'NO_ERROR');
        client.frame(FRAME_DATA, FLAG_END_STREAM, 1, 'late');
        server.forget();
        client.request(3);
        const next = await server.exchange();
        next.connection.write('HTTP/1.1 204 No Content\r\n\r\n');
        await client.heard('headers', 3);
      },
    );

    await t.test('what a client had no window for comes when it has one, also from a server that pauses', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port, [SETTING_INITIAL_WINDOW_SIZE, 6]);
      client.request(1);
      const { connection } = await server.exchange();
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfour');
      assert.equal((await client.heard('data', 1)).value, 4);
      connection.write('four');
      assert.equal((await client.heard('data', 1)).value, 2);
      client.frame(FRAME_WINDOW_UPDATE, 0, 1, Buffer.of(0, 0, 0, 50));
      assert.equal((await client.heard('data', 1)).value, 2);
    });

    await t.test('a server that breaks off in the middle ends its stream alone', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port);
      client.request(1);
      const { connection } = await server.exchange();
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      await client.heard('data', 1);
      connection.reset();
      assert.notEqual((await client.heard('reset', 1)).value, 0);
      client.frame(FRAME_PING, 0, 0, '12345678');
      await client.heard('ping-ack');
    });

    await t.test('a response whose trailers are wrong is broken off, and none follows it', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port);
      client.request(1);
      const { connection } = await server.exchange();
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nHost: b\r\n\r\n');
      await client.heard('headers', 1);
      await client.heard('data', 1);
      assert.equal((await client.heard('reset', 1)).value, 2, 'INTERNAL_ERROR');
      assert.ok(!client.said.some(({ what }) => what === 'headers'));
    });

    await t.test('a client that resets its request leaves its server free', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port);
      client.request(1);
      const { connection } = await server.exchange();
      client.frame(FRAME_RST_STREAM, 0, 1, Buffer.of(0, 0, 0, 8));
      await connection.ending();
    });

    await t.test('a body that is longer than allowed, and says no length', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port);
      client.request(1, '/', 'POST', false);
      await server.exchange();
      for (let i = 0; i < 4; i++) client.frame(FRAME_DATA, 0, 1, Buffer.alloc(16_000));
      await client.heard('headers', 1);
      const { value } = await client.heard('reset', 1);
      assert.equal(value, 0);
    });

    await t.test('an upload waits for its server, and no other request waits for it', async (t) => {
      server.forget();
      const client = await RawHttp2.open(t, port);
      client.frame(FRAME_HEADERS, FLAG_END_HEADERS, 1, block('/', 'POST', [['content-length', '60000']]));
      const { connection } = await server.exchange();
      connection.socket.pause();
      for (let i = 0; i < 3; i++) client.frame(FRAME_DATA, 0, 1, Buffer.alloc(16_000, 'u'));
      client.request(3);
      const next = await server.exchange();
      next.connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      assert.ok((await client.heard('data', 3)).ends);
      connection.socket.resume();
      client.frame(FRAME_DATA, FLAG_END_STREAM, 1, 'u');
      // that was too little: it does not say what its head says
      assert.equal((await client.heard('reset', 1)).value, 1, 'PROTOCOL_ERROR');
    });
  });

  test(`[${engine}] HTTP/2 over TLS, by ALPN`, engineSkip(engine), async (t) => {
    const certificates = new CertificateMaker();
    t.after(() => certificates.remove());
    const made = certificates.make('one', { names: ['a.test'] });
    const { port } = await start(
      t,
      engine,
      `tls: { certificates: [ { certificate: ${made.certificate}, key: ${made.key} } ] }`,
    );
    const options = { rejectUnauthorized: false, servername: 'a.test' };
    const client = await session(t, `https://127.0.0.1:${port}`, options);
    assert.equal(client.alpnProtocol, 'h2');
    const sizes = [0, 1000, 20_000, MIB];
    const replies = await Promise.all(
      sizes.map((size) => ask(client, { ':path': `/bytes/${size}`, ':authority': 'a.test' })),
    );
    assert.deepEqual(
      replies.map(({ body }) => body.length),
      sizes,
    );
    const posted = await ask(client, { ':path': '/', ':method': 'POST', ':authority': 'a.test' }, Buffer.alloc(MIB));
    assert.deepEqual(
      [JSON.parse(posted.body).length, JSON.parse(posted.body).headers['x-forwarded-proto']],
      [MIB, 'https'],
    );
    client.close();
    await until(() => client.destroyed);
  });
}
