/** Certificates of clients: who comes in, what servers are told, and that a session or another Host leads nowhere else. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { engineSkip, ENGINES, type Engine, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { until } from './waiting.ts';

const PORTS = ['open', 'strict', 'revoking', 'mixed', 'tcp'] as const;
type Port = (typeof PORTS)[number];

interface Site {
  readonly evenkeel: Evenkeel;
  readonly maker: CertificateMaker;
  readonly ports: Readonly<Record<Port, number>>;
}

interface Ask {
  readonly port: Port;
  /** Of the client; without it it has none. */
  readonly as?: string;
  readonly name?: string;
  readonly host?: string;
  readonly path?: string;
  readonly fields?: string;
  readonly version?: tls.SecureVersion;
  readonly session?: Buffer;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

function makeFiles(t: TestContext): CertificateMaker {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('root', { names: [], isAuthority: true, subject: '/O=Example/CN=root' });
  maker.make('middle', { names: [], isAuthority: true, issuer: 'root' });
  maker.make('lower', { names: [], isAuthority: true, issuer: 'middle' });
  maker.make('foreign', { names: [], isAuthority: true });
  maker.make('door', { names: [], issuer: 'root', subject: '/O=Example, Inc/CN=Tür' });
  maker.make('deep', { names: [], issuer: 'middle' });
  maker.make('deeper', { names: [], issuer: 'lower' });
  maker.make('revoked', { names: [], issuer: 'root' });
  maker.make('stranger', { names: [], issuer: 'foreign' });
  maker.make('late', { names: [], issuer: 'root', from: -20, until: -10 });
  maker.join('deep.pem', 'deep.pem', 'middle.pem');
  maker.join('deeper.pem', 'deeper.pem', 'lower.pem', 'middle.pem');
  for (const name of ['site', 'one', 'two', 'free']) maker.make(name, { names: [`${name}.test`, `*.${name}.test`] });
  maker.revoke('none', 'root', []);
  maker.revoke('some', 'root', ['revoked']);
  copyFileSync(maker.path('none.pem'), maker.path('crl.pem'));
  return maker;
}

/** `resuming`: how a listener's `tls` goes on. */
async function start(t: TestContext, engine: Engine, resuming = ''): Promise<Site> {
  const maker = makeFiles(t);
  const server = http
    .createServer((request, response) => response.end(JSON.stringify(request.rawHeaders)))
    .listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const backend = (server.address() as net.AddressInfo).port;
  const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
  const entries = await Promise.all(PORTS.map(async (name) => [name, await freePort()] as const));
  const ports = Object.fromEntries(entries) as Record<Port, number>;
  const pair = (name: string): string => `certificate: ${maker.path(`${name}.pem`)}, key: ${maker.path(`${name}.key`)}`;
  const ca = (name: string): string => `ca: ${maker.path(`${name}.pem`)}`;
  const words = 'verified subject issuer serial fingerprint old-fingerprint not-before not-after days-left certificate';
  const values = words.split(' ').map((word) => `{tls-client-${word}}`);
  const yaml = `
listeners:
  open:
    bind: "127.0.0.1:${ports.open}"
    tls: { ${pair('site')}, client-certificate: { ${ca('root')}, mode: optional }${resuming} }
    routes:
      - { match: { path: { exact: /values } }, respond: { body: "${values.join('|')}" } }
      - { upstream: web, headers: { request: { set: { X-Client: "{tls-client-subject}", X-Verified: "{tls-client-verified}" } } } }
  strict:
    bind: "127.0.0.1:${ports.strict}"
    tls: { ${pair('site')}, client-certificate: { ${ca('root')}, crl: ${maker.path('crl.pem')} }${resuming} }
    routes:
      - match: { path: { exact: /paged } }
        respond: { body: in }
        errors:
          - { status: 496, call: missing }
          - { status: 495, to: /wrong?, answer: 403 }
      - { match: { path: { exact: /wrong } }, internal: true, upstream: web }
      - { name: missing, respond: { body: "{path} {tls-client-verified}" } }
      - { respond: { body: strict } }
  revoking:
    bind: "127.0.0.1:${ports.revoking}"
    tls: { ${pair('site')}, client-certificate: { ${ca('root')}, crl: ${maker.path('crl.pem')} }${resuming} }
    routes: [ { respond: { body: in } } ]
  mixed:
    bind: "127.0.0.1:${ports.mixed}"
    tls:
      certificates:
        - { ${pair('free')} }
        - { ${pair('one')}, client-certificate: { ${ca('root')} } }
        - { ${pair('two')}, client-certificate: { ${ca('foreign')} } }
${resuming.replaceAll(', ', '\n      ')}
    routes: [ { respond: { body: "{host} {tls-client-verified}" } } ]
  tcp:
    protocol: tcp
    bind: "127.0.0.1:${ports.tcp}"
    tls: { ${pair('site')}, client-certificate: { ${ca('root')}, depth: 1 } }
    upstream: tcp
upstreams:
  web: { servers: [ "127.0.0.1:${backend}" ] }
  tcp: { servers: [ "127.0.0.1:${echo.port}" ] }
`;
  return { evenkeel: await Evenkeel.start(t, yaml, { engine, workers: 2, hasSocket: true }), maker, ports };
}

