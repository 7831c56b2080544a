/** HTTP/2 towards servers, as node:http2 speaks it, from clients of HTTP/1 and of HTTP/2; and servers that break its rules. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PUSH_PROMISE,
  FRAME_SETTINGS,
} from '../src/wire/http2/frame.ts';
import { EVENT_HEADERS, EVENT_MORE, FrameReader } from '../src/wire/http2/frame-reader.ts';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, get } from './evenkeel.ts';
import { ask, frame, session } from './http2-client.ts';
import { Change } from './waiting.ts';

const MIB = 1024 * 1024;

/** A server, and what it has seen. */
interface Seen {
  readonly address: string;
  sessions: number;
  pings: number;
  refused: number;
  readonly open: Set<http2.ServerHttp2Session>;
  /** Of requests that it has not answered, to be answered by the test. */
  readonly held: http2.ServerHttp2Stream[];
  readonly change: Change;
}

async function serve(t: TestContext, server: http2.Http2Server | http2.Http2SecureServer): Promise<Seen> {
  const seen: Seen = {
    address: '',
    sessions: 0,
    pings: 0,
    refused: 0,
    open: new Set(),
    held: [],
    change: new Change(),
  };
  server.on('session', (one: http2.ServerHttp2Session) => {
    seen.sessions++;
    seen.open.add(one);
    one.on('close', () => seen.open.delete(one));
    one.on('error', () => undefined);
    one.on('ping', () => {
      seen.pings++;
      seen.change.wake();
    });
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    answer(stream, headers, seen);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const one of seen.open) one.destroy();
    server.close();
  });
  return Object.assign(seen, { address: `127.0.0.1:${(server.address() as net.AddressInfo).port}` });
}

function answer(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, seen: Seen): void {
  const path = String(headers[':path']);
  const bytes = /^\/bytes\/(\d+)/.exec(path);
  if (bytes !== null) {
    stream.respond({ ':status': 200, 'content-length': Number(bytes[1]) });
    stream.end(Buffer.alloc(Number(bytes[1]), 'x'));
  } else if (path === '/echo') {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  } else if (path === '/a.B/C') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  } else if (path === '/trailers') {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
    stream.end('body');
  } else if (path === '/only') stream.respond({ ':status': 200, 'x-sum': '0' }, { endStream: true });
  else if (path === '/none') stream.respond({ ':status': 204 }, { endStream: true });
  else if (path === '/early') {
    stream.respond({ ':status': 403, 'content-length': 2 });
    stream.end('no');
  } else if (path === '/hints') {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('behind hints');
  } else if (path === '/refuse') {
    seen.refused++;
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  } else if (path.startsWith('/a.B/Says')) {
    seen.refused++;
    const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': path.slice('/a.B/Says'.length) };
    stream.respond(head, { endStream: true });
  } else if (path === '/reset') stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  else if (path === '/bye') {
    stream.respond({ ':status': 200 });
    stream.end('bye');
    stream.session?.close();
  } else if (path.startsWith('/hold')) {
    seen.held.push(stream);
    seen.change.wake();
  } else {
    const hash = createHash('sha256');
    let length = 0;
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('trailers', (fields: http2.IncomingHttpHeaders) => (trailers = fields));
    stream.on('data', (data: Buffer) => {
      length += data.length;
      hash.update(data);
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ headers, length, sum: hash.digest('hex'), trailers }));
    });
  }
}

function sumOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** A request of HTTP/1 whose body comes in chunks, with trailers. */
function post(port: number, path: string, body: Buffer, trailers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { port, host: '127.0.0.1', path, method: 'POST', agent: false, headers: { host: 'a.test' } },
      (response) => {
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString('latin1')));
        response.on('end', () => resolve(`${response.statusCode} ${text}`));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    if (Object.keys(trailers).length > 0) request.addTrailers(trailers);
    request.write(body.subarray(0, 10));
    request.end(body.subarray(10));
  });
}

