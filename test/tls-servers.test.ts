/** TLS to servers: who is believed, what becomes of those who are not, and what is kept for the next connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import type { StatusDocument } from '../src/api/status.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { askSocket } from './control-socket.ts';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get } from './evenkeel.ts';
import { reload } from './reloading.ts';
import { endAfter, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

/** What a server has seen of its connections. */
interface Seen {
  readonly port: number;
  connections: number;
  resumed: number;
  names: (string | false | null)[];
  protocols: (string | false | null)[];
  clients: string[];
}

async function serve(
  t: TestContext,
  options: https.ServerOptions,
  answer: http.RequestListener = (request, response) => response.end(`served ${request.url}`),
): Promise<Seen> {
  const server = https.createServer({ ALPNProtocols: ['http/1.1'], ...options }, answer);
  server.listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const seen: Seen = { port, connections: 0, resumed: 0, names: [], protocols: [], clients: [] };
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket: tls.TLSSocket) => {
    seen.connections++;
    if (socket.isSessionReused()) seen.resumed++;
    seen.names.push((socket as { servername?: string | false }).servername ?? null);
    seen.protocols.push(socket.alpnProtocol);
    seen.clients.push(String(socket.getPeerCertificate().subject?.CN ?? ''));
  });
  return seen;
}

function material({ certificate, key }: { certificate: string; key: string }): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certificate), key: readFileSync(key) };
}

async function statusOf(evenkeel: Evenkeel): Promise<StatusDocument> {
  return askSocket(`${evenkeel.file}.sock`, 'GET', '/v1/status');
}

/** Certificates of one authority, and of one that nobody knows. */
function makeCertificates(t: TestContext): CertificateMaker {
  const certificates = new CertificateMaker();
  t.after(() => certificates.remove());
  certificates.make('ca', { names: [], isAuthority: true });
  certificates.make('other-ca', { names: [], isAuthority: true });
  certificates.make('good', { names: ['good.test', 'localhost'], addresses: ['127.0.0.1'], issuer: 'ca' });
  certificates.make('strange', { names: ['strange.test'], addresses: ['127.0.0.1'], issuer: 'other-ca' });
  certificates.make('expired', { names: ['good.test'], issuer: 'ca', from: -10, until: -1 });
  certificates.make('client', { names: ['client.test'], issuer: 'ca' });
  return certificates;
}

const pathOf = (certificates: CertificateMaker, name: string): { certificate: string; key: string } => ({
  certificate: certificates.path(`${name}.pem`),
  key: certificates.path(`${name}.key`),
});

