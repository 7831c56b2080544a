/** Certificates that evenkeel gets by itself, from Pebble. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import type { StatusDocument } from '../src/keeper/api/status.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, program } from './evenkeel.ts';
import { type Pebble, pebbleSkip, startPebble } from './pebble.ts';
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

    const [view] = statusOf(evenkeel).tls!.acme;
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
    const [view] = statusOf(evenkeel).tls!.acme;
    assert.equal(view.state, 'waiting');
    assert.equal(view.failures, 1);
    assert.match(view.failure!.text, /^shop\.example: .*\(connection\)/);
    assert.ok(Date.parse(view.next!) - Date.now() > 4 * 60_000);

    // A restart does not ask again at once; a reload does.
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
    const next = await Evenkeel.start(t, yaml, options);
    assert.equal(statusOf(next).tls!.acme[0].next, view.next);
    pebble.stop();
    next.signal('SIGHUP');
    await next.said(/not obtained from localhost:\d+: localhost:\d+: the connection is refused; tried 2 times/);
    await until(
      () => statusOf(next).tls!.acme[0].failures === 3,
      () => 'one that is not there is never asked again',
    );
    assert.equal((await fetch(`http://127.0.0.1:${ports.http}/`, { redirect: 'manual' })).status, 308);
  },
);
