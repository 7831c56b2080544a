/** `evenkeel status` says which instance it asked, and of everything in it why it is as it is and since when. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ServerView } from '../src/api/data-plane.ts';
import type { StatusDocument } from '../src/api/status.ts';
import { askSocket } from './control-socket.ts';
import {
  connect,
  engineSkip,
  ENGINES,
  type Engine,
  Evenkeel,
  freePort,
  get,
  kill,
  program,
  startBackend,
  startTcpBackend,
  WAIT_MS,
} from './evenkeel.ts';
import { until } from './waiting.ts';

class Instance {
  readonly evenkeel: Evenkeel;
  readonly directory: string;
  readonly file: string;

  private constructor(evenkeel: Evenkeel, directory: string) {
    this.evenkeel = evenkeel;
    this.directory = directory;
    this.file = join(directory, 'evenkeel.yaml');
  }

  /** With a runtime directory of its own, as the service manager gives it. */
  static async start(t: TestContext, yaml: string, engine: Engine): Promise<Instance> {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-status-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    writeFileSync(join(directory, 'evenkeel.yaml'), yaml);
    const args = ['run', join(directory, 'evenkeel.yaml'), '--workers', '2', '--engine', engine];
    const evenkeel = Evenkeel.spawn(t, args, { env: { RUNTIME_DIRECTORY: directory } });
    await evenkeel.said(/ready: /);
    return new Instance(evenkeel, directory);
  }

  status(...args: string[]): string {
    const env = { ...process.env, RUNTIME_DIRECTORY: this.directory };
    const ran = spawnSync(process.execPath, [program, 'status', ...args], { encoding: 'utf8', env, timeout: WAIT_MS });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout;
  }

  /** Asks the socket itself: a process per question would take longer than what is asked about. */
  document(): Promise<StatusDocument> {
    return askSocket(join(this.directory, 'evenkeel.sock'), 'GET', '/v1/status');
  }

  async until(isSo: (document: StatusDocument) => boolean): Promise<StatusDocument> {
    let document!: StatusDocument;
    await until(
      async () => isSo((document = await this.document())),
      () => JSON.stringify(document, null, 1),
    );
    return document;
  }
}

function server(document: StatusDocument, upstream: string, index: number): ServerView {
  const found = document.upstreams.find(({ name }) => name === upstream)?.servers[index];
  assert.ok(found !== undefined);
  return found;
}

for (const engine of ENGINES) {
  test(`${engine}: a server's state has its reason, its time and what was seen last`, engineSkip(engine), async (t) => {
    const good = await startBackend(t);
    const bad = await startBackend(t, (request, response) => {
      response.statusCode = request.url === '/healthz' ? 500 : 200;
      response.end();
    });
    const failing = await startTcpBackend(t, (socket) => socket.destroy());
    const port = await freePort();
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes: [ { match: { path: /eject }, upstream: eject, retry: { attempts: 1 } }, { match: { path: /name }, upstream: name }, { upstream: checked } ]
upstreams:
  checked:
    servers: [ "${good.address}", { address: "${bad.address}", weight: 3, backup: true, max-connections: 7 } ]
    health: { http: /healthz, interval: 60s, timeout: 60s }
  eject:
    servers: [ "${good.address}", "${failing.address}" ]
    passive: { failures: 2, within: 10s, eject: 60s }
  name: { servers: [ "nobody.invalid:80" ] }
`;
    const instance = await Instance.start(t, yaml, engine);
    const first = await instance.until((document) => server(document, 'checked', 1).state === 'down');
    const down = server(first, 'checked', 1);
    assert.match(down.reason, /^[12] probes? failed, last: status 500$/);
    assert.ok(down.stateAgeMs !== null && down.stateAgeMs >= 0);
    assert.deepEqual([down.lastCheck?.isPassed, down.lastCheck?.detail], [false, 'status 500']);
    assert.deepEqual([down.weight, down.isBackup, down.maxConnections], [3, true, 7]);

    const up = server(await instance.until((document) => server(document, 'checked', 0).state === 'up'), 'checked', 0);
    assert.equal(up.lastCheck?.isPassed, true);

    const unchecked = server(first, 'eject', 0);
    assert.deepEqual([unchecked.state, unchecked.reason], ['unchecked', 'no health check']);
    const unresolved = server(first, 'name', 0);
    assert.deepEqual([unresolved.state, unresolved.address], ['unresolved', null]);
    assert.notEqual(unresolved.reason, '');

    while (server(await instance.document(), 'eject', 1).state !== 'ejected') await get(port, '/eject');
    const ejected = server(await instance.document(), 'eject', 1);
    assert.match(ejected.reason, /^2 failures within 10 s, last: /);
    assert.ok(ejected.ejectedForMs !== null && ejected.ejectedForMs > 0 && ejected.ejectedForMs <= 60_000);
    assert.notEqual(ejected.lastFailure, null);

    const text = instance.status();
    assert.match(text, /^server {2}checked\/\S+ +down .*weight 3, backup, at most 7 .*last: status 500; checked /m);
    assert.match(text, /^server {2}eject\/\S+ +ejected .*2 failures within 10 s.*takes requests again in /m);
    assert.match(text, /^server {2}eject\/\S+ +unchecked .* no health check$/m);
    assert.match(text, /^server {2}name\/nobody\.invalid:80 +unresolved /m);
    assert.match(text, /^upstream {2}name +round-robin +no server$/m);
  });

  test(`${engine}: who waits for a server is counted, and nobody when it is over`, engineSkip(engine), async (t) => {
    const held: http.ServerResponse[] = [];
    const slow = await startBackend(t, (_, response) => void held.push(response));
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ { address: "${slow.address}", max-connections: 1 } ], timeouts: { queue: 1h } } }
`;
    const instance = await Instance.start(t, yaml, engine);
    const answers = [get(port)];
    await instance.until(({ upstreams }) => upstreams[0].servers[0].connections === 1);
    answers.push(get(port), get(port));
    await instance.until(({ upstreams }) => upstreams[0].waiting === 2);
    const answering = setInterval(() => held.pop()?.end(), 5);
    await Promise.all(answers);
    clearInterval(answering);
    await instance.until(({ upstreams }) => upstreams[0].waiting === 0);
  });
}