for (const engine of ENGINES) {
  test(`[${engine}] TLS to HTTP servers`, engineSkip(engine), async (t) => {
    const certificates = makeCertificates(t);
    const ca = certificates.path('ca.pem');
    const good = await serve(t, material(pathOf(certificates, 'good')));
    const strange = await serve(t, material(pathOf(certificates, 'strange')));
    const expired = await serve(t, material(pathOf(certificates, 'expired')));
    const old = await serve(t, { ...material(pathOf(certificates, 'good')), maxVersion: 'TLSv1.2' });
    const careful = await serve(t, {
      ...material(pathOf(certificates, 'good')),
      ca: readFileSync(ca),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const plain = await freePort();
    const clear = net.createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 No\r\n\r\n'));
    clear.listen(plain, '127.0.0.1');
    t.after(() => clear.close());
    const port = await freePort();
    const routes: Readonly<Record<string, string>> = {
      name: `servers: [ "localhost:${good.port}" ], tls: { ca: ${ca} }`,
      address: `servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${ca} }`,
      said: `servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${ca}, server-name: good.test }`,
      wrong: `servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${ca}, server-name: wrong.test }`,
      strange: `servers: [ "127.0.0.1:${strange.port}" ], tls: { ca: ${ca}, server-name: strange.test }`,
      system: `servers: [ "127.0.0.1:${good.port}" ], tls: true`,
      believed: `servers: [ "127.0.0.1:${strange.port}" ], tls: { verify: false }`,
      expired: `servers: [ "127.0.0.1:${expired.port}" ], tls: { ca: ${ca}, server-name: good.test }`,
      old: `servers: [ "127.0.0.1:${old.port}" ], tls: { ca: ${ca}, server-name: good.test }, pool: { idle: 0 }`,
      modern: `servers: [ "127.0.0.1:${old.port}" ], tls: { ca: ${ca}, server-name: good.test, profile: modern }`,
      client: `servers: [ "127.0.0.1:${careful.port}" ], tls: { ca: ${ca}, certificate: ${certificates.path('client.pem')}, key: ${certificates.path('client.key')} }`,
      clear: `servers: [ "127.0.0.1:${plain}" ], tls: { ca: ${ca} }`,
      either: `servers: [ "127.0.0.1:${strange.port}", "127.0.0.1:${good.port}" ], tls: { ca: ${ca} }, passive: {}`,
      fresh: `servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${ca}, server-name: good.test }, pool: { idle: 0 }`,
      whole: `servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${ca}, server-name: good.test, session-reuse: false, sni: false }, pool: { idle: 0 }`,
    };
    const names = Object.keys(routes);
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes: [ ${names.map((name) => `{ match: { path: /${name} }, upstream: ${name} }`).join(', ')} ]
upstreams:
${names.map((name) => `  ${name}: { ${routes[name]} }`).join('\n')}
`,
      { engine, workers: 1, hasSocket: true },
    );

    await t.test('by the name or the address that they are written with, or by another', async () => {
      for (const [name, sent] of [
        ['name', 'localhost'],
        ['address', false],
        ['said', 'good.test'],
      ] as const) {
        const answer = await get(port, `/${name}`);
        assert.deepEqual([answer.status, answer.body], [200, `served /${name}`], evenkeel.stderr);
        assert.equal(good.names.at(-1), sent);
        assert.equal(good.protocols.at(-1), 'http/1.1');
      }
    });

    await t.test('those who are not believed get no request, and it is said why', async () => {
      const answered = strange.connections;
      for (const [name, why] of [
        ['wrong', 'its certificate is not for wrong.test'],
        ['strange', 'nobody whom `ca` has, or this system, has issued its certificate'],
        ['system', 'nobody whom `ca` has, or this system, has issued its certificate'],
        ['expired', "its certificate, or an issuer's, has expired"],
        ['modern', 'it refuses the handshake: '],
        ['clear', 'it does not speak TLS'],
      ] as const) {
        const answer = await get(port, `/${name}`);
        assert.equal(answer.status, 502, name);
        assert.match(answer.body, /^502 Bad Gateway: there is no TLS connection to the server\n/);
        await evenkeel.said(new RegExp(`no TLS connection: ${why.replace(/[.?]/g, '\\$&')}`));
      }
      assert.equal(strange.connections, answered);
    });

    await t.test('with `verify: false` everybody is', async () => {
      assert.equal((await get(port, '/believed')).status, 200);
    });

    await t.test('a client certificate', async () => {
      assert.equal((await get(port, '/client')).status, 200, evenkeel.stderr);
      assert.equal(careful.clients.at(-1), 'client');
    });

    await t.test('connections are kept, and sessions where they are not', async () => {
      const before = good.connections;
      for (let i = 0; i < 5; i++) assert.equal((await get(port, '/said')).status, 200);
      assert.equal(good.connections, before);
      for (const [path, server] of [
        ['/fresh', good],
        ['/old', old],
      ] as const) {
        assert.equal((await get(port, path)).status, 200);
        const { connections, resumed } = server;
        for (let i = 0; i < 5; i++) assert.equal((await get(port, path)).status, 200);
        assert.equal(server.connections - connections, 5);
        assert.equal(server.resumed - resumed, 5, path);
      }
      const { resumed } = good;
      for (let i = 0; i < 3; i++) assert.equal((await get(port, '/whole')).status, 200);
      assert.equal(good.resumed, resumed);
      assert.equal(good.names.at(-1), false);
    });

    await t.test('another server is tried, and the first is taken out', async () => {
      for (let i = 0; i < 8; i++) assert.equal((await get(port, '/either')).status, 200);
      await evenkeel.said(/ejected/);
      const { upstreams } = await statusOf(evenkeel);
      const [server] = upstreams.find(({ name }) => name === 'either')!.servers;
      assert.match(JSON.stringify(server), /no TLS connection: nobody whom/);
    });
  });
}

for (const engine of ENGINES) {
  test(`[${engine}] TLS to servers, their checks and what changes`, engineSkip(engine), async (t) => {
    const certificates = makeCertificates(t);
    const ca = certificates.path('ca.pem');
    const authorities = certificates.join('authorities.pem', 'ca.pem');
    const keys = material(pathOf(certificates, 'good'));
    const echo = await listen(
      t,
      tls.createServer({ ...keys, allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }),
    );
    const { port: silent } = await listen(
      t,
      net.createServer((socket) => socket.on('error', () => undefined)),
    );
    const context = tls.createSecureContext(keys);
    const good = await serve(t, keys);
    // Its header comes in clear, and behind it TLS.
    const headers: string[] = [];
    const behind = await listen(
      t,
      net.createServer((socket) => {
        const inner = net.connect(good.port, '127.0.0.1');
        for (const one of [socket, inner]) one.on('error', () => undefined);
        socket.once('data', (data: Buffer) => {
          const end = data.indexOf('\r\n') + 2;
          headers.push(data.subarray(0, end).toString());
          inner.write(data.subarray(end));
          socket.pipe(inner);
          inner.pipe(socket);
        });
      }),
    );
    // Answers without a length, and ends as it is asked to.
    const cut = await listen(
      t,
      net.createServer((socket) => {
        const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
        secure.on('error', () => undefined);
        socket.on('error', () => undefined);
        secure.once('data', (data: Buffer) => {
          const isWhole = data.toString().includes('whole');
          secure.write('HTTP/1.1 200 OK\r\n\r\nsome of it', () => (isWhole ? secure : socket).end());
        });
      }),
    );
    const expired = await serve(t, material(pathOf(certificates, 'expired')));
    // Answers the first request when it is told to.
    let answerFirst: (() => void) | null = null;
    const slow = await serve(t, keys, (_, response) => {
      if (answerFirst !== null) response.end();
      else answerFirst = () => response.end();
    });
    const [web, tcp] = [await freePort(), await freePort()];
    const yaml = (trusted: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${web}"
    routes: [ ${['silent', 'behind', 'cut', 'checked', 'reloaded', 'replaced', 'slow'].map((name) => `{ match: { path: /${name} }, upstream: ${name} }`).join(', ')} ]
  tcp: { bind: "127.0.0.1:${tcp}", protocol: tcp, upstream: echo }
upstreams:
  echo: { servers: [ "127.0.0.1:${echo.port}" ], tls: { ca: ${ca} }, health: { tcp: true, interval: 500ms, timeout: 10s } }
  silent: { servers: [ "127.0.0.1:${silent}" ], tls: { ca: ${ca} }, timeouts: { connect: 200ms } }
  behind: { servers: [ "127.0.0.1:${behind.port}" ], tls: { ca: ${ca} }, proxy-protocol: v1 }
  cut: { servers: [ "127.0.0.1:${cut.port}" ], tls: { ca: ${ca} } }
  checked:
    servers: [ "127.0.0.1:${good.port}", "127.0.0.1:${expired.port}" ]
    tls: { ca: ${ca}, server-name: good.test }
    health: { http: /health, interval: 500ms, timeout: 10s, fall: 1 }
  reloaded: { servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${trusted} } }
  replaced: { servers: [ "127.0.0.1:${good.port}" ], tls: { ca: ${authorities} } }
  slow: { servers: [ "127.0.0.1:${slow.port}" ], tls: { ca: ${trusted} } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(ca), { engine, workers: 1, hasSocket: true });

    await t.test('TCP, both ways and half closed', async () => {
      const socket = await connect(tcp, { allowHalfOpen: true });
      let said = '';
      socket.on('data', (data) => (said += data.toString()));
      socket.end('x'.repeat(300_000));
      await once(socket, 'end');
      assert.equal(said.length, 300_000);
    });

    await t.test('a server that never answers counts against the time of the connection', async () => {
      assert.equal((await get(web, '/silent')).status, 504);
    });

    await t.test('the PROXY header comes first', async () => {
      assert.equal((await get(web, '/behind')).body, 'served /behind');
      assert.match(headers[0], /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
    });

    await t.test('an end without a word of TLS is none', async () => {
      assert.equal((await get(web, '/cut/whole')).body, 'some of it');
      await assert.rejects(get(web, '/cut/short'));
    });

    await t.test('checks believe whom the proxies believe, and say why not', async () => {
      await evenkeel.said(
        /server checked\/\S+ (still )?down[:,] .*no TLS connection: its certificate, or an issuer's, has expired/,
      );
      const { upstreams } = await statusOf(evenkeel);
      assert.deepEqual([...new Set(upstreams.map((each) => each.tls))], ['verified']);
      const [up, down] = upstreams.find(({ name }) => name === 'checked')!.servers;
      assert.equal(down.state, 'down');
      assert.match(down.reason, /has expired/);
      await until(
        async () =>
          (await statusOf(evenkeel)).upstreams.find(({ name }) => name === 'checked')!.servers[0].lastCheck
            ?.isPassed === true,
      );
      assert.notEqual(up.state, 'down');
      assert.equal((await get(web, '/checked')).status, 200);
    });

    await t.test('other authorities hold for new connections, after a reload and when files are replaced', async () => {
      assert.equal((await get(web, '/reloaded')).status, 200);
      const underWay = get(web, '/slow');
      await until(() => answerFirst !== null);
      writeFileSync(evenkeel.file, yaml(certificates.path('other-ca.pem')));
      assert.equal((await reload(evenkeel)).error, undefined);
      assert.equal((await get(web, '/reloaded')).status, 502);
      // What is under way goes on, and its connection carries nothing more.
      answerFirst!();
      assert.equal((await underWay).status, 200);
      assert.equal((await get(web, '/slow')).status, 502);
      assert.equal((await get(web, '/replaced')).status, 200);
      certificates.join('authorities.pem', 'other-ca.pem');
      await until(async () => (await get(web, '/replaced')).status === 502);
      certificates.join('authorities.pem', 'other-ca.pem', 'ca.pem');
      await until(async () => (await get(web, '/replaced')).status === 200);
    });

    await t.test('over an upgrade', async () => {
      const { pid, error } = await upgrade(evenkeel);
      assert.equal(error, undefined);
      endAfter(t, pid!);
      assert.equal((await get(web, '/replaced')).status, 200);
      assert.equal((await get(web, '/reloaded')).status, 502);
    });

    await t.test('files that cannot be used are an error of a reload', async () => {
      writeFileSync(evenkeel.file, yaml(certificates.path('good.key')));
      assert.match((await reload(evenkeel)).error ?? '', /it has no certificate/);
    });
  });
}

async function listen(t: TestContext, server: net.Server): Promise<net.AddressInfo> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server.address() as net.AddressInfo;
}
