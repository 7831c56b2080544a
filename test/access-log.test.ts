/**
 * Access logs: each request that a client has made has one line, whatever became of it, and the line says what that was. A campaign of
 * failures on both sides; files that are moved away; a disk that takes nothing; a proxy that is killed.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  connect,
  type Engine,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  reset,
  startBackend,
  startTcpBackend,
} from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import { temporaryDirectory } from './peers.ts';
import { RawConnection, RawServer, type Response } from './raw.ts';
import { Scrape } from './scrape.ts';
import { until } from './waiting.ts';

interface Line {
  readonly target: string;
  readonly status: number;
  readonly reason: string;
  readonly endedBy: string;
  readonly phase: string;
  readonly id: string;
  readonly tries: number;
  readonly received: number;
  readonly sent: number;
}

function textLines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

function linesOf(file: string): Line[] {
  return textLines(file).map((line) => JSON.parse(line) as Line);
}

/** The one line about this target. */
async function lineOf(file: string, target: string): Promise<Line> {
  const found = (): Line[] => linesOf(file).filter((line) => line.target === target);
  await until(
    () => found().length > 0,
    () => `a line about ${target} in\n${textLines(file).join('\n')}`,
  );
  return found()[0];
}

function told({ status, reason, endedBy, phase }: Line): string {
  return `${status} ${reason} by ${endedBy} in ${phase}`;
}

/** What servers were asked for. */
const asked = new Set<string>();