/** A server whose every frame is the test's. `play`: what it does with a connection where a request has come. */
async function rawServer(
  t: TestContext,
  play: (socket: net.Socket) => void,
): Promise<{ address: string; count: number }> {
  const sockets = new Set<net.Socket>();
  const raw = { address: '', count: 0 };
  const server = net.createServer((socket) => {
    raw.count++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(frame(FRAME_SETTINGS, 0, 0));
    const reader = new FrameReader(true);
    socket.on('data', (data: Buffer) => {
      for (let at = 0; ;) {
        at = reader.next(data, at, data.length);
        if (reader.event === EVENT_MORE) return;
        if (reader.event === EVENT_HEADERS && reader.isLast) play(socket);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(raw, { address: `127.0.0.1:${(server.address() as net.AddressInfo).port}` });
}

function at(path: string, more: http2.OutgoingHttpHeaders = {}): http2.OutgoingHttpHeaders {
  return { ':path': path, ':authority': 'a.test', ...more };
}

function of(name: string, path = '/'): http2.OutgoingHttpHeaders {
  return at(path, { ':authority': `${name}.test` });
}

const OK = '\x88'; // :status: 200
const ANSWER = frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, OK);
const NO_STREAMS = frame(FRAME_SETTINGS, 0, 0, '\0\x03\0\0\0\0'); // MAX_CONCURRENT_STREAMS: 0

interface Started {
  readonly port: number;
  readonly evenkeel: Evenkeel;
}

async function start(t: TestContext, engine: Engine, upstreams: string, names: readonly string[]): Promise<Started> {
  const port = await freePort();
  const routes = names
    .map(
      (name) =>
        `      - { match: { host: ${name}.test }, upstream: ${name}, retry: { on: [connect, grpc-unavailable] } }`,
    )
    .join('\n');
  const evenkeel = await Evenkeel.start(
    t,
    `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    via: here
    routes:
${routes}
upstreams:
${upstreams}
`,
    { engine, workers: 1 },
  );
  return { port, evenkeel };
}

for (const engine of ENGINES) {
  test(`[${engine}] servers that speak HTTP/2 in clear`, engineSkip(engine), async (t) => {
    const seen = await serve(t, http2.createServer({ settings: { maxConcurrentStreams: 10 } }));
    const other = await serve(t, http2.createServer());
    const silent = await rawServer(t, () => undefined);
    const { port } = await start(
      t,
      engine,
      `
  a: { protocol: http2, servers: [ "${seen.address}" ] }
  b: { protocol: http2, servers: [ "${seen.address}", "${other.address}" ] }
  c: { protocol: http2, timeouts: { response: 500ms }, servers: [ "${seen.address}" ] }
  d: { protocol: http2, timeouts: { response: 1h }, ping: { idle: 1s, timeout: 100ms }, servers: [ "${silent.address}" ] }
  e: { protocol: http2, ping: { idle: 1s, timeout: 60s }, servers: [ "${seen.address}" ] }
`,
      ['a', 'b', 'c', 'd', 'e'],
    );
    const client = await session(t, port);
    const old = (path: string, headers: Record<string, string> = {}): Promise<[number, string, http.IncomingMessage]> =>
      new Promise((resolve, reject) => {
        const options = {
          port,
          host: '127.0.0.1',
          path,
          agent: false,
          headers: { host: 'a.test', ...headers },
        } as const;
        http
          .get(options, (response) => {
            let body = '';
            response.on('data', (data: Buffer) => (body += data.toString('latin1')));
            response.on('end', () => resolve([response.statusCode ?? 0, body, response]));
          })
          .on('error', reject);
      });

    await t.test('heads pass', async () => {
      for (const said of [JSON.parse((await old('/x?y=1'))[1]), JSON.parse((await ask(client, at('/x?y=1'))).body)]) {
        const { headers } = said;
        assert.equal(headers[':path'], '/x?y=1');
        assert.equal(headers[':authority'], 'a.test');
        assert.equal(headers[':scheme'], 'http');
        assert.equal(headers['te'], 'trailers');
        assert.equal(headers['x-forwarded-for'], '127.0.0.1');
        for (const name of ['host', 'connection', 'transfer-encoding']) assert.equal(headers[name], undefined, name);
      }
      assert.equal((await ask(client, at('/'))).headers.via, '2.0 here');
      assert.equal((await old('/'))[2].headers.via, '2.0 here');
    });

    await t.test('bodies and trailers pass in both directions', async () => {
      const body = Buffer.alloc(3 * MIB, 'abc');
      const said = await ask(client, at('/', { ':method': 'POST' }), body, { 'x-check': 'yes' });
      const { length, sum, trailers } = JSON.parse(said.body);
      assert.deepEqual(
        { length, sum, check: trailers['x-check'] },
        { length: body.length, sum: sumOf(body), check: 'yes' },
      );
      const text = await post(port, '/', body, { 'x-check': 'old' });
      assert.equal(JSON.parse(text.slice(4)).sum, sumOf(body));
      assert.equal(JSON.parse(text.slice(4)).trailers['x-check'], 'old');
      assert.equal((await ask(client, at('/echo', { ':method': 'POST' }), 'small')).body, 'small');
      const large = await ask(client, at(`/bytes/${5 * MIB}`));
      assert.equal(large.body.length, 5 * MIB);
      assert.equal((await old(`/bytes/${5 * MIB}`))[1].length, 5 * MIB);
      assert.equal((await ask(client, at('/trailers'))).trailers['x-sum'], '42');
      const [, oldBody, response] = await old('/trailers');
      assert.deepEqual([oldBody, response.trailers['x-sum']], ['body', '42']);
    });

    await t.test('what has no body, and what comes before a response', async () => {
      assert.equal((await ask(client, at('/only'))).headers['x-sum'], '0');
      const [status, body, response] = await old('/only');
      assert.deepEqual([status, body, response.headers['x-sum']], [200, '', '0']);
      assert.equal((await ask(client, at('/none'))).status, 204);
      assert.equal((await old('/none'))[0], 204);
      assert.equal((await ask(client, at('/bytes/5', { ':method': 'HEAD' }))).headers['content-length'], '5');
      assert.deepEqual((await ask(client, at('/hints'))).interim, [103]);
      assert.equal((await old('/hints'))[1], 'behind hints');
    });

    await t.test('a complete answer to an upload that goes on', async () => {
      assert.match(await post(port, '/early', Buffer.alloc(2 * MIB)), /^403 no/);
      const { body, status } = await ask(client, at('/early', { ':method': 'POST' }), Buffer.alloc(100));
      assert.deepEqual([status, body], [403, 'no']);
    });

    await t.test('few connections, with as many streams as the server takes', async () => {
      const before = seen.sessions;
      const replies = Array.from({ length: 40 }, (_, i) => ask(client, at(`/hold/${i}`)));
      await seen.change.until(
        () => seen.held.length === 40,
        () => `${seen.held.length} of 40 requests`,
      );
      assert.ok(seen.open.size >= 4, 'it takes ten on one connection');
      assert.ok(seen.sessions - before <= 6, `${seen.sessions - before} new connections`);
      for (const stream of seen.held.splice(0)) {
        stream.respond({ ':status': 200 });
        stream.end('late');
      }
      for (const reply of await Promise.all(replies)) assert.deepEqual([reply.status, reply.body], [200, 'late']);
      const after = seen.sessions;
      for (let i = 0; i < 20; i++) await ask(client, at('/'));
      assert.equal(seen.sessions, after, 'they are used again');
    });

    await t.test('one that is not read from holds up no other', async () => {
      client.setLocalWindowSize(16 * MIB);
      const slow = client.request(at(`/bytes/${8 * MIB}`));
      await once(slow, 'response');
      slow.pause();
      const upload = client.request(at('/hold', { ':method': 'POST' }), { endStream: false });
      upload.resume();
      upload.write(Buffer.alloc(MIB));
      await seen.change.until(
        () => seen.held.length === 1,
        () => 'the upload',
      );
      for (let i = 0; i < 20; i++) assert.equal((await ask(client, at('/bytes/70000'))).body.length, 70_000);
      let received = 0;
      slow.on('data', (data: Buffer) => (received += data.length));
      slow.resume();
      await once(slow, 'end');
      assert.equal(received, 8 * MIB);
      seen.held.splice(0)[0].close();
      await once(
        upload.on('error', () => undefined),
        'close',
      );
    });

    await t.test('a server that goes in order loses no request', async () => {
      const sent = Array.from({ length: 30 }, async (_, i) => {
        for (let round = 0; round < 5; round++) {
          if (i === 0) assert.equal((await ask(client, at('/bye'))).body, 'bye');
          const { status } = await ask(client, at('/', { ':method': 'POST' }), 'not idempotent');
          assert.equal(status, 200);
        }
      });
      await Promise.all(sent);
    });

    await t.test('what a server refuses goes to another one, whatever the method', async () => {
      const { status } = await ask(client, at('/refuse', { ':authority': 'b.test', ':method': 'POST' }), 'kept');
      assert.equal(status, 502, 'both refuse');
      assert.deepEqual([seen.refused, other.refused], [1, 1]);
    });

    await t.test('calls of gRPC', async () => {
      const call = at('/a.B/C', { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' });
      const unary = await ask(client, call, 'message');
      assert.deepEqual([unary.status, unary.body, unary.trailers['grpc-status']], [200, 'message', '0']);
      const stream = client.request(call, { endStream: false });
      for (const part of ['one', 'two']) {
        stream.write(part);
        const [data] = await once(stream, 'data');
        assert.equal(String(data), part, 'nothing is buffered in either direction');
      }
      const ends = once(stream, 'trailers');
      stream.end();
      assert.equal((await ends)[0]['grpc-status'], '0');
      const lost = await ask(client, { ...call, ':authority': 'nobody.test' }, 'x');
      assert.deepEqual(
        [lost.status, lost.headers['grpc-status'], lost.headers['content-type'], lost.body],
        [200, '12', 'application/grpc', ''],
      );
      assert.match(String(lost.headers['grpc-message']), /^404 Not Found/);
      const late = await ask(client, { ...call, ':path': '/hold', 'grpc-timeout': '100m' }, 'x');
      assert.equal(late.headers['grpc-status'], '4');
      seen.held.length = 0;
    });

    await t.test('a call that a server answers with a status of the rule goes to another one', async () => {
      const call = { ':authority': 'b.test', ':method': 'POST', 'content-type': 'application/grpc' };
      for (const [status, tries] of [
        ['14', 2],
        ['5', 1],
      ] as const) {
        const before = seen.refused + other.refused;
        const { headers } = await ask(client, at(`/a.B/Says${status}`, call), 'message');
        assert.equal(headers['grpc-status'], status, 'the last answer passes');
        assert.equal(seen.refused + other.refused - before, tries, `grpc-status ${status}`);
      }
    });

    await t.test('a server that is silent is asked by PING, and is not waited for without an answer', async () => {
      assert.equal((await ask(client, at('/', { ':authority': 'd.test' }))).status, 504);
      assert.equal(silent.count, 1);
      const reply = ask(client, at('/hold', { ':authority': 'e.test' }));
      await seen.change.until(
        () => seen.pings > 0 && seen.held.length > 0,
        () => `${seen.pings} pings`,
      );
      seen.held.splice(0)[0].respond({ ':status': 200 }, { endStream: true });
      assert.equal((await reply).status, 200, 'who answers is waited for');
    });

    await t.test('a reset is no answer, and silence is none', async () => {
      assert.equal((await ask(client, at('/reset', { ':method': 'POST' }), 'x')).status, 502);
      const { status } = await ask(client, at('/hold', { ':authority': 'c.test', ':method': 'POST' }), 'x');
      assert.equal(status, 504);
      seen.held.length = 0;
      assert.equal((await ask(client, at('/', { ':authority': 'b.test' }))).status, 200);
    });
  });

  test(`[${engine}] servers that speak HTTP/2 over TLS`, engineSkip(engine), async (t) => {
    const certificates = new CertificateMaker();
    t.after(() => certificates.remove());
    const made = certificates.make('one', { names: ['localhost'] });
    const pair = { cert: readFileSync(made.certificate), key: readFileSync(made.key) };
    const both = await serve(t, http2.createSecureServer({ ...pair, allowHTTP1: true }));
    const old = https.createServer(pair, (request, response) => response.end(`old ${request.url}`));
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    t.after(() => old.close().closeAllConnections());
    const oldAddress = `127.0.0.1:${(old.address() as net.AddressInfo).port}`;
    const tls = 'tls: { verify: false }';
    const { port } = await start(
      t,
      engine,
      `
  a: { protocol: http2, ${tls}, servers: [ "${both.address}" ] }
  b: { protocol: auto, ${tls}, servers: [ "${both.address}" ] }
  c: { protocol: auto, ${tls}, servers: [ "${oldAddress}" ] }
  d: { protocol: http2, ${tls}, servers: [ "${oldAddress}" ] }
`,
      ['a', 'b', 'c', 'd'],
    );
    const client = await session(t, port);
    for (const name of ['a', 'b']) {
      const { headers } = JSON.parse((await ask(client, of(name))).body);
      assert.equal(headers[':scheme'], 'https');
      assert.equal((await ask(client, of(name, `/bytes/${MIB}`))).body.length, MIB);
    }
    const before = both.sessions;
    await Promise.all(Array.from({ length: 20 }, () => ask(client, of('b'))));
    assert.equal(both.sessions, before, 'what has chosen HTTP/2 shares connections');
    const replies = await Promise.all(Array.from({ length: 5 }, (_, i) => ask(client, of('c', `/${i}`))));
    assert.deepEqual(
      replies.map(({ body }) => body),
      ['old /0', 'old /1', 'old /2', 'old /3', 'old /4'],
    );
    assert.equal((await ask(client, of('d'))).status, 502, 'it was to speak HTTP/2');
  });

  test(`[${engine}] servers that break the rules of HTTP/2`, engineSkip(engine), async (t) => {
    const plays: readonly (readonly [name: string, play: (socket: net.Socket) => void])[] = [
      ['no HTTP/2', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['a push', (socket) => socket.write(frame(FRAME_PUSH_PROMISE, FLAG_END_HEADERS, 1, '\0\0\0\x02'))],
      ['a stream of its own', (socket) => socket.write(frame(FRAME_HEADERS, FLAG_END_HEADERS, 2, OK))],
      ['a stream that nobody began', (socket) => socket.write(frame(FRAME_HEADERS, FLAG_END_HEADERS, 99, OK))],
      ['data before a head', (socket) => socket.write(frame(FRAME_DATA, 0, 1, 'x'))],
      [
        'a head without status',
        (socket) => socket.write(frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, '\0\x01a\x01b')),
      ],
      [
        'an upper case name',
        (socket) => socket.write(frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, `${OK}\0\x01A\x01b`)),
      ],
      [
        'a frame too long',
        (socket) => socket.write(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1]), Buffer.alloc(70_000)])),
      ],
      [
        'settings without end',
        (socket) => socket.write(Buffer.concat(Array.from({ length: 2000 }, () => frame(FRAME_SETTINGS, 0, 0)))),
      ],
      [
        'pings without end',
        (socket) =>
          socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame(FRAME_PING, 0, 0, '12345678')))),
      ],
      [
        'a head without end',
        (socket) => {
          socket.write(frame(FRAME_HEADERS, 0, 1, OK));
          for (let i = 0; i < 20; i++) socket.write(frame(FRAME_CONTINUATION, 0, 1, '\0\x01a\x01b'));
        },
      ],
      ['a GOAWAY at once', (socket) => socket.write(frame(FRAME_GOAWAY, 0, 0, '\0\0\0\0\0\0\0\x01'))],
    ];
    const servers = await Promise.all(plays.map(([, play]) => rawServer(t, play)));
    const well = await serve(t, http2.createServer());
    const { port, evenkeel } = await start(
      t,
      engine,
      [...servers, well].map(({ address }, i) => `  u${i}: { protocol: http2, servers: [ "${address}" ] }`).join('\n'),
      [...servers.keys(), servers.length].map((i) => `u${i}`),
    );
    const client = await session(t, port);
    for (const [i, [name]] of plays.entries()) {
      const { status } = await ask(client, { ':path': '/', ':authority': `u${i}.test` });
      assert.equal(status, 502, name);
      const { body } = await ask(client, { ':path': '/bytes/10', ':authority': `u${servers.length}.test` });
      assert.equal(body.length, 10, `others go on beside ${name}`);
    }
    assert.equal((await get(port)).status, 404);
    for (const [i, rule] of ['frame-size', 'push-promise', 'stream-id', 'idle-stream'].entries())
      await evenkeel.said(
        new RegExp(
          `warn {2}upstream u${i}: 1 breach of the rules of HTTP/2 by servers reason=http2-server cause="${rule} by 127`,
        ),
      );
  });

  test(
    `[${engine}] a server that takes no more streams on a connection is asked on another one`,
    engineSkip(engine),
    async (t) => {
      const sockets: net.Socket[] = [];
      const early = await rawServer(t, (socket) => socket.write(Buffer.concat([NO_STREAMS, ANSWER])));
      const late = await rawServer(t, (socket) => {
        sockets.push(socket);
        socket.write(ANSWER);
      });
      const upstreams = [early, late].map(
        ({ address }, i) => `  u${i}: { protocol: http2, servers: [ "${address}" ] }`,
      );
      const { port } = await start(t, engine, upstreams.join('\n'), ['u0', 'u1']);
      const client = await session(t, port);
      for (let count = 1; count <= 3; count++) {
        assert.equal((await ask(client, of('u0'))).status, 200);
        assert.equal(early.count, count);
      }
      assert.equal((await ask(client, of('u1'))).status, 200);
      assert.equal(late.count, 1);
      const closed = once(sockets[0], 'close');
      sockets[0].write(NO_STREAMS);
      await closed;
      assert.equal((await ask(client, of('u1'))).status, 200);
      assert.equal(late.count, 2);
    },
  );
}
