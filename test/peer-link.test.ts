/** The link between two nodes: who is let in, what becomes of strangers, and certificates that both have. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import type { StatusDocument } from '../src/api/status.ts';
import { FORMAT } from '../src/core/peers/messages.ts';
import { identityIn } from '../src/keeper/peers/identity.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { freePort, program } from './evenkeel.ts';
import { connect, frame, isLinked, linkIs, linkOf, makeNode, startNode } from './linked-nodes.ts';
import { pebbleSkip, startPebble } from './pebble.ts';
import { endAfter, status, upgrade } from './upgrading.ts';
import { shiftedClock } from './shifted-clock.ts';
import { until } from './waiting.ts';

/** Of a connection to this port. */
function sessionAt(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'shop.example', rejectUnauthorized: false });
    socket.on('session', (session) => {
      resolve(session);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function isResumed(port: number, session: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername: 'shop.example', session, rejectUnauthorized: false };
    const socket = tls.connect(options, () => {
      resolve(socket.isSessionReused());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

test('evenkeel identity says who a node is, and always the same', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'evenkeel-peer-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  const env = { ...process.env, STATE_DIRECTORY: state };
  const ask = (): string => execFileSync(process.execPath, [program, 'identity'], { encoding: 'utf8', env });
  const said = ask();
  assert.match(said, /^sha256:[\w-]{43}\n$/);
  assert.equal(ask(), said);
  assert.equal(said.trim(), identityIn(state).fingerprint);
  assert.equal(statSync(join(state, 'peers/identity.key')).mode & 0o777, 0o600);
});

test('two nodes find each other, whoever starts first, and again after one was gone', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const first = await startNode(t, nodes[0], nodes);
  await first.said(/peer lb02 is not there: the connection is refused/);
  const second = await startNode(t, nodes[1], nodes);
  for (const one of [first, second]) await isLinked(one);
  await first.said(/peer lb02 is there, evenkeel \d/);
  assert.equal((await linkOf(first)).reason, '');
  assert.ok(!second.stderr.includes('PRIVATE'));

  second.signal('SIGKILL');
  await linkIs(first, ({ isUp, reason }) => !isUp && /has closed the connection|refused|reset/.test(reason));
  assert.doesNotMatch(first.stderr, /does its file have the fingerprint/, 'they were linked');
  const again = await startNode(t, nodes[1], nodes);
  for (const one of [first, again]) await isLinked(one);

  // A stopped machine is silent, and its connection stands.
  again.signal('SIGSTOP');
  await linkIs(first, ({ reason }) => /silent for 10 s|does not answer/.test(reason));
  again.signal('SIGCONT');
  for (const one of [first, again]) await isLinked(one);
});

test('an upgrade takes the link over, and peers of a reload are left at once', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const first = await startNode(t, nodes[0], nodes);
  const second = await startNode(t, nodes[1], nodes);
  for (const one of [first, second]) await isLinked(one);
  const { pid } = await upgrade(second);
  endAfter(t, pid!);
  await first.said(/(peer lb02 is there[^]*){2}/);
  for (const one of [first, second]) await isLinked(one);
  assert.doesNotMatch(second.stderr, /peers cannot connect/);

  writeFileSync(
    first.file,
    `node: lb01\nlisteners: { web: { bind: "127.0.0.1:${await freePort()}", routes: [ { respond: {} } ] } }\n`,
  );
  first.signal('SIGHUP');
  await linkIs(second, ({ isUp }) => !isUp);
  assert.equal((await status(first)).peers, null);
});

test('a session that began on one node goes on at the other one', async (t) => {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('a', { names: ['shop.example'] });
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const ports = [await freePort(), await freePort()];
  const site = (port: number): string =>
    `listeners: { web: { bind: "127.0.0.1:${port}", tls: { certificate: ${maker.path('a.pem')}, key: ${maker.path('a.key')} }, routes: [ { respond: {} } ] } }\n`;
  const before = await startNode(t, nodes[1], nodes, site(ports[1]));
  const early = await sessionAt(ports[1]);
  const first = await startNode(t, nodes[0], nodes, site(ports[0]));
  for (const one of [first, before]) await one.said(/session tickets of peer lb0\d are taken here/);
  for (const [from, to] of [ports, [ports[1], ports[0]]]) {
    const session = await sessionAt(from);
    await until(
      () => isResumed(to, session),
      () => `a session of ${from} does not go on at ${to}`,
    );
  }
  for (const port of ports) {
    await until(
      () => isResumed(port, early),
      () => `what began before the link does not go on at ${port}`,
    );
  }
  assert.ok(!first.stderr.includes('secret'));

  const byFirst = await sessionAt(ports[0]);
  first.signal('SIGKILL');
  await linkIs(before, ({ isUp }) => !isUp);
  const { pid, error } = await upgrade(before);
  assert.equal(error, undefined, before.stderr);
  endAfter(t, pid!);
  for (const session of [early, byFirst]) assert.ok(await isResumed(ports[1], session), 'an upgrade forgets nothing');
});

test('strangers, and peers that say what they should not, are turned away and harm nothing', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const [impostor, target] = nodes;
  const evenkeel = await startNode(t, target, nodes);

  const stranger = await makeNode(t, 'lb09');
  await closed(await connect(t, target.port, stranger.identity));
  await evenkeel.said(
    new RegExp(`somebody at 127\\.0\\.0\\.1 is no peer, but ${stranger.identity.fingerprint}: turned away`),
  );
  await linkIs(evenkeel, ({ reason }) => reason.includes(`${stranger.identity.fingerprint}, and not the peer`));
  // One without any key, one that speaks no TLS, one that says nothing.
  await closed(tls.connect({ port: target.port, host: '127.0.0.1', rejectUnauthorized: false }));
  const plain = net.connect(target.port, '127.0.0.1');
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await closed(plain);
  await closed(net.connect(target.port, '127.0.0.1'));

  const hello = { type: 'hello', format: FORMAT, node: 'lb01', version: '9.9' };
  const long = Buffer.alloc(4);
  long.writeUInt32BE(1 << 30);
  const cases: readonly (readonly [readonly Uint8Array[], RegExp])[] = [
    [[], /says nothing within 5 s/],
    [[frame({ ...hello, format: FORMAT + 1 })], /speaks format 2, and this one 1: run the same version on both/],
    [[frame({ ...hello, node: 'lb03' })], /says that it is lb03/],
    [[frame({ type: 'beat' })], /does not say who it is/],
    [[Buffer.from('\0\0\0\u0003abc')], /something else than JSON/],
    [[long], /a message that is too long/],
    [[frame(hello), frame({ type: 'certificate', file: '../x.pem', pem: '' })], /`certificate` that is none/],
    [[frame(hello), long], /a message that is too long/],
  ];
  for (const [messages, reason] of cases) {
    const socket = await connect(t, target.port, impostor.identity);
    for (const message of messages) socket.write(message);
    await closed(socket);
    await linkIs(evenkeel, (link) => reason.test(link.reason));
  }
  // One of a later version says more, and is understood as far as that goes.
  const later = await connect(t, target.port, impostor.identity);
  for (const message of [hello, { type: 'later' }]) later.write(frame(message));
  await isLinked(evenkeel);
  // Who comes anew takes the place of who may be gone without a word.
  const anew = await connect(t, target.port, impostor.identity);
  anew.write(frame(hello));
  await closed(later);
  await isLinked(evenkeel);
});

