/** Certificates that evenkeel gets by itself, from Pebble. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import https from 'node:https';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import type { StatusDocument } from '../src/api/status.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, kill, program } from './evenkeel.ts';
import { get, type Pebble, pebbleSkip, startPebble } from './pebble.ts';
import { shiftedClock } from './shifted-clock.ts';
import { until } from './waiting.ts';

function stateOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-acme-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Ports {
  readonly http: number;
  readonly https: number;
}

async function freePorts(): Promise<Ports> {
  return { http: await freePort(), https: await freePort() };
}

/** A site on two ports, with a certificate that it asks for. `acme`: what else is said of that. */
function site({ http, https }: Ports, { directory, ca }: Pick<Pebble, 'directory' | 'ca'>, acme: string): string {
  return `
listeners:
  http:
    bind: "127.0.0.1:${http}"
    routes: [ { redirect: { to: "https://{host}{uri}", status: 308 } } ]
  https:
    bind: "127.0.0.1:${https}"
    tls:
      certificates:
        - acme: { terms: agreed, directory: "${directory}", ca: "${ca}", ${acme} }
    routes: [ { respond: { body: ok } } ]
`;
}

function peerCertificate(port: number, servername: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Whether a client that trusts this root alone is content. */
function isTrusted(port: number, servername: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, ca }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

/** What is agreed on with a client that offers these. */
function protocolOf(port: number, servername: string, ALPNProtocols: string[]): Promise<string | false | null> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername, ALPNProtocols, rejectUnauthorized: false };
    const socket = tls.connect(options, () => {
      resolve(socket.alpnProtocol);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function statusOf(evenkeel: Evenkeel): StatusDocument {
  const args = [program, 'status', '--json', '--socket', `${evenkeel.file}.sock`];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as StatusDocument;
}

for (const engine of ENGINES) {
  const { skip } = engineSkip(engine);
  test(`${engine}: http-01: a certificate comes by itself, and is used`, { skip: skip || pebbleSkip }, async (t) => {
    const ports = await freePorts();
    const pebble = await startPebble(t, { httpPort: ports.http, env: { PEBBLE_WFE_NONCEREJECT: '20' } });
    const state = stateOf(t);
    const yaml = site(ports, pebble, 'names: [ shop.example, www.shop.example ], email: ops@shop.example');
    const options = { engine, workers: 2, hasSocket: true, env: { STATE_DIRECTORY: state } } as const;
    const evenkeel = await Evenkeel.start(t, yaml, options);
    // Until it is there: a self-signed one.
    await evenkeel.said(/certificate of shop\.example: ordered from localhost:\d+, to be proven by http-01/);
    await evenkeel.said(/certificate of shop\.example: obtained from localhost:\d+, valid until 20/);
    await evenkeel.said(/certificate replaced: listener https: \S+shop\.example\.\w+\.pem is valid until 20/);
    const root = await pebble.root();
    for (const name of ['shop.example', 'www.shop.example']) assert.ok(await isTrusted(ports.https, name, root), name);
    assert.equal((await fetch(`http://127.0.0.1:${ports.http}/`, { redirect: 'manual' })).status, 308);
    const challenge = `http://127.0.0.1:${ports.http}/.well-known/acme-challenge/x`;
    assert.equal((await fetch(challenge, { redirect: 'manual' })).status, 308);

    const { acme, certificates } = statusOf(evenkeel).tls!;
    assert.equal(certificates[0].isStandIn, false);
    const [view] = acme;
    assert.equal(view.state, 'held');
    assert.equal(view.failure, null);
    const held = new X509Certificate(readFileSync(view.file));
    const lifetimeMs = Date.parse(held.validTo) - Date.parse(held.validFrom);
    assert.ok(Math.abs(Date.parse(view.next!) - Date.parse(held.validFrom) - (2 * lifetimeMs) / 3) < 60_000);

    // Keys are root's alone, and nowhere else.
    const folder = join(state, 'acme');
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const files = readdirSync(folder);
    assert.equal(files.length, 2, files.join());
    for (const file of files) {
      assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
      const text = readFileSync(join(folder, file), 'latin1');
      assert.ok(createPrivateKey(text));
      const [line] = /-----BEGIN PRIVATE KEY-----\n(.+)/.exec(text)!.slice(1);
      assert.ok(!evenkeel.stderr.includes(line) && !JSON.stringify(statusOf(evenkeel)).includes(line));
    }

    // The next start has it, and asks for nothing.
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    const next = await Evenkeel.start(t, yaml, options);
    assert.equal((await peerCertificate(ports.https, 'shop.example')).fingerprint256, held.fingerprint256);
    assert.equal(statusOf(next).tls!.acme[0].state, 'held');
    assert.doesNotMatch(next.stderr, /ordered from/);

    // With another name it is asked for anew, and what there was serves meanwhile.
    writeFileSync(next.file, site(ports, pebble, 'names: [ shop.example, new.shop.example ]'));
    next.signal('SIGHUP');
    await next.said(/certificate replaced: listener https/);
    assert.ok(await isTrusted(ports.https, 'new.shop.example', root));
  });
}

for (const engine of ENGINES) {
  const { skip } = engineSkip(engine);
  test(`${engine}: tls-alpn-01: an authority sees it, and nobody else`, { skip: skip || pebbleSkip }, async (t) => {
    const ports = await freePorts();
    const pebble = await startPebble(t, { tlsPort: ports.https });
    const options = { engine, workers: 2, env: { STATE_DIRECTORY: stateOf(t) } } as const;
    // Also where the oldest version is the only one.
    for (const versions of ['[ TLSv1.2, TLSv1.3 ]', 'TLSv1.2']) {
      const first = versions === 'TLSv1.2' ? 'old.example' : 'new.example';
      const yaml = site(ports, pebble, `names: [ ${first}, shop.example ], challenge: tls-alpn-01`);
      const profile = `\n      profile: { versions: ${versions} }`;
      const evenkeel = await Evenkeel.start(t, yaml.replace('\n      certificates:', `${profile}$&`), options);
      await evenkeel.said(/certificate replaced: listener https/);
      assert.ok(await isTrusted(ports.https, first, await pebble.root()));
      await assert.rejects(protocolOf(ports.https, first, ['acme-tls/1']), 'it is a protocol that nobody speaks');
      assert.equal(await protocolOf(ports.https, first, ['acme-tls/1', 'http/1.1']), 'http/1.1');
      evenkeel.signal('SIGTERM');
      await evenkeel.exit;
    }
  });
}

test('dns-01: a program sets the records, for a name and for all below it', { skip: pebbleSkip }, async (t) => {
  const ports = await freePorts();
  const pebble = await startPebble(t);
  const script = pebble.maker.path('record');
  const calls = pebble.maker.path('calls');
  const [set, clear] = ['set-txt', 'clear-txt'].map((what) => `http://127.0.0.1:${pebble.management}/${what}`);
  writeFileSync(
    script,
    `#!/bin/sh
echo "$*" >> ${calls}
case "$2" in
present) curl -sf -d "{\\"host\\":\\"$3\\",\\"value\\":\\"$4\\"}" ${set} ;;
cleanup) curl -sf -d "{\\"host\\":\\"$3\\"}" ${clear} ;;
esac
`,
    { mode: 0o755 },
  );
  const user = process.getuid?.() === 0 ? ', user: root' : '';
  const acme = `challenge: dns-01, program: [ ${script}, zone ]${user}`;
  const yaml = site(ports, pebble, `names: [ shop.example, "*.shop.example" ], ${acme}`);
  const options = { engine: ENGINES[0], workers: 1, env: { STATE_DIRECTORY: stateOf(t) } } as const;
  const evenkeel = await Evenkeel.start(t, yaml, options);
  await evenkeel.said(/certificate replaced: listener https: \S+shop\.example/);
  const root = await pebble.root();
  for (const name of ['shop.example', 'any.shop.example']) assert.ok(await isTrusted(ports.https, name, root), name);
  const lines = readFileSync(calls, 'utf8').trim().split('\n');
  assert.equal(lines.length, 4, lines.join('\n'));
  for (const line of lines) assert.match(line, /^zone (present|cleanup) _acme-challenge\.shop\.example\. [\w-]{43}$/);

  // One that fails is the reason, with what it says.
  writeFileSync(script, '#!/bin/sh\necho no such zone\nexit 3\n', { mode: 0o755 });
  writeFileSync(evenkeel.file, site(ports, pebble, `names: [ a.shop.example ], ${acme}`));
  evenkeel.signal('SIGHUP');
  await evenkeel.said(
    /a\.shop\.example: not obtained from .*record present _acme-challenge\.\S+: exit code 3: no such zone/,
  );
});

test('an authority that knows its customers', { skip: pebbleSkip }, async (t) => {
  const ports = await freePorts();
  const key = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  const pebble = await startPebble(t, { httpPort: ports.http, keys: { 'kid-1': key } });
  const options = { engine: ENGINES[0], workers: 1, env: { STATE_DIRECTORY: stateOf(t) } } as const;
  const evenkeel = await Evenkeel.start(t, site(ports, pebble, 'names: shop.example'), options);
  await evenkeel.said(/not obtained from .*\(externalAccountRequired\)/);
  const file = pebble.maker.path('eab');
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  writeFileSync(evenkeel.file, site(ports, pebble, `names: shop.example, eab: { key-id: kid-1, key-file: ${file} }`));
  evenkeel.signal('SIGHUP');
  await evenkeel.said(/certificate replaced: listener https/);
  assert.ok(!evenkeel.stderr.includes(key));
});

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}

/** Pebble's directory with renewal information, which this Pebble has not: `windowOf` says it for the nth certificate that is asked about. */
async function startRenewalInfo(
  t: TestContext,
  pebble: Pebble,
  windowOf: (count: number) => { start: string; end: string },
): Promise<{ readonly directory: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const port = await freePort();
  const base = `https://localhost:${port}`;
  const known = JSON.parse(await get(pebble.directory)) as object;
  const server = https.createServer(
    { cert: readFileSync(pebble.maker.path('pebble.pem')), key: readFileSync(pebble.maker.path('pebble.key')) },
    (request, response) => {
      const id = /^\/ari\/(.+)$/.exec(request.url ?? '')?.[1];
      if (id !== undefined && !asked.includes(id)) asked.push(id);
      response.setHeader('Retry-After', '3600');
      response.end(
        JSON.stringify(
          id === undefined
            ? { ...known, renewalInfo: `${base}/ari` }
            : { suggestedWindow: windowOf(asked.indexOf(id)), explanationURL: 'https://ca.example/why' },
        ),
      );
    },
  );
  server.listen(port, '127.0.0.1');
  t.after(() => server.close());
  return { directory: `${base}/dir`, asked };
}

test('a certificate is renewed when its authority says so', { skip: pebbleSkip }, async (t) => {
  const ports = await freePorts();
  const pebble = await startPebble(t, { httpPort: ports.http });
  const windows = [
    { start: daysFromNow(-2), end: daysFromNow(-1) },
    { start: daysFromNow(10), end: daysFromNow(11) },
  ];
  const { directory, asked } = await startRenewalInfo(t, pebble, (count) => windows[count]);
  const options = { engine: ENGINES[0], workers: 1, hasSocket: true, env: { STATE_DIRECTORY: stateOf(t) } } as const;
  const evenkeel = await Evenkeel.start(t, site(ports, { directory, ca: pebble.ca }, 'names: shop.example'), options);
  await until(
    () => asked.length === 2,
    () => `${asked.length} certificates were asked about:\n${evenkeel.stderr}`,
  );
  await until(
    () => statusOf(evenkeel).tls!.acme[0].next! < windows[1].end,
    () => 'the second one is not renewed when it should be',
  );
  const [view] = statusOf(evenkeel).tls!.acme;
  assert.ok(view.next! >= windows[1].start);
  // RFC 9773 section 4.1: who has issued it, and its number.
  const [issuer, serial] = asked[1].split('.');
  const shown = execFileSync('openssl', ['x509', '-in', view.file, '-noout', '-ext', 'authorityKeyIdentifier'], {
    encoding: 'utf8',
  });
  assert.ok(shown.replaceAll(':', '').includes(Buffer.from(issuer, 'base64url').toString('hex').toUpperCase()), shown);
  const held = new X509Certificate(readFileSync(view.file));
  assert.equal(BigInt(`0x${Buffer.from(serial, 'base64url').toString('hex')}`), BigInt(`0x${held.serialNumber}`));
  assert.equal(evenkeel.stderr.split('ordered from').length, 3, evenkeel.stderr);
});

test(
  'a keeper that is killed in the middle of an order loses nothing, and does not order again at once',
  { skip: pebbleSkip },
  async (t) => {
    const ports = await freePorts();
    const pebble = await startPebble(t, { httpPort: ports.http });
    const options = { engine: ENGINES[0], workers: 1, hasSocket: true, env: { STATE_DIRECTORY: stateOf(t) } } as const;
    const evenkeel = await Evenkeel.start(t, site(ports, pebble, 'names: [ shop.example ]'), options);
    await evenkeel.said(/certificate replaced: listener https/);
    pebble.signal('SIGSTOP');
    const more = site(ports, pebble, 'names: [ shop.example, b.example ]');
    writeFileSync(evenkeel.file, more);
    evenkeel.signal('SIGHUP');
    await evenkeel.said(/(ordered from[^]*){2}/);
    const proxies = evenkeel.proxies();
    evenkeel.signal('SIGKILL');
    await evenkeel.exit;
    for (const pid of proxies) kill(pid, 'SIGKILL');
    pebble.signal('SIGCONT');
    const next = await Evenkeel.start(t, more, options);
    assert.ok(await isTrusted(ports.https, 'shop.example', await pebble.root()));
    const [view] = statusOf(next).tls!.acme;
    assert.equal(view.state, 'waiting');
    assert.match(view.failure!.text, /ended in the middle of the order/);
    next.signal('SIGHUP');
    await next.said(/certificate replaced: listener https/);
    assert.ok(await isTrusted(ports.https, 'b.example', await pebble.root()));
  },
);

/** Before the authority: new orders are answered 429 while it is limited. Everything else goes through. */
async function limit(t: TestContext, pebble: Pebble): Promise<{ directory: string; orders(): number; end(): void }> {
  let orders = 0;
  let isLimited = true;
  const { hostname, port: target } = new URL(pebble.directory);
  const pair = {
    cert: readFileSync(pebble.maker.path('pebble.pem')),
    key: readFileSync(pebble.maker.path('pebble.key')),
  };
  const server = https.createServer(pair, (request, response) => {
    const isOrder = request.method === 'POST' && /order-plz$|new-?order/i.test(request.url!);
    if (isOrder && isLimited) {
      orders++;
      const type = 'urn:ietf:params:acme:error:rateLimited';
      response.writeHead(429, { 'Content-Type': 'application/problem+json', 'Retry-After': '1200' });
      response.end(JSON.stringify({ type, detail: 'too many new orders', status: 429 }));
      return;
    }
    // Pebble makes its links of the name that it is asked for
    const { headers, method, url: path } = request;
    const options = { host: hostname, port: target, method, path, headers, rejectUnauthorized: false };
    const passed = https.request(options, (answer) => {
      // One that Pebble refuses for its nonce, as it does at random, is sent again.
      if (isOrder && answer.statusCode === 201) orders++;
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  return {
    directory: `https://localhost:${port}/dir`,
    orders: () => orders,
    end: () => {
      isLimited = false;
    },
  };
}

test(
  'who is told to wait waits, over reloads and restarts, and then has a certificate',
  { skip: pebbleSkip },
  async (t) => {
    const ports = await freePorts();
    const pebble = await startPebble(t, { httpPort: ports.http });
    const limited = await limit(t, pebble);
    const clock = shiftedClock(pebble.maker.folder);
    const env = { STATE_DIRECTORY: stateOf(t), ...clock.env };
    const options = { engine: ENGINES[0], workers: 1, hasSocket: true, env } as const;
    const yaml = site(ports, { directory: limited.directory, ca: pebble.ca }, 'names: shop.example');
    const evenkeel = await Evenkeel.start(t, yaml, options);
    await evenkeel.said(/not obtained from localhost:\d+: too many new orders \(rateLimited\).*tried once, next at 20/);
    const next = (one: Evenkeel): number => Date.parse(statusOf(one).tls!.acme[0].next!) - Date.now();
    assert.ok(next(evenkeel) > 19 * 60_000 && next(evenkeel) <= 20 * 60_000, `${next(evenkeel)}`);

    writeFileSync(evenkeel.file, yaml.replace('body: ok', 'body: other'));
    evenkeel.signal('SIGHUP');
    await evenkeel.said(/reload by SIGHUP: listener https: routes changed/);
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    const again = await Evenkeel.start(t, yaml, options);
    const [view] = statusOf(again).tls!.acme;
    assert.deepEqual([view.state, view.failures], ['waiting', 1]);
    assert.ok(next(again) > 18 * 60_000, `${next(again)}`);
    assert.equal(limited.orders(), 1);

    limited.end();
    clock.shift(21 * 60_000);
    again.signal('SIGHUP');
    await again.said(/certificate replaced: listener https/);
    assert.ok(await isTrusted(ports.https, 'shop.example', await pebble.root()));
    assert.equal(limited.orders(), 2);
  },
);

test('an authority whose own certificate is not believed leads to `ca`', { skip: pebbleSkip }, async (t) => {
  const ports = await freePorts();
  const pebble = await startPebble(t, { httpPort: ports.http });
  const yaml = site(ports, pebble, 'names: shop.example').replace(/ ca: "[^"]*",/, '');
  const env = { STATE_DIRECTORY: stateOf(t) };
  const evenkeel = await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 1, env });
  await evenkeel.said(
    /not obtained from localhost:\d+: (?!localhost)[^\n]+; name in `ca` who has issued its certificate; tried once/,
  );
});

test(
  'an authority that refuses, or is not there, is waited for, and everything serves',
  { skip: pebbleSkip },
  async (t) => {
    const ports = await freePorts();
    const pebble = await startPebble(t, { httpPort: await freePort() });
    const state = stateOf(t);
    const options = { engine: ENGINES[0], workers: 1, hasSocket: true, env: { STATE_DIRECTORY: state } } as const;
    const yaml = site(ports, pebble, 'names: shop.example');
    const evenkeel = await Evenkeel.start(t, yaml, options);
    await evenkeel.said(
      /certificate of shop\.example: not obtained from localhost:\d+: shop\.example: .*tried once, next at 20/,
    );
    assert.match((await peerCertificate(ports.https, 'shop.example')).subject, /no certificate yet/);
    const { acme, certificates } = statusOf(evenkeel).tls!;
    assert.equal(certificates[0].isStandIn, true);
    const [view] = acme;
    assert.equal(view.state, 'waiting');
    assert.equal(view.failures, 1);
    assert.match(view.failure!.text, /^shop\.example: .*\(connection\)/);
    assert.ok(Date.parse(view.next!) - Date.now() > 4 * 60_000);

    // A restart does not ask again at once; a reload does.
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    const next = await Evenkeel.start(t, yaml, options);
    assert.equal(statusOf(next).tls!.acme[0].next, view.next);
    pebble.signal('SIGKILL');
    next.signal('SIGHUP');
    await next.said(/not obtained from localhost:\d+: the connection is refused; tried 2 times/);
    await until(
      () => statusOf(next).tls!.acme[0].failures === 3,
      () => 'one that is not there is never asked again',
    );
    assert.equal((await fetch(`http://127.0.0.1:${ports.http}/`, { redirect: 'manual' })).status, 308);
  },
);