/** A server of HTTP that does what the path says. */
function misbehave(socket: net.Socket): void {
  let input = '';
  socket.on('data', (data: Buffer) => {
    input += data.toString('latin1');
    const path = /^[A-Z]+ (\S+)/.exec(input)?.[1];
    if (path === undefined || !input.includes('\r\n\r\n')) return;
    input = '';
    asked.add(path);
    if (path.startsWith('/ok')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    else if (path.startsWith('/reset')) reset(socket);
    else if (path.startsWith('/close')) socket.end();
    else if (path.startsWith('/half')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal');
    else if (path.startsWith('/garbage')) socket.end('what?\r\n\r\n');
    else if (path.startsWith('/early'))
      socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    else if (path.startsWith('/begin')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbeg');
    else if (path.startsWith('/from'))
      socket.write(
        'HTTP/1.1 200 OK\r\nX-From: a "b"\r\nX-From: c\r\nContent-Type: text/x\r\nContent-Length: 0\r\n\r\n',
      );
    else if (path.startsWith('/error')) socket.write('HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n');
  });
}

for (const engine of ENGINES) {
  test(`[${engine}] whatever becomes of a request, it has one line that says so`, engineSkip(engine), (t) =>
    campaign(t, engine),
  );

  test(`[${engine}] a file that was moved away is opened anew at SIGUSR1`, engineSkip(engine), async (t) => {
    const file = join(temporaryDirectory(t), 'access.log');
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, plain(file, port, backend.address), { engine });
    await get(port, '/before');
    await lineOf(file, '/before');
    renameSync(file, `${file}.1`);
    evenkeel.signal('SIGUSR1');
    await evenkeel.said(/access logs are opened again/);
    await get(port, '/after');
    await lineOf(file, '/after');
    assert.deepEqual(
      linesOf(`${file}.1`).map(({ target }) => target),
      ['/before'],
    );
    assert.deepEqual(
      linesOf(file).map(({ target }) => target),
      ['/after'],
    );
  });

  test(
    `[${engine}] a file that cannot be written to costs its lines and nothing else, and the log says so`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const file = join(temporaryDirectory(t), 'access.log');
      symlinkSync('/dev/full', file);
      const evenkeel = await Evenkeel.start(t, plain(file, port, backend.address), { engine, workers: 1 });
      for (let i = 0; i < 20; i++) assert.equal((await get(port, `/${i}`)).status, 200);
      await evenkeel.said(/warn +access log main cannot be written: the disk is full; lines wait/);
      unlinkSync(file);
      evenkeel.signal('SIGUSR1');
      await evenkeel.said(/access logs are opened again/);
      await get(port, '/after');
      await evenkeel.said(/info +access log main is written again/);
      await lineOf(file, '/after');
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );

  test(`[${engine}] a pipe that nobody reads holds up neither requests nor the end`, engineSkip(engine), async (t) => {
    const pipe = join(temporaryDirectory(t), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(reader));
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, plain(pipe, port, backend.address), { engine, workers: 1 });
    // more than a pipe takes, and more than waits
    for (let i = 0; i < 100; i++) assert.equal((await get(port, `/${'x'.repeat(4_000)}`)).status, 200);
    await evenkeel.said(/\d+ lines? of access logs dropped: /);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    assert.doesNotMatch(evenkeel.stderr, /hangs/);
  });

  test(`[${engine}] which requests are in a log, and in which form`, engineSkip(engine), async (t) => {
    const folder = temporaryDirectory(t);
    const backend = await startTcpBackend(t, misbehave);
    const port = await freePort();
    const yaml = `
access-logs:
  own: { file: "${folder}/own", format: '{method} {uri} "{header:X-Odd}" {status} {value:kind}' }
  json: { file: "${folder}/json", escape: json, format: '{"odd":"{header:X-Odd}"}' }
  errors: { file: "${folder}/errors", format: '{uri}', when: "{value:bad}" }
  none: { file: "${folder}/none", format: '{uri}', when: "0", errors: true }
  other: { file: "${folder}/other", format: '{uri} {client} {reason}' }
values:
  bad: { map: "{status}", regex: [ { is: "^5", value: "1" } ], otherwise: "0" }
  kind: { map: "{status}", exact: { "200": good }, otherwise: bad }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    access-log: [own, json, errors, none]
    routes:
      - { match: { path: /quiet }, respond: { body: "quiet" }, access-log: none }
      - { match: { path: /other }, respond: { body: "other" }, access-log: other }
      - { upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const client = await RawConnection.open(t, port);
    for (const [path, status] of [
      ['/ok', 200],
      ['/error', 500],
      ['/quiet', 200],
      ['/other', 200],
    ] as const) {
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Odd: a"b\\\xe4\t\r\n\r\n`);
      assert.equal((await client.response()).status, status);
    }
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    assert.deepEqual(textLines(`${folder}/own`), [
      'GET /ok "a\\x22b\\x5C\\xE4" 200 good',
      'GET /error "a\\x22b\\x5C\\xE4" 500 bad',
    ]);
    const odd = textLines(`${folder}/json`).map((line) => (JSON.parse(line) as { odd: string }).odd);
    assert.deepEqual(odd, ['a"b\\ä', 'a"b\\ä']);
    assert.deepEqual(textLines(`${folder}/errors`), ['/error']);
    assert.deepEqual(textLines(`${folder}/none`), ['/error']);
    assert.deepEqual(textLines(`${folder}/other`), ['/other 127.0.0.1 answered']);
  });

  test(
    `[${engine}] fields of responses: as servers send them, and as clients get them`,
    engineSkip(engine),
    async (t) => {
      const folder = temporaryDirectory(t);
      const backend = await startTcpBackend(t, misbehave);
      const port = await freePort();
      const yaml = `
access-logs:
  fields: { file: "${folder}/fields", format: '{path} {status} {response:X-From} {sent:X-From} {sent:X-Added} {sent:Content-Type}' }
  moved: { file: "${folder}/moved", format: '{path} {sent:location}', when: "{sent:Location}" }
  typed: { file: "${folder}/typed", format: '{path} {value:kind}', when: "{value:kind}" }
values:
  kind: { map: "{response:Content-Type}", exact: { text/x: x } }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    access-log: [fields, moved, typed]
    routes:
      - { match: { path: /away }, redirect: { to: "https://b.test/" } }
      - { match: { path: /from/hidden }, upstream: web, headers: { response: { remove: [X-From], set: { X-Added: "yes" } } } }
      - { upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
      const client = await RawConnection.open(t, port);
      for (const path of ['/from', '/from/hidden', '/away', '/ok', '/close']) {
        client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await client.response();
      }
      const clientOf2 = await session(t, port);
      await ask(clientOf2, { ':path': '/from/hidden' });
      await ask(clientOf2, { ':path': '/away' });
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
      assert.deepEqual(textLines(`${folder}/fields`), [
        '/from 200 a \\x22b\\x22 a \\x22b\\x22 - text/x',
        '/from/hidden 200 a \\x22b\\x22 - yes text/x',
        '/away 302 - - - -',
        '/ok 200 - - - -',
        '/close 502 - - - text/plain; charset=utf-8',
        '/from/hidden 200 a \\x22b\\x22 - yes text/x',
        '/away 302 - - - -',
      ]);
      assert.deepEqual(textLines(`${folder}/moved`), ['/away https://b.test/', '/away https://b.test/']);
      assert.deepEqual(textLines(`${folder}/typed`), ['/from x', '/from/hidden x', '/from/hidden x']);
    },
  );

  test(
    `[${engine}] of a proxy that is killed it is said how many lines it takes along`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      // what nobody takes waits in the proxy; of the last one the client may know first
      const evenkeel = await Evenkeel.start(t, plain('/dev/full', port, backend.address), { engine, workers: 1 });
      for (let i = 0; i < 3; i++) await get(port, `/${i}`);
      kill(evenkeel.proxies()[0], 'SIGKILL');
      await evenkeel.said(/a proxy ended before access logs had all of its lines.*lines=[23]\b/);
    },
  );
}

test('a symbolic link is followed in a folder that is ours alone, and in no other', async (t) => {
  const folder = temporaryDirectory(t);
  const backend = await startBackend(t);
  const port = await freePort();
  writeFileSync(`${folder}/theirs`, 'theirs\n');
  symlinkSync(`${folder}/theirs`, `${folder}/access.log`);
  chmodSync(folder, 0o777);
  const refused = Evenkeel.run(t, plain(`${folder}/access.log`, port, backend.address));
  assert.equal(await refused.exit, 1);
  assert.match(refused.stderr, /access log main: cannot open .*access\.log: it is a symbolic link, and others/);
  chmodSync(folder, 0o755);
  await Evenkeel.start(t, plain(`${folder}/access.log`, port, backend.address), { workers: 1 });
  await get(port, '/followed');
  await until(() => readFileSync(`${folder}/theirs`, 'utf8').includes('/followed'));
});

test('a file that cannot be opened is an error of the start', async (t) => {
  const yaml = plain('/proc/nothing/access.log', await freePort(), '127.0.0.1:1');
  const evenkeel = Evenkeel.run(t, yaml);
  assert.equal(await evenkeel.exit, 1);
  assert.match(evenkeel.stderr, /access log main: cannot open \/proc\/nothing\/access\.log/);
});

function plain(file: string, port: number, server: string): string {
  return `
access-logs: { main: { file: "${file}" } }
listeners: { web: { bind: "127.0.0.1:${port}", access-log: main, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;
}

async function campaign(t: TestContext, engine: Engine): Promise<void> {
  asked.clear();
  const file = join(temporaryDirectory(t), 'access.log');
  const server = await startTcpBackend(t, misbehave);
  const held = await RawServer.start(t);
  const nobody = `127.0.0.1:${await freePort()}`;
  const [port, admin] = [await freePort(), await freePort()];
  const yaml = `
grace: 500ms
admin: { bind: "127.0.0.1:${admin}" }
access-logs: { main: { file: "${file}" } }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    access-log: main
    timeouts: { head: 300ms, body: 300ms, half-closed: 300ms }
    routes:
      - { match: { path: /redirect }, redirect: { to: /x } }
      - { match: { path: /shut }, close: true }
      - { match: { path: /down }, upstream: down }
      - { match: { path: /hang-upstream }, upstream: impatient }
      - { match: { path: /hang-route }, upstream: web, timeout: 2s }
      - { match: { path: /one }, upstream: one }
      - { match: { path: /hang-patient }, upstream: patient }
      - { match: { path: / }, upstream: web }
upstreams:
  web: { servers: [ "${server.address}" ] }
  impatient: { servers: [ "${server.address}" ], timeouts: { response: 1s } }
  down: { servers: [ "${nobody}" ] }
  one: { servers: [ { address: "${held.address}", max-connections: 1 } ], timeouts: { queue: 300ms } }
  patient: { servers: [ { address: "${server.address}", max-connections: 1 } ], timeouts: { queue: 1h } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
  const expected = new Map<string, string>();
  /** Sends this, and lets the connection be ended as `leave` says. */
  const ask = async (
    target: string,
    wanted: string,
    rest = '\r\n\r\n',
    leave?: (client: RawConnection) => Promise<void>,
  ): Promise<void> => {
    expected.set(target, wanted);
    const client = await RawConnection.open(t, port);
    client.write(`GET ${target} HTTP/1.1\r\nHost: a${rest}`);
    if (leave !== undefined) await leave(client);
    await lineOf(file, target);
    client.socket.destroy();
  };

  await ask('/ok', '200 served by nobody in done');
  await ask('/redirect', '302 answered by nobody in done');
  await ask('/shut', '0 closed by evenkeel in request');
  await ask('/reset', '502 server-reset by server in wait');
  await ask('/close', '502 server-reset by server in wait');
  await ask('/garbage', '502 server-invalid by server in wait');
  await ask('/half', '200 server-left by server in response');
  await ask('/error', '500 served by nobody in done');
  await ask('/down', '502 connect-failed by server in connect');
  await ask('/hang-upstream', '504 server-timeout by evenkeel in wait');
  await ask('/hang-route', '504 exchange-timeout by evenkeel in wait');
  await ask('/early', '413 served by nobody in done', '\r\nContent-Length: 100000\r\n\r\nx');
  await ask('/ok-slow-body', '408 body-timeout by evenkeel in request', '\r\nContent-Length: 10\r\n\r\nabc');
  await ask('/hang-left', '0 client-left by client in wait', '\r\n\r\n', async (client) => {
    await until(() => asked.has('/hang-left'));
    client.reset();
  });
  await ask('/begin-left', '200 client-left by client in response', '\r\n\r\n', async (client) => {
    await client.until('beg');
    client.reset();
  });
  await ask('/hang-half-closed', '0 client-left by client in wait', '\r\n\r\n', async (client) => {
    await until(() => asked.has('/hang-half-closed'));
    client.end();
  });

  // one has the place, one waits for it in vain
  expected.set('/one/first', '200 served by nobody in done');
  const first = await RawConnection.open(t, port);
  first.write('GET /one/first HTTP/1.1\r\nHost: a\r\n\r\n');
  const exchange = await held.exchange();
  const second = await RawConnection.open(t, port);
  expected.set('/one/second', '503 queue-timeout by evenkeel in queue');
  second.write('GET /one/second HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await second.response()).status, 503);
  exchange.ok();
  await first.response();
  for (const one of ['/one/first', '/one/second']) await lineOf(file, one);

  // what is no request has no target, and a line all the same
  const fragments: string[] = [];
  const fragment = async (said: string, wanted: string): Promise<void> => {
    fragments.push(wanted);
    const client = await RawConnection.open(t, port);
    client.write(said);
    await until(() => linesOf(file).filter(({ target }) => target === '').length === fragments.length);
    client.socket.destroy();
  };
  await fragment('GET / HTTP/1.1\r\nHo', '408 head-timeout by evenkeel in request');
  await fragment('what is this\r\n\r\n', '400 ');

  const lines = linesOf(file);
  for (const [target, wanted] of expected) {
    const about = lines.filter((line) => line.target === target);
    assert.equal(about.length, 1, `${target}: ${about.length} lines`);
    assert.equal(told(about[0]), wanted, target);
  }
  const unread = lines.filter(({ target }) => target === '').map(told);
  assert.equal(unread.length, fragments.length);
  for (const [i, wanted] of fragments.entries()) assert.ok(unread[i].startsWith(wanted), unread[i]);
  assert.equal(lines.length, expected.size + fragments.length);
  assert.equal(new Set(lines.map(({ id }) => id)).size, lines.length, 'each has an identifier of its own');
  assertCounted(await Scrape.of(admin), lines);
  const socket = await connect(port);
  socket.destroy();

  // what is left when `grace` is over
  const cut = [
    ['/begin-cut', '200 retired by evenkeel in response'],
    ['/hang-patient-cut', '503 going-away by evenkeel in wait'],
    ['/hang-patient-queued', '503 going-away by evenkeel in queue'],
  ] as const;
  const answered: Promise<Response>[] = [];
  for (const [target] of cut) {
    const client = await RawConnection.open(t, port);
    client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    if (target === '/begin-cut') await client.until('beg');
    else answered.push(client.response());
    if (target === '/hang-patient-cut') await until(() => asked.has(target));
  }
  const begun = await RawConnection.open(t, port);
  begun.write('GET /fragment HTTP/1.1\r\n');
  await until(async () => (await Scrape.of(admin)).sum('evenkeel_upstream_waiting', { upstream: 'patient' }) === 1);
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
  assert.deepEqual(
    (await Promise.all(answered)).map(({ status }) => status),
    [503, 503],
  );
  const last = linesOf(file).slice(lines.length);
  for (const [target, wanted] of cut) assert.equal(told(last.find((line) => line.target === target)!), wanted, target);
  assert.equal(last.length, cut.length + 1, 'a connection without a request has no line, and a part of one has');
}

/** Metrics are the sum of the lines: of all of them, by status and by reason, in bytes, and by listener and by route. */
function assertCounted(scrape: Scrape, lines: readonly Line[]): void {
  for (const name of ['evenkeel_listener_requests_total', 'evenkeel_http_requests_total'])
    for (const [ofClass, status] of [
      ['none', 0],
      ['2xx', 2],
      ['3xx', 3],
      ['4xx', 4],
      ['5xx', 5],
    ] as const)
      assert.equal(
        scrape.sum(name, { listener: 'web', code_class: ofClass }),
        lines.filter((line) => Math.floor(line.status / 100) === status).length,
        `${name} ${ofClass}`,
      );
  for (const reason of new Set(lines.map((line) => line.reason)))
    assert.equal(
      scrape.sum('evenkeel_http_endings_total', { reason }),
      lines.filter((line) => line.reason === reason).length,
      reason,
    );
  assert.equal(scrape.sum('evenkeel_http_endings_total'), lines.length);
  assert.equal(scrape.sum('evenkeel_http_request_duration_seconds_count'), lines.length);
  for (const [side, of] of [
    ['received', ({ received }: Line) => received],
    ['sent', ({ sent }: Line) => sent],
  ] as const) {
    const bytes = lines.reduce((sum, line) => sum + of(line), 0);
    assert.equal(scrape.sum(`evenkeel_http_${side}_bytes_total`), bytes);
    assert.equal(scrape.sum(`evenkeel_listener_${side}_bytes_total`), bytes);
  }
  // each is counted with its route, and those that none takes without one
  for (const [route, count] of [
    ['/one', 2],
    ['/redirect', 1],
    ['/shut', 1],
    ['', 2],
  ] as const)
    assert.equal(scrape.sum('evenkeel_http_requests_total', { route }), count, route);
  assert.equal(scrape.sum('evenkeel_upstream_queue_seconds_count', { upstream: 'one' }), 1);
}