/** What a client of this site is answered; status 0: nothing. */
async function ask(
  { maker, ports }: Site,
  { port, as, name = 'site.test', session, version, ...rest }: Ask,
): Promise<Answer> {
  const { host = name, path = '/', fields = '' } = rest;
  const own =
    as === undefined ? {} : { cert: readFileSync(maker.path(`${as}.pem`)), key: readFileSync(maker.path(`${as}.key`)) };
  const socket = tls.connect({
    port: ports[port],
    host: '127.0.0.1',
    ...(name === '' ? {} : { servername: name }),
    rejectUnauthorized: false,
    ...(session === undefined ? {} : { session }),
    ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
    ...own,
  });
  let text = '';
  let latest: Buffer | undefined;
  let isResumed = false;
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.on('session', (each: Buffer) => (latest = each));
  socket.on('secureConnect', () => {
    isResumed = socket.isSessionReused();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`);
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('close', resolve));
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0),
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
    isResumed,
    session: latest,
  };
}

/** What a client of the TCP listener sends comes back. */
async function isEchoed({ maker, ports }: Site, as?: string): Promise<boolean> {
  const own =
    as === undefined ? {} : { cert: readFileSync(maker.path(`${as}.pem`)), key: readFileSync(maker.path(`${as}.key`)) };
  const socket = tls.connect({ port: ports.tcp, host: '127.0.0.1', rejectUnauthorized: false, ...own });
  socket.on('error', () => undefined);
  socket.write('hello');
  const answer = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => null)]);
  socket.destroy();
  return answer !== null;
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Sessions of each listener at the others. */
async function tryResuming(site: Site): Promise<void> {
  for (const version of VERSIONS) {
    const sessionOf = async (asked: Ask): Promise<Buffer> => {
      const { session } = await ask(site, { ...asked, version });
      assert.ok(session !== undefined);
      return session;
    };
    const resumes = async (session: Buffer, asked: Ask): Promise<readonly [boolean, number]> => {
      const { isResumed, status } = await ask(site, { ...asked, session, version });
      return [isResumed, status];
    };
    const door = await sessionOf({ port: 'strict', as: 'door' });
    assert.deepEqual(
      await resumes(door, { port: 'strict' }),
      [true, 200],
      `${version}: the ticket has the certificate`,
    );
    assert.deepEqual(await resumes(door, { port: 'open' }), [false, 200], `${version}: another mode`);
    const none = await sessionOf({ port: 'open' });
    assert.deepEqual(await resumes(none, { port: 'open' }), [true, 200], version);
    assert.deepEqual(await resumes(none, { port: 'strict' }), [false, 400], `${version}: it has no certificate`);
    const free = await sessionOf({ port: 'mixed', name: 'free.test' });
    assert.deepEqual(await resumes(free, { port: 'mixed', name: 'free.test' }), [true, 200], version);
    assert.deepEqual(await resumes(free, { port: 'mixed', name: 'one.test' }), [false, 400], `${version}: SNI`);
    const one = await sessionOf({ port: 'mixed', name: 'one.test', as: 'door' });
    assert.deepEqual(await resumes(one, { port: 'mixed', name: 'one.test' }), [true, 200], version);
    assert.deepEqual(await resumes(one, { port: 'mixed', name: 'two.test' }), [false, 400], `${version}: another CA`);
    assert.deepEqual(await resumes(one, { port: 'mixed', name: 'free.test' }), [false, 200], `${version}: no policy`);
  }
}

for (const engine of ENGINES) {
  test(`[${engine}] certificates of clients`, engineSkip(engine), async (t) => {
    const site = await start(t, engine);
    const { evenkeel, maker } = site;
    const statusOf = async (asked: Ask): Promise<number> => (await ask(site, asked)).status;

    await t.test('who comes in where one is required, and where it is not', async () => {
      for (const version of VERSIONS) {
        for (const [as, strict, open] of [
          ['door', 200, 200],
          [undefined, 400, 200],
          ['stranger', 400, 400],
          ['late', 400, 400],
          ['root', 200, 200],
        ] as const) {
          const own = as === undefined ? {} : { as };
          assert.equal(await statusOf({ port: 'strict', version, ...own }), strict, `${as} ${version}`);
          assert.equal(await statusOf({ port: 'open', version, ...own }), open, `${as} ${version}`);
        }
      }
      assert.match((await ask(site, { port: 'strict' })).body, /No required SSL certificate was sent/);
      assert.match((await ask(site, { port: 'open', as: 'late' })).body, /The SSL certificate error/);
      await until(() => /listener (open|strict): the certificates? of \d+ clients?.* refused/.test(evenkeel.stderr));
    });

    await t.test('pages for who has no certificate, or a wrong one', async () => {
      const paged = { port: 'strict', path: '/paged' } as const;
      const answers = [];
      for (const as of [{ as: 'door' }, {}, { as: 'stranger' }]) answers.push(await ask(site, { ...paged, ...as }));
      const [right, missing, wrong] = answers;
      assert.deepEqual([right.status, right.body], [200, 'in']);
      assert.deepEqual([missing.status, missing.body], [400, '/paged NONE']);
      assert.equal(wrong.status, 403);
      assert.ok(wrong.body.includes('"site.test"'), wrong.body);
      assert.equal(await statusOf({ port: 'strict', path: '/wrong', as: 'door' }), 404, 'nobody else asks for it');
    });

    await t.test('the values are what openssl says of the certificate', async () => {
      const { body } = await ask(site, { port: 'open', as: 'door', path: '/values' });
      const certificate = new X509Certificate(readFileSync(maker.path('door.pem')));
      const [verified, subject, issuer, serial, sha256, sha1, from, until_, days, pem] = body.split('|');
      assert.deepEqual([verified, subject, issuer], ['SUCCESS', 'CN=T\\C3\\BCr,O=Example\\, Inc', 'CN=root,O=Example']);
      assert.equal(serial, certificate.serialNumber);
      assert.equal(sha256, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
      assert.equal(sha1, certificate.fingerprint.replaceAll(':', '').toLowerCase());
      assert.deepEqual([from, until_], [certificate.validFrom, certificate.validTo]);
      assert.equal(days, '89');
      assert.equal(decodeURIComponent(pem), certificate.toString());
      const none = await ask(site, { port: 'open', path: '/values' });
      assert.equal(none.body, 'NONE|||||||||');
    });

    await t.test('a field with the identity cannot be forged, in any spelling', async () => {
      const fields = 'X-Client: CN=king\r\nX_Client: CN=king\r\nx.client: CN=king\r\nX-Verified: SUCCESS\r\n';
      for (const [as, client, verified] of [
        ['door', 'CN=T\\C3\\BCr,O=Example\\, Inc', 'SUCCESS'],
        [undefined, '', 'NONE'],
      ] as const) {
        const { body } = await ask(site, { port: 'open', fields, ...(as === undefined ? {} : { as }) });
        const raw = JSON.parse(body) as string[];
        const told = raw.filter((_, i) => i % 2 === 1 && /^x[-_.](client|verified)$/i.test(raw[i - 1]));
        assert.deepEqual(
          told.filter((value) => value !== ''),
          client === '' ? [verified] : [client, verified],
        );
      }
    });

    await t.test('TCP: the connection ends', async () => {
      assert.ok(await isEchoed(site, 'door'));
      assert.ok(await isEchoed(site, 'deep'), 'one in between');
      assert.ok(!(await isEchoed(site, 'deeper')), 'two in between');
      assert.ok(!(await isEchoed(site, 'stranger')));
      assert.ok(!(await isEchoed(site)));
      await until(() => /listener tcp: .*refused.*(none was shown|FAILED)/.test(evenkeel.stderr));
    });

    await t.test('421: a Host that asks for certificates, other than the handshake was for', async () => {
      for (const [name, host, as, status] of [
        ['one.test', 'one.test', 'door', 200],
        ['one.test', 'ONE.test:443', 'door', 200],
        ['one.test', 'one.test.', 'door', 200],
        ['two.test', 'two.test', 'stranger', 200],
        ['two.test', 'two.test', 'door', 400],
        ['one.test', 'two.test', 'door', 421],
        ['two.test', 'one.test', 'stranger', 421],
        ['free.test', 'one.test', undefined, 421],
        ['free.test', 'a.b.one.test', undefined, 421],
        ['a.b.one.test', 'a.b.one.test', undefined, 421],
        ['', 'one.test', undefined, 421],
        ['', 'free.test', undefined, 200],
        ['free.test', 'other.test', undefined, 200],
        ['one.test', 'free.test', 'door', 200],
      ] as const) {
        const asked = { port: 'mixed', name, host, ...(as === undefined ? {} : { as }) } as const;
        assert.equal(await statusOf(asked), status, `${name} ${host} ${as}`);
      }
      const whole = { port: 'mixed', name: 'free.test', path: 'https://one.test/' } as const;
      assert.equal(await statusOf({ ...whole, host: 'one.test' }), 421, 'a target in absolute form');
      assert.equal(await statusOf({ ...whole, host: 'free.test' }), 400, 'which Host contradicts');
      assert.equal(await statusOf({ port: 'strict', as: 'door', host: 'other.test' }), 421, 'one policy for all');
      assert.equal(await statusOf({ port: 'strict', as: 'door', name: '', host: 'other.test' }), 200, 'no name');
    });

    await t.test('a session goes on by the policy that it began with, and with its certificate', () =>
      tryResuming(site),
    );

    await t.test('a revoked certificate is refused as soon as the list is there, and so is its session', async () => {
      // A listener that has refused nobody yet: of another one that comes within the minute, the log says nothing before its end.
      assert.equal(await statusOf({ port: 'revoking', as: 'revoked' }), 200);
      const sessions = await Promise.all(
        VERSIONS.map((version) => ask(site, { port: 'revoking', as: 'revoked', version })),
      );
      copyFileSync(maker.path('some.pem'), maker.path('crl.pem.new'));
      renameSync(maker.path('crl.pem.new'), maker.path('crl.pem'));
      await evenkeel.said(/certificates of clients are judged by .*crl\.pem as they are now/);
      assert.equal(await statusOf({ port: 'revoking', as: 'revoked' }), 400);
      assert.equal(await statusOf({ port: 'revoking', as: 'door' }), 200);
      for (const [i, version] of VERSIONS.entries()) {
        const { session } = sessions[i];
        assert.ok(session !== undefined);
        const again = await ask(site, { port: 'revoking', session, version, as: 'revoked' });
        assert.deepEqual([again.isResumed, again.status], [false, 400], version);
      }
      await until(() => /listener revoking: .*FAILED:certificate revoked/.test(evenkeel.stderr));
    });
  });

  test(
    `[${engine}] certificates of clients, and a table of sessions instead of tickets`,
    engineSkip(engine),
    async (t) => {
      await tryResuming(await start(t, engine, ', tickets: false, session-cache: true'));
    },
  );
}