test('strangers who say nothing, and come again, keep no peer out', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const second = await startNode(t, nodes[1], nodes);
  let isOver = false;
  const strangers = new Set<net.Socket>();
  t.after(() => {
    isOver = true;
    for (const socket of strangers) socket.destroy();
  });
  let arrivals = 0;
  const come = (localAddress: string): void => {
    if (isOver) return;
    const socket = net.connect({ port: nodes[1].port, host: '127.0.0.1', localAddress });
    strangers.add(socket);
    socket.on('connect', () => arrivals++);
    socket.on('error', () => undefined).resume();
    socket.on('close', () => {
      strangers.delete(socket);
      setTimeout(come, 50, localAddress);
    });
  };
  for (let i = 0; i < 60; i++) come(`127.0.0.${2 + (i % 20)}`);
  await until(() => arrivals >= 60);
  const first = await startNode(t, nodes[0], nodes);
  await isLinked(first);
  assert.doesNotMatch(first.stderr, /peer lb02 is not there/);
  await second.said(/somebody at 127\.0\.0\.\d+ and others connect and do not say who they are/);
  const before = arrivals;
  await until(() => arrivals >= before + 300);
  assert.ok((await linkOf(second)).isUp);
  assert.doesNotMatch(first.stderr, /peer lb02 is not there/);
  assert.ok(second.stderr.split('somebody at').length <= 3, second.stderr);
});