test('which instance was asked, and whether its file has changed since', engineSkip('node'), async (t) => {
  const port = await freePort();
  const yaml = `listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { respond: {} } ] } }\n`;
  const instance = await Instance.start(t, yaml, 'node');
  const same = instance.status();
  assert.match(
    same,
    new RegExp(
      `^asked on ${instance.directory}/evenkeel.sock; configuration ${instance.file} \\([0-9a-f]{12}\\)$`,
      'm',
    ),
  );
  assert.equal((await instance.document()).format, 1);
  for (const line of instance.status('--json').split('\n')) assert.doesNotMatch(line, /Ms": [0-9]+\./);
  writeFileSync(instance.file, `${yaml}\n`);
  assert.match(instance.status(), /, changed on disk since it was loaded$/m);
  rmSync(instance.file);
  assert.match(instance.status(), /, which cannot be read any more$/m);
});

test('an address that could not be opened is shown beside those that could', engineSkip('node'), async (t) => {
  const taken = await startBackend(t);
  const port = await freePort();
  const yaml = `listeners: { web: { bind: [ "127.0.0.1:${port}", "${taken.address}" ], routes: [ { respond: {} } ] } }\n`;
  const instance = await Instance.start(t, yaml, 'node');
  const [listener] = (await instance.document()).listeners;
  assert.equal(listener.state, 'open');
  assert.deepEqual(
    listener.binds.map(({ address, failure }) => [address, failure === null]),
    [
      [`127.0.0.1:${port}`, true],
      [taken.address, false],
    ],
  );
  assert.match(instance.status(), new RegExp(`${taken.address}: port ${taken.port} is taken by `));
});

test(
  'a proxy that has ended is not starting, and one that drains does not look open',
  engineSkip('node'),
  async (t) => {
    const port = await freePort();
    const held: http.ServerResponse[] = [];
    const slow = await startBackend(t, (_, response) => void held.push(response));
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${slow.address}" ] } }
`;
    const instance = await Instance.start(t, yaml, 'node');
    // The first end is followed by a start at once, later ones wait.
    const ended = await instance.until(({ proxies }) => {
      if (proxies.some(({ state }) => state === 'ended')) return true;
      if (proxies[0].pid > 0) kill(proxies[0].pid, 'SIGKILL');
      return false;
    });
    const proxy = ended.proxies.find(({ state }) => state === 'ended');
    assert.deepEqual([proxy?.pid, proxy?.lastEnd?.reason], [0, 'killed by SIGKILL']);
    await instance.until(({ proxies }) => proxies.every(({ state }) => state === 'serving'));

    const answer = get(port);
    await instance.until(({ proxies }) => proxies.some(({ connections }) => connections === 1) && held.length === 1);
    instance.evenkeel.signal('SIGTERM');
    const draining = await instance.until(({ listeners }) => listeners[0].state !== 'open');
    assert.equal(draining.listeners[0].state, 'draining');
    // First the queues of the listening sockets are emptied.
    await instance.until(({ proxies }) => proxies.some(({ state }) => state === 'draining'));
    held[0].end('done');
    assert.equal((await answer).body, 'done');
    assert.equal(await instance.evenkeel.exit, 0);
    await assert.rejects(connect(port));
  },
);

test('who answers with something else than a status is told apart, in one line', engineSkip('node'), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-status-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'other.sock');
  let body = '';
  const other = http.createServer((_, response) => void response.end(body)).listen(path);
  t.after(() => other.close());
  await once(other, 'listening');
  const asked = async (): Promise<string> => {
    const child = spawn(process.execPath, [program, 'status', '--socket', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1, said);
    return said;
  };
  for (body of ['{}', 'null', '7', 'hello']) {
    assert.equal(await asked(), `evenkeel: ${path}: the answer is not from evenkeel\n`);
  }
  body = '{"format":2,"listeners":{}}';
  const ask = 'ask with the version that runs there';
  assert.equal(
    await asked(),
    `evenkeel: ${path}: the status is of format 2, and this evenkeel reads format 1: ${ask}\n`,
  );
});
