/** WebSocket over HTTP/2 (RFC 8441), on either side of the proxy, as node:http2 speaks it. What passes through a tunnel is no matter of WebSocket. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { browserOptions, openPage } from './browser.ts';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

interface Server {
  readonly address: string;
  /** Heads that have asked for a tunnel. */
  readonly asked: Record<string, string | undefined>[];
  /** Ends of tunnels. */
  readonly tunnels: (net.Socket | http2.ServerHttp2Stream)[];
}

async function serve(t: TestContext, server: net.Server, close: () => void): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    close();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, asked: [], tunnels: [] };
}

/** Speaks HTTP/1. By the end of the path: `/bad` says the wrong thing to the key, `/plain` and `/no` do not switch, others echo. */
async function serve1(t: TestContext): Promise<Server> {
  const web = http.createServer((request, response) => {
    if (request.url!.endsWith('/no')) response.writeHead(403);
    response.end('plain');
  });
  const server = await serve(t, web, () => web.closeAllConnections());
  web.on('upgrade', (request, socket: net.Socket, head) => {
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    const { headers, method, url } = request;
    server.asked.push({ ...(headers as Record<string, string>), method });
    if (/(plain|no)$/.test(url!)) {
      const status = url!.endsWith('/no') ? '403 Forbidden' : '200 OK';
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain`);
      return;
    }
    const accept = acceptOf(url!.endsWith('/bad') ? 'other' : String(headers['sec-websocket-key']));
    const chosen = headers['sec-websocket-protocol'] === undefined ? '' : 'Sec-WebSocket-Protocol: chat\r\n';
    const lines = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${chosen}`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    server.tunnels.push(socket);
    if (head.length > 0) socket.write(head);
    if (!url!.endsWith('/quiet')) socket.pipe(socket);
  });
  return server;
}

/** Speaks HTTP/2. */
async function serve2(t: TestContext, enableConnectProtocol: boolean): Promise<Server> {
  const web = http2.createServer({ settings: { enableConnectProtocol } });
  const sessions = new Set<http2.ServerHttp2Session>();
  web.on('session', (one) => sessions.add(one));
  const server = await serve(t, web, () => sessions.forEach((one) => one.destroy()));
  web.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':method'] !== 'CONNECT') {
      stream.respond({ ':status': 200 });
      stream.end(`plain ${headers[':method']} ${headers['upgrade'] ?? 'without'}`);
      return;
    }
    server.asked.push(headers as Record<string, string>);
    if (headers[':path']!.endsWith('/no')) {
      stream.respond({ ':status': 403 });
      stream.end('plain');
      return;
    }
    stream.respond({
      ':status': 200,
      // which means nothing here, and is no client's answer
      'sec-websocket-accept': acceptOf('other'),
      ...(headers['sec-websocket-protocol'] ? { 'sec-websocket-protocol': 'chat' } : {}),
    });
    server.tunnels.push(stream);
    if (!headers[':path']!.endsWith('/quiet')) stream.pipe(stream);
  });
  return server;
}

function connect(path: string): http2.OutgoingHttpHeaders {
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':authority': 'a.test',
    ':path': path,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'chat',
  };
}

/** A tunnel of a client of HTTP/2 that has begun. */
async function open2(client: http2.ClientHttp2Session, path: string): Promise<http2.ClientHttp2Stream> {
  const stream = client.request(connect(path), { endStream: false });
  stream.on('error', () => undefined);
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
  assert.equal(head[':status'], 200);
  assert.equal(head['sec-websocket-protocol'], 'chat');
  for (const name of ['sec-websocket-accept', 'upgrade', 'connection']) assert.equal(head[name], undefined, name);
  return stream;
}

/** The same of a client of HTTP/1. */
async function open1(port: number, path: string): Promise<net.Socket> {
  const headers = {
    host: 'a.test',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': KEY,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'chat',
  };
  const request = http.get({ port, host: '127.0.0.1', path, agent: false, headers });
  const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
  assert.equal(response.statusCode, 101);
  assert.equal(response.headers.upgrade, 'websocket');
  assert.equal(response.headers['sec-websocket-accept'], acceptOf(KEY));
  assert.equal(response.headers['sec-websocket-protocol'], 'chat');
  socket.on('error', () => undefined);
  return socket;
}