test('a peer with another key is not believed', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const other = await makeNode(t, 'lb02');
  const pretender = { ...nodes[1], state: other.state };
  await startNode(t, pretender, nodes);
  const evenkeel = await startNode(t, nodes[0], nodes);
  await evenkeel.said(new RegExp(`peer lb02 is not there: whoever is there is ${other.identity.fingerprint}, and not`));
  assert.equal((await linkOf(evenkeel)).isUp, false);
});

test('a file with another fingerprint is told by the reload, by who is turned away, and by who turns away', async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const first = await startNode(t, nodes[0], nodes);
  const second = await startNode(t, nodes[1], nodes);
  for (const one of [first, second]) await isLinked(one);
  const { fingerprint } = nodes[0].identity;
  const wrong = `sha256:${'A'.repeat(43)}`;
  writeFileSync(second.file, readFileSync(second.file, 'utf8').replace(fingerprint, wrong));
  second.signal('SIGHUP');
  await second.said(/reload by SIGHUP: peer lb01: fingerprint changed/);
  await linkIs(second, ({ reason }) => reason.includes(`${fingerprint}, and not the peer: turned away`));
  await first.said(/peer lb02 is not there: .*: does its file have the fingerprint of this node\?/);
});

test('one node obtains a certificate, both have it, and both answer the authority', { skip: pebbleSkip }, async (t) => {
  const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
  const ports = { http: [await freePort(), await freePort()], https: [await freePort(), await freePort()] };
  // The authority comes to the node that has not asked.
  const pebble = await startPebble(t, { httpPort: ports.http[1] });
  const site = (i: number): string => obtainingSite(ports, i, pebble);
  const second = await startNode(t, nodes[1], nodes, site(1));
  assert.equal((await status(second)).tls!.acme[0].obtainer, 'lb01');
  const first = await startNode(t, nodes[0], nodes, site(0));
  for (const one of [first, second]) await isLinked(one);
  await first.said(/certificate of shop\.example: obtained from/);
  await second.said(/certificate of shop\.example: from peer lb01, valid until/);
  await second.said(/certificate replaced: listener https/);
  assert.doesNotMatch(second.stderr, /ordered from/);
  const files = nodes.map(({ state }) => {
    const name = readdirSync(join(state, 'acme')).find((file) => file.endsWith('.pem'))!;
    return readFileSync(join(state, 'acme', name), 'latin1');
  });
  assert.equal(files[1], files[0]);
  assert.ok(!readdirSync(join(nodes[1].state, 'acme')).some((file) => file.startsWith('account')));
  assert.equal((await status(second)).tls!.acme[0].state, 'held');
});

test(
  'the node that obtains is gone: the other one takes over after a while, and gives what it has',
  { skip: pebbleSkip },
  async (t) => {
    const nodes = [await makeNode(t, 'lb01'), await makeNode(t, 'lb02')];
    const ports = { http: [await freePort(), await freePort()], https: [await freePort(), await freePort()] };
    const pebble = await startPebble(t, { httpPort: ports.http[1] });
    const site = (i: number): string => obtainingSite(ports, i, pebble);
    const clock = shiftedClock(pebble.maker.folder);
    const second = await startNode(t, nodes[1], nodes, site(1), clock.env);
    const viewOf = async (): Promise<StatusDocument['tls']> => (await status(second)).tls;
    assert.equal((await viewOf())!.acme[0].obtainer, 'lb01');
    assert.doesNotMatch(second.stderr, /ordered from/);
    clock.shift(11 * 60_000);
    second.signal('SIGHUP');
    await second.said(/certificate of shop\.example: obtained from/);
    assert.equal((await viewOf())!.acme[0].obtainer, null);
    const first = await startNode(t, nodes[0], nodes, site(0));
    await first.said(/certificate of shop\.example: from peer lb02, valid until/);
    await first.said(/certificate replaced: listener https/);
    assert.doesNotMatch(first.stderr, /ordered from/);
  },
);

interface SitePorts {
  readonly http: readonly number[];
  readonly https: readonly number[];
}

/** A node's listeners; its certificate is obtained. */
function obtainingSite(
  { http, https }: SitePorts,
  i: number,
  { directory, ca }: { readonly directory: string; readonly ca: string },
): string {
  return `
listeners:
  http: { bind: "127.0.0.1:${http[i]}", routes: [ { respond: {} } ] }
  https:
    bind: "127.0.0.1:${https[i]}"
    tls: { certificates: [ { acme: { names: shop.example, terms: agreed, directory: "${directory}", ca: "${ca}" } } ] }
    routes: [ { respond: {} } ]
`;
}
