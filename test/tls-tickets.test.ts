/** Session tickets: whose keys they are made with, and that a retired one is nowhere. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { deriveTicketKey, TICKET_PERIOD_MS, ticketPeriod } from '../src/keeper/proxies/ticket-keys.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, engineSkip, Evenkeel, freePort } from './evenkeel.ts';
import { findIn } from './process-memory.ts';
import { endAfter, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof VERSIONS)[number];
const isRoot = process.getuid?.() === 0;
/** Behind the name, which is in each ticket. */
const NAME_BYTES = 16;

function makerFor(t: TestContext): CertificateMaker {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('site', { names: ['shop.example'] });
  return maker;
}

/** In one step, as a program that rotates keys does it. */
function put(maker: CertificateMaker, name: string, bytes: Uint8Array): Uint8Array {
  writeFileSync(maker.path(`${name}.new`), bytes, { mode: 0o600 });
  renameSync(maker.path(`${name}.new`), maker.path(name));
  return bytes;
}

interface Node {
  readonly evenkeel: Evenkeel;
  readonly port: number;
}

async function start(
  t: TestContext,
  maker: CertificateMaker,
  tickets: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Node> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls: { certificate: ${maker.path('site.pem')}, key: ${maker.path('site.key')}, ${tickets} }
    routes: [ { respond: { body: ok } } ]
`;
  return { evenkeel: await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 2, hasSocket: true, env }), port };
}

interface Visit {
  readonly isResumed: boolean;
  /** Null: the client was promised nothing. */
  readonly session: Buffer | null;
}

async function visit({ port }: Node, version: Version, session?: Buffer): Promise<Visit> {
  const options = { port, host: '127.0.0.1', servername: 'shop.example', rejectUnauthorized: false };
  const socket = tls.connect({
    ...options,
    minVersion: version,
    maxVersion: version,
    ...(session === undefined ? {} : { session }),
  });
  let latest: Buffer | null = null;
  let isResumed = false;
  socket.on('session', (each: Buffer) => (latest = each));
  socket.on('secureConnect', () => {
    isResumed = socket.isSessionReused();
    // Of 1.2 it is there with the handshake, and one that is renewed is not told.
    if (version === 'TLSv1.2') latest = socket.getSession() ?? null;
    socket.write('GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
  });
  socket.resume();
  await new Promise((resolve, reject) => socket.on('close', resolve).on('error', reject));
  return { isResumed, session: latest };
}

async function sessionOf(node: Node, version: Version): Promise<Buffer> {
  const { session } = await visit(node, version);
  assert.ok(session !== null);
  return session;
}

const skip = engineSkip(ENGINES[0]);

test('both nodes of a pair take the sessions of the other one', skip, async (t) => {
  const maker = makerFor(t);
  put(maker, 'secret', randomBytes(32));
  put(maker, 'other', randomBytes(32));
  const path = (name: string): string => maker.path(name);
  const nodes = [
    await start(t, maker, `ticket-secret: ${path('secret')}`),
    await start(t, maker, `ticket-secret: ${path('secret')}`),
    await start(t, maker, `ticket-secret: [ ${path('other')}, ${path('secret')} ]`),
    await start(t, maker, `ticket-secret: ${path('other')}`),
    await start(t, maker, 'tickets: true'),
  ];
  for (const version of VERSIONS) {
    const session = await sessionOf(nodes[0], version);
    const resumed: boolean[] = [];
    for (const node of nodes) resumed.push((await visit(node, version, session)).isResumed);
    assert.deepEqual(resumed, [true, true, true, false, false], version);
    // The ticket that it was renewed by is of the first secret.
    const renewed = await visit(nodes[2], version, session);
    assert.ok(renewed.session !== null);
    assert.ok((await visit(nodes[3], version, renewed.session)).isResumed, version);
  }
});

test('without tickets sessions go on by a table that all proxies share', skip, async (t) => {
  const maker = makerFor(t);
  const node = await start(t, maker, 'tickets: false, session-cache: true');
  const sessions = new Map<Version, Buffer>();
  for (const version of VERSIONS) sessions.set(version, await sessionOf(node, version));
  const tryAll = async (when: string): Promise<void> => {
    for (const [version, session] of sessions) {
      for (let i = 0; i < 8; i++) assert.ok((await visit(node, version, session)).isResumed, `${version} ${when}`);
    }
  };
  await tryAll('at once');
  const { evenkeel } = node;
  writeFileSync(evenkeel.file, readFileSync(evenkeel.file, 'utf8').replace('body: ok', 'body: other'));
  evenkeel.signal('SIGHUP');
  await evenkeel.said(/reload by SIGHUP: listener web: routes changed/);
  await tryAll('after a reload');
  for (const pid of evenkeel.proxies()) process.kill(pid, 'SIGKILL');
  await evenkeel.said(/proxy 0 serves again[^]*proxy 1 serves again|proxy 1 serves again[^]*proxy 0 serves again/);
  await tryAll('with other proxies');
  const { pid, error } = await upgrade(evenkeel);
  assert.equal(error, undefined, evenkeel.stderr);
  endAfter(t, pid!);
  await tryAll('after an upgrade');
});

test('without tickets nothing is promised', skip, async (t) => {
  const maker = makerFor(t);
  const node = await start(t, maker, 'tickets: false');
  for (const version of VERSIONS) {
    const { session } = await visit(node, version);
    if (session !== null) assert.ok(!(await visit(node, version, session)).isResumed, version);
  }
});

test(
  'keys are replaced without a session lost, and a retired one is in no proxy',
  { skip: skip.skip !== false ? skip.skip : isRoot ? false : 'needs root, to look into the processes' },
  async (t) => {
    const maker = makerFor(t);
    const first = put(maker, 'first', randomBytes(80));
    put(maker, 'second', randomBytes(48));
    const node = await start(t, maker, `ticket-keys: [ ${maker.path('first')}, ${maker.path('second')} ]`);
    const { evenkeel } = node;
    const isInProxies = (key: Uint8Array): readonly boolean[] =>
      evenkeel.proxies().map((pid) => findIn(pid, { key: Buffer.from(key.subarray(NAME_BYTES)) }).length > 0);
    const session = await sessionOf(node, 'TLSv1.3');
    for (const version of VERSIONS) assert.ok((await visit(node, version, await sessionOf(node, version))).isResumed);
    assert.deepEqual(isInProxies(first), [true, true], 'the search finds what is there');

    put(maker, 'second', first);
    const next = put(maker, 'first', randomBytes(80));
    await until(() => isInProxies(next).every((isIn) => isIn));
    for (let i = 0; i < 8; i++) assert.ok((await visit(node, 'TLSv1.3', session)).isResumed);
    assert.match(evenkeel.stdout + evenkeel.stderr, /ticket keys replaced: .*first and .*second/);

    const third = put(maker, 'second', randomBytes(80));
    await until(() => isInProxies(third).every((isIn) => isIn));
    assert.ok(!(await visit(node, 'TLSv1.3', session)).isResumed);
    assert.deepEqual(
      [isInProxies(first), isInProxies(next)],
      [
        [false, false],
        [true, true],
      ],
    );
  },
);

test(
  'a secret is in no proxy, only what is made of it for this time',
  { skip: skip.skip !== false ? skip.skip : isRoot ? false : 'needs root, to look into the processes' },
  async (t) => {
    const maker = makerFor(t);
    const secret = put(maker, 'secret', randomBytes(64));
    const period = ticketPeriod(Date.now());
    const { evenkeel } = await start(t, maker, `ticket-secret: ${maker.path('secret')}`);
    const needles = {
      secret: Buffer.from(secret),
      // Of the period between two, in case it ends meanwhile.
      made: Buffer.from(deriveTicketKey(secret, period).subarray(NAME_BYTES)),
      old: Buffer.from(deriveTicketKey(secret, period - 2).subarray(NAME_BYTES)),
    };
    for (const pid of evenkeel.proxies()) assert.deepEqual(findIn(pid, needles), ['made']);
    put(maker, 'secret', randomBytes(64));
    await evenkeel.said(/ticket keys replaced/);
    for (const pid of evenkeel.proxies()) assert.deepEqual(findIn(pid, needles), []);
  },
);

/** The keeper's clock is ahead by as many periods as this file has lines, and it looks at it all the time. */
const CLOCK = (file: string): string => `
import { readFileSync } from 'node:fs';
const { now } = Date;
const { setInterval } = globalThis;
if (process.argv.includes('run')) {
  Date.now = () => now() + (readFileSync(${JSON.stringify(file)}, 'utf8').split('\\n').length - 1) * ${TICKET_PERIOD_MS};
  globalThis.setInterval = (task, ms, ...rest) => setInterval(task, Math.min(ms, 200), ...rest);
}
`;

test(
  'keys change with the time, no session is lost for it, and who had one longer than two periods has no key',
  { skip: skip.skip !== false ? skip.skip : isRoot ? false : 'needs root, to look into the processes' },
  async (t) => {
    const maker = makerFor(t);
    const secret = put(maker, 'secret', randomBytes(64));
    writeFileSync(maker.path('periods'), '');
    writeFileSync(maker.path('clock.mjs'), CLOCK(maker.path('periods')));
    const node = await start(t, maker, `ticket-secret: ${maker.path('secret')}`, {
      NODE_OPTIONS: `--import=${maker.path('clock.mjs')}`,
    });
    const first = ticketPeriod(Date.now());
    const isInProxies = (period: number): readonly boolean[] => {
      const key = Buffer.from(deriveTicketKey(secret, period).subarray(NAME_BYTES));
      return node.evenkeel.proxies().map((pid) => findIn(pid, { key }).length > 0);
    };
    const session = await sessionOf(node, 'TLSv1.3');
    for (const [later, isResumed] of [true, true, false].entries()) {
      writeFileSync(maker.path('periods'), '\n'.repeat(later));
      await until(() => isInProxies(first + later + 1).every((isIn) => isIn));
      for (let i = 0; i < 4; i++) assert.equal((await visit(node, 'TLSv1.3', session)).isResumed, isResumed);
      assert.deepEqual(isInProxies(first + later - 2), [false, false]);
    }
  },
);
