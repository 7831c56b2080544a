/** TLS of listeners, with node:tls clients. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { RawConnection } from './raw.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

interface Site {
  readonly evenkeel: Evenkeel;
  readonly web: number;
  readonly mail: number;
  readonly agreed: number;
  readonly onward: number;
  readonly strict: number;
  readonly certificates: CertificateMaker;
  yaml(certificate: string): string;
}

const MIB = 1024 * 1024;

/** Says what it is asked for, and what it was told. */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { headers, url = '' } = request;
  if (url.startsWith('/bytes/')) {
    response.end('x'.repeat(Number(url.slice('/bytes/'.length))));
    return;
  }
  let length = 0;
  request.on('data', (data: Buffer) => (length += data.length));
  request.on('end', () =>
    response.end(
      JSON.stringify({ proto: headers['x-forwarded-proto'], tls: headers['x-tls'], host: headers.host, length, url }),
    ),
  );
}

async function start(t: TestContext, engine: Engine): Promise<Site> {
  const certificates = new CertificateMaker();
  t.after(() => certificates.remove());
  const one = certificates.make('one', { names: ['one.test', '*.one.test'] });
  const two = certificates.make('two', { names: ['two.test'] });
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  await once(server, 'listening');
  const backend = server.address() as net.AddressInfo;
  const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
  const [web, mail, strict] = [await freePort(), await freePort(), await freePort()];
  const [agreed, onward] = [await freePort(), await freePort()];
  const yaml = (certificate: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${web}"
    tls:
      certificates:
        - { certificate: ${certificate}, key: ${certificate.replace('.pem', '.key')} }
        - { certificate: ${two.certificate}, key: ${two.key} }
      handshake: 1s
    routes:
      - match: { path: { exact: /values } }
        respond: { body: "{scheme} {tls} {tls-version} {tls-cipher} {tls-server-name} {tls-group} [{tls-session}]" }
      - upstream: web
        headers: { request: { set: { X-Tls: "{tls-version}" } } }
  mail:
    protocol: tcp
    bind: "127.0.0.1:${mail}"
    tls: { certificate: ${one.certificate}, key: ${one.key} }
    upstream: mail
  agreed:
    protocol: tcp
    bind: "127.0.0.1:${agreed}"
    tls: { certificate: ${one.certificate}, key: ${one.key}, alpn: [ first, second ] }
    respond: "agreed on {tls-protocol}, of {tls-offered-groups}"
  onward:
    protocol: tcp
    bind: "127.0.0.1:${onward}"
    upstream: agreed
  strict:
    bind: "127.0.0.1:${strict}"
    tls: { certificate: ${one.certificate}, key: ${one.key}, unknown-name: refuse, plain-http: redirect, profile: modern }
    routes: [ { upstream: web } ]
upstreams:
  web: { servers: [ "127.0.0.1:${backend.port}" ] }
  mail: { servers: [ "127.0.0.1:${echo.port}" ] }
  agreed: { servers: [ "127.0.0.1:${agreed}" ], tls: { verify: false, alpn: [ other, second ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml(one.certificate), { engine, workers: 2, hasSocket: true });
  return { evenkeel, web, mail, agreed, onward, strict, certificates, yaml };
}

async function open(t: TestContext, port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'one.test',
    rejectUnauthorized: false,
    ...options,
  });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

function ask(port: number, options: https.RequestOptions, body?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      { port, host: '127.0.0.1', servername: 'one.test', rejectUnauthorized: false, ...options },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve(Buffer.concat(parts).toString()));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function received(socket: net.Socket, length: number): Promise<string> {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  await until(() => text.length >= length);
  return text;
}

async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  await once(socket, 'end');
  socket.destroy();
  return text;
}

function subjectOf(socket: tls.TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}

for (const engine of ENGINES) {
  test(`[${engine}] TLS of listeners`, engineSkip(engine), async (t) => {
    const site = await start(t, engine);
    const { evenkeel, web, mail, agreed, onward, strict } = site;

    await t.test('both versions; the server hears that it was https, whatever the client claims', async () => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const options = {
          minVersion: version,
          maxVersion: version,
          headers: { 'X-Forwarded-Proto': 'ftp', 'X-Tls': 'no' },
        };
        assert.deepEqual(JSON.parse(await ask(web, { ...options, path: '/a' })), {
          proto: 'https',
          tls: version,
          host: `127.0.0.1:${web}`,
          length: 0,
          url: '/a',
        });
      }
      assert.match(
        await ask(web, { path: '/values' }),
        /^https on TLSv1\.3 TLS_[A-Z0-9_]+ one\.test X25519(MLKEM768)? \[[0-9a-f]{64}\]$/,
      );
    });

    await t.test('the certificate goes by the name that is asked for', async (sub) => {
      for (const [servername, subject] of [
        ['one.test', 'one'],
        ['a.one.test', 'one'],
        ['two.test', 'two'],
        ['other.test', 'one'],
      ]) {
        const socket = await open(sub, web, { servername });
        assert.equal(subjectOf(socket), subject, servername);
      }
      await assert.rejects(open(sub, strict, { servername: 'other.test' }), /unrecognized name/);
      await assert.rejects(open(sub, strict, { maxVersion: 'TLSv1.2' }), /version/);
      assert.equal((await open(sub, strict)).alpnProtocol, false);
      assert.equal((await open(sub, web, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1');
      await assert.rejects(open(sub, web, { ALPNProtocols: ['h2'] }), /alert/);
      // a hello of 60 KiB
      const many = Array.from({ length: 240 }, (_, i) => `${i}`.padStart(250, 'x'));
      assert.equal((await open(sub, web, { ALPNProtocols: [...many, 'http/1.1'] })).alpnProtocol, 'http/1.1');
    });

    await t.test('TCP: a protocol is agreed on with clients and with servers', async (sub) => {
      for (const [offered, found] of [
        [['second', 'first'], 'first'],
        [['other', 'second'], 'second'],
        [[], ''],
      ] as const) {
        const socket = await open(sub, agreed, { ALPNProtocols: [...offered], ecdhCurve: 'P-384:P-256' });
        assert.equal(await readAll(socket), `agreed on ${found}, of secp384r1:prime256v1`);
      }
      await assert.rejects(open(sub, agreed, { ALPNProtocols: ['other'] }), /alert/);
      const plain = net.connect(onward, '127.0.0.1');
      assert.match(await readAll(plain), /^agreed on second, of /);
    });

    await t.test('a session goes on with any proxy', async (sub) => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const first = await open(sub, web, { minVersion: version, maxVersion: version });
        let session: Buffer | undefined = first.getSession();
        first.on('session', (each: Buffer) => (session = each));
        first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await received(first, 1);
        // connections come to both proxies in no order
        for (let i = 0; i < 8; i++) {
          const next = await open(sub, web, {
            session,
            minVersion: version,
            maxVersion: version,
          });
          assert.ok(next.isSessionReused(), version);
          // a ticket of 1.3 is used once: each connection brings the next one
          if (version === 'TLSv1.3') [session] = (await once(next, 'session')) as [Buffer];
          next.destroy();
        }
      }
    });

    await t.test('large bodies in both directions, and many requests of one connection', async () => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      for (const length of [0, 1, 16_384, 16_385, 100_000, 3 * MIB]) {
        const said = await ask(web, { agent, method: 'POST' }, Buffer.alloc(length, 65));
        assert.equal((JSON.parse(said) as { length: number }).length, length);
        assert.equal((await ask(web, { agent, path: `/bytes/${length}` })).length, length);
      }
      agent.destroy();
    });

    await t.test('an upgrade, and TCP, are relayed, with the end of each direction', async (sub) => {
      const upgraded = await open(sub, web);
      upgraded.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
      assert.match(await received(upgraded, 20), /^HTTP\/1\.1 101 /);
      upgraded.write('over the line');
      assert.match(await received(upgraded, 13), /over the line$/);
      const mailed = await open(sub, mail, { allowHalfOpen: true } as tls.ConnectionOptions);
      const bytes = Buffer.alloc(2 * MIB, 66);
      const whole = received(mailed, bytes.length);
      const ended = once(mailed, 'end');
      mailed.end(bytes);
      assert.equal((await whole).length, bytes.length);
      await ended;
    });

    await t.test('HTTP in clear gets an answer that says what is wrong', async (sub) => {
      const refused = await RawConnection.open(sub, web);
      refused.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const { status, body } = await refused.response();
      assert.equal(status, 400);
      assert.match(body, /HTTPS/);
      const redirected = await RawConnection.open(sub, strict);
      redirected.write('GET /a?b HTTP/1.1\r\nHost: one.test:80\r\n\r\n');
      const response = await redirected.response();
      assert.equal(response.status, 308);
      assert.equal(response.get('location'), `https://one.test:${strict}/a?b`);
    });

    await t.test(
      'who says nothing, or half of a hello, or nonsense, is let go; others are served meanwhile',
      async (sub) => {
        const silent = net.connect(web, '127.0.0.1');
        const half = net.connect(web, '127.0.0.1');
        const wild = net.connect(web, '127.0.0.1');
        const gone = [silent, half, wild].map((socket) => {
          sub.after(() => socket.destroy());
          socket.on('error', () => undefined).resume();
          return new Promise((resolve) => socket.on('close', resolve));
        });
        half.write(Buffer.from('160301020001', 'hex'));
        wild.write(Buffer.alloc(1000, 0x17));
        assert.match(await ask(web, {}), /https/);
        const killed = net.connect(web, '127.0.0.1');
        killed.write(Buffer.from('1603010200010001fc0303', 'hex'), () => killed.resetAndDestroy());
        await Promise.all(gone);
        await until(() => /TLS handshakes? .*came to nothing/.test(evenkeel.stderr));
      },
    );

    await t.test('another certificate is taken by a reload; who is connected stays', async (sub) => {
      const standing = await open(sub, web);
      const next = site.certificates.make('next', { names: ['one.test'] });
      const ended = new Promise((resolve) => standing.on('end', resolve));
      writeFileSync(evenkeel.file, site.yaml(next.certificate));
      await reload(evenkeel);
      assert.equal(subjectOf(await open(sub, web)), 'next');
      standing.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.match(await received(standing, 20), /^HTTP\/1\.1 200 /);
      await ended;
    });

    await t.test('nothing of a key is in a status or a log', () => {
      const key = readFileSync(site.certificates.path('one.key'), 'utf8').split('\n')[1];
      assert.ok(!evenkeel.stderr.includes(key) && !evenkeel.stdout.includes(key));
    });
  });
}