/** Sends it, and expects it back. */
async function echo(tunnel: net.Socket | http2.ClientHttp2Stream, bytes: Buffer): Promise<void> {
  const parts: Buffer[] = [];
  let length = 0;
  const isBack = new Promise<void>((resolve, reject) => {
    const take = (data: Buffer): void => {
      parts.push(data);
      length += data.length;
      if (length < bytes.length) return;
      tunnel.off('data', take);
      resolve();
    };
    tunnel.on('data', take);
    tunnel.once('close', () => reject(new Error(`closed after ${length} bytes`)));
  });
  tunnel.write(bytes);
  await isBack;
  assert.ok(Buffer.concat(parts).equals(bytes), `${bytes.length} bytes`);
}

for (const engine of ENGINES) {
  test(`[${engine}] WebSocket over HTTP/2`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const [one, two, old] = [await serve1(t), await serve2(t, true), await serve2(t, false)];
    const log = join(temporaryDirectory(t), 'chosen');
    const yaml = `
access-logs:
  chosen: { file: "${log}", format: "{path} {sent:Sec-WebSocket-Protocol}" }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    access-log: chosen
    routes:
      - { match: { path: /one/off }, upstream: one, upgrade: false }
      - { match: { path: /one }, upstream: one }
      - { match: { path: /two }, upstream: two }
      - { match: { path: /old }, upstream: old }
      - { match: { path: /counted }, upstream: one, limits: { connections: [ { of: open, max: 1 } ] } }
      - { respond: { body: own } }
upstreams:
  one: { servers: [ "${one.address}" ] }
  two: { protocol: http2, servers: [ "${two.address}" ] }
  old: { protocol: http2, servers: [ "${old.address}" ] }
limiters: { open: {} }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const client = await session(t, port);
    if (client.remoteSettings.enableConnectProtocol !== true) await once(client, 'remoteSettings');
    assert.equal(client.remoteSettings.enableConnectProtocol, true);
    const open = (side: 1 | 2, path: string): Promise<net.Socket | http2.ClientHttp2Stream> =>
      side === 1 ? open1(port, path) : open2(client, path);
    const status = async (path: string, more: http2.OutgoingHttpHeaders = {}): Promise<string> => {
      const reply = await ask(client, { ...connect(path), ...more });
      return `${reply.status} ${reply.body.split('\n')[0]}`;
    };
    const ways = [
      { side: 2, path: '/one', server: one },
      { side: 1, path: '/two', server: two },
      { side: 2, path: '/two', server: two },
    ] as const;

    await t.test('what one side says the other hears, in any size', async () => {
      for (const { side, path, server } of ways) {
        const tunnel = await open(side, `${path}?x=1`);
        const asked = server.asked.pop()!;
        assert.equal(asked['sec-websocket-version'], '13');
        assert.equal(asked[':method'] ?? asked['method'], server === one ? 'GET' : 'CONNECT');
        assert.equal(asked[':protocol'] ?? asked['upgrade'], 'websocket');
        assert.equal(asked['sec-websocket-key'] !== undefined, server === one);
        for (const size of [1, 125, 5000, 70_000, 3_000_000]) await echo(tunnel, randomBytes(size));
        tunnel.destroy();
      }
    });

    await t.test('many at the same time, over one connection on each side', async () => {
      const tunnels = await Promise.all(Array.from({ length: 40 }, (_, i) => open2(client, i % 2 ? '/two' : '/one')));
      await Promise.all(tunnels.map((tunnel) => echo(tunnel, randomBytes(100_000))));
      for (const tunnel of tunnels) tunnel.close(http2.constants.NGHTTP2_CANCEL);
    });

    await t.test('what comes before the answer waits for it', async () => {
      for (const path of ['/one', '/two']) {
        const stream = client.request(connect(path), { endStream: false });
        stream.on('error', () => undefined);
        await echo(stream, Buffer.from('early'));
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    });

    await t.test('each side ends for itself', async () => {
      for (const { side, path, server } of ways) {
        const tunnel = await open(side, `${path}/quiet`);
        const far = server.tunnels.at(-1)!;
        let heard = '';
        far.on('data', (data: Buffer) => (heard += data.toString()));
        tunnel.end('last words');
        await once(far, 'end');
        assert.equal(heard, 'last words');
        let said = '';
        tunnel.on('data', (data: Buffer) => (said += data.toString()));
        far.end('heard');
        await once(tunnel, 'end');
        assert.equal(said, 'heard');
      }
    });

    await t.test('a reset goes through in both directions', async () => {
      for (const { side, path, server } of ways) {
        for (const whose of ['client', 'server'] as const) {
          const tunnel = await open(side, path);
          const far = server.tunnels.at(-1)!;
          const [here, there] = whose === 'client' ? [tunnel, far] : [far, tunnel];
          const isOver = new Promise((resolve) => there.once('close', resolve));
          there.resume();
          if ('resetAndDestroy' in here) here.resetAndDestroy();
          // `close` would say the end of its side first
          else here.destroy(new Error('reset'));
          await isOver;
          if (!('resetAndDestroy' in there)) assert.equal(there.rstCode, http2.constants.NGHTTP2_CANCEL);
        }
      }
    });

    await t.test('who does not switch answers as ever; no answer of another kind is consent', async () => {
      assert.equal(await status('/one/no'), '403 plain');
      assert.equal(await status('/two/no'), '403 plain');
      assert.equal(await status('/one/plain'), '501 plain');
      assert.equal(await status('/one/off'), '501 plain');
      assert.equal(await status('/old'), '501 plain GET without');
      assert.equal(await status('/own'), '501 own');
      assert.match(await status('/one/bad'), /^502 /);
      assert.match(await status('/one', { ':protocol': 'connect-udp' }), /^501 /);
      const old = await new Promise<string>((resolve, reject) => {
        const headers = { host: 'a.test', connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': KEY };
        const request = http.get({ port, host: '127.0.0.1', path: '/old', agent: false, headers }, (response) => {
          response.on('data', (data: Buffer) => resolve(`${response.statusCode} ${data.toString()}`));
        });
        request.on('error', reject);
      });
      assert.equal(old, '200 plain GET without');
    });

    await t.test('a tunnel counts until it ends', async () => {
      const tunnel = await open2(client, '/counted');
      assert.equal((await ask(client, connect('/counted'))).status, 429);
      const isOver = new Promise((resolve) => tunnel.once('close', resolve));
      tunnel.close(http2.constants.NGHTTP2_CANCEL);
      await isOver;
      await until(async () => {
        const again = client.request(connect('/counted'), { endStream: false });
        again.on('error', () => undefined);
        const [head] = (await once(again, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
        again.close(http2.constants.NGHTTP2_CANCEL);
        return head[':status'] === 200;
      });
    });

    await t.test('fields of its response are in access logs', async () => {
      const tunnel = await open2(client, '/one/logged');
      tunnel.close(http2.constants.NGHTTP2_CANCEL);
      await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('/one/logged chat\n'));
    });

    await t.test('a lost connection of either side ends its tunnels', async () => {
      const other = await session(t, port);
      if (other.remoteSettings.enableConnectProtocol !== true) await once(other, 'remoteSettings');
      const first = await open2(other, '/one');
      const far = one.tunnels.at(-1)!;
      const isOver = new Promise((resolve) => far.once('close', resolve));
      far.resume();
      other.destroy();
      await isOver;
      first.destroy();
      const tunnel = await open2(client, '/two');
      const isClosed = new Promise((resolve) => tunnel.once('close', resolve));
      (two.tunnels.at(-1) as http2.ServerHttp2Stream).session!.destroy();
      await isClosed;
      await echo(await open2(client, '/two'), Buffer.from('and on'));
    });
  });
}

test('a browser opens its WebSocket on the connection that it has', browserOptions, async (t) => {
  const port = await freePort();
  const certificates = new CertificateMaker();
  t.after(() => certificates.remove());
  const { certificate, key } = certificates.make('web', { names: ['a.test'], addresses: ['127.0.0.1'] });
  const web = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>here</title>');
  });
  const sockets = new WebSocketServer({ server: web });
  sockets.on('connection', (socket) =>
    socket.on('message', (data) => socket.send(`you said ${(data as Buffer).toString()}`)),
  );
  const server = await serve(t, web, () => {
    sockets.close();
    web.closeAllConnections();
  });
  const log = join(certificates.folder, 'access.log');
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    tls: { certificates: [ { certificate: ${certificate}, key: ${key} } ] }
    access-log: all
    routes: [ { upstream: web } ]
upstreams: { web: { servers: [ "${server.address}" ] } }
access-logs: { all: { file: ${log}, format: "{protocol} {path} {status}" } }
`;
  await Evenkeel.start(t, yaml, { workers: 1 });
  const { page } = await openPage(t, { ignoreHTTPSErrors: true });
  await page.goto(`https://127.0.0.1:${port}/page`);
  const said = await page.evaluate(
    `new Promise((resolve, reject) => {
      const socket = new WebSocket(location.origin.replace('https', 'wss') + '/socket');
      socket.onerror = () => reject(new Error('no socket'));
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => { socket.close(); resolve(data); };
    })`,
  );
  assert.equal(said, 'you said hello');
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('/socket'));
  assert.match(readFileSync(log, 'utf8'), /^HTTP\/2\.0 \/page 200\n(?:.*favicon.*\n)?HTTP\/2\.0 \/socket 101$/m);
});
