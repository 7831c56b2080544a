/** Servers, listeners and the node are drained, disabled and weighed by hand, over what the file says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ListenerView, ServerView } from '../src/api/data-plane.ts';
import type { StatusDocument } from '../src/api/status.ts';
import { askOverride, askReload, askStatus } from '../src/commands/control-client.ts';
import {
  connect,
  endOf,
  engineSkip,
  ENGINES,
  type Engine,
  Evenkeel,
  freePort,
  get,
  program,
  startBackend,
  startLoad,
  startTcpBackend,
} from './evenkeel.ts';
import { endAfter } from './upgrading.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One evenkeel with a directory of its own, where its socket and its state are. */
class Instance {
  readonly directory: string;
  readonly file: string;
  evenkeel!: Evenkeel;
  private readonly t: TestContext;
  private readonly engine: Engine;
  private readonly workers: number;

  constructor(t: TestContext, engine: Engine, yaml: string, workers: number) {
    this.workers = workers;
    this.t = t;
    this.engine = engine;
    this.directory = mkdtempSync(join(tmpdir(), 'evenkeel-hands-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.file = join(this.directory, 'evenkeel.yaml');
    writeFileSync(this.file, yaml);
  }

  static async start(t: TestContext, engine: Engine, yaml: string, workers = 2): Promise<Instance> {
    const instance = new Instance(t, engine, yaml, workers);
    await instance.run();
    return instance;
  }

  async run(): Promise<void> {
    const args = ['run', this.file, '--workers', `${this.workers}`, '--engine', this.engine];
    this.evenkeel = Evenkeel.spawn(this.t, args, { env: this.env });
    await this.evenkeel.said(/ready: /);
  }

  /** `evenkeel ...`, as an operator types it. */
  async say(...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...this.env } });
    const ran = { code: 0, out: '', err: '' };
    child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { ...ran, code };
  }

  /** The same without a process of its own: `server web/192.0.2.7:80 drain`. */
  async order(kind: 'server' | 'listener' | 'node', name: string, word: string, weight?: number): Promise<void> {
    const slash = name.indexOf('/');
    const place = {
      server: `upstreams/${name.slice(0, slash)}/servers/${name.slice(slash + 1)}`,
      listener: `listeners/${name}`,
      node: 'node',
    };
    const given = { by: 'alice', ...(weight === undefined ? {} : { to: String(weight) }) };
    await askOverride(join(this.directory, 'evenkeel.sock'), `/v1/${place[kind]}/${word}`, given);
  }

  status(): Promise<StatusDocument> {
    return askStatus(join(this.directory, 'evenkeel.sock'));
  }

  async server(name: string): Promise<ServerView> {
    const { upstreams } = await this.status();
    return upstreams.flatMap(({ servers }) => servers).find((server) => server.name === name)!;
  }

  async listener(name: string): Promise<ListenerView> {
    return (await this.status()).listeners.find((listener) => listener.name === name)!;
  }

  /** The status of `GET /v1/ready`. */
  readiness(): Promise<number> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: join(this.directory, 'evenkeel.sock'), path: '/v1/ready', agent: false };
      http.get(options, (response) => resolve(response.resume().statusCode!)).on('error', reject);
    });
  }

  private get env(): NodeJS.ProcessEnv {
    return { RUNTIME_DIRECTORY: this.directory, STATE_DIRECTORY: this.directory, SUDO_USER: 'alice' };
  }
}

async function echo(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

test('an order that cannot be written down holds, also over an upgrade, and is written when that is possible', async (t) => {
  const server = await startBackend(t);
  const instance = await Instance.start(
    t,
    ENGINES[0],
    `
node: lb01
listeners: { web: { bind: "127.0.0.1:${await freePort()}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server.address}", "127.0.0.1:1" ] } }
`,
    1,
  );
  const blocked = join(instance.directory, 'overrides.lb01.json.next');
  mkdirSync(blocked);
  const order = ['server', 'drain', `web/${server.address}`];
  const failed = await instance.say(...order);
  assert.equal(failed.code, 1);
  assert.match(failed.out, /: drained; the file says enabled/);
  const forgotten =
    /restarted, which will forget what was said by hand: \S+overrides\.lb01\.json cannot be written: it is a directory/;
  assert.match(failed.err, forgotten);
  assert.equal((await instance.server(server.address)).state, 'draining', 'it holds');
  await instance.evenkeel.said(/ warn {2}a restart will forget what was said by hand: .*cannot be written/);
  assert.match((await instance.say('status')).out, /^warning: a restart will forget what was said by hand: /m);

  // A successor could not read it either.
  const { pid } = await instance.status();
  assert.equal((await instance.say('upgrade')).code, 0);
  const successor = await instance.status();
  endAfter(t, successor.pid);
  assert.notEqual(successor.pid, pid);
  assert.equal((await instance.server(server.address)).state, 'draining', 'it holds over an upgrade');
  assert.match((await instance.say('status')).out, /^warning: a restart will forget what was said by hand: /m);

  rmdirSync(blocked);
  await instance.evenkeel.said(
    / info {2}what was said by hand: \S+overrides\.lb01\.json could be written: a restart forgets nothing/,
  );
  assert.match(readFileSync(join(instance.directory, 'overrides.lb01.json'), 'utf8'), /"state": "drain"/);
  const stored = await instance.say(...order);
  assert.deepEqual([stored.code, stored.err], [0, '']);
  assert.doesNotMatch((await instance.say('status')).out, /will forget/);
});

test('who drains the last server beside one that is down is told so, behind the order', async (t) => {
  const server = await startBackend(t);
  const instance = await Instance.start(
    t,
    ENGINES[0],
    `
listeners: { web: { bind: "127.0.0.1:${await freePort()}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server.address}", "127.0.0.1:1" ], health: { tcp: true, interval: 100ms } } }
`,
    1,
  );
  await instance.evenkeel.said(/ server web\/127\.0\.0\.1:1 down: /);
  const text = `upstream web: no server takes new clients any more: ${server.address} is drained, 127.0.0.1:1 is down\n`;
  const drained = await instance.say('server', 'drain', `web/${server.address}`);
  assert.equal(drained.code, 0);
  assert.ok(`${drained.out}${drained.err}`.endsWith(`warning: ${text}`), drained.out + drained.err);
  const log = instance.evenkeel.stderr;
  assert.ok(log.indexOf(': drained; the file says enabled') < log.indexOf(` warn  ${text}`), log);
  assert.doesNotMatch(log, /no server is up/);
});

for (const engine of ENGINES) {
  test(`[${engine}] a drained server gets no new client, and what is open goes on`, engineSkip(engine), async (t) => {
    const [first, second] = [await startTcpBackend(t, (socket) => socket.pipe(socket)), await startBackend(t)];
    const third = await startBackend(t);
    const [tcpPort, port] = [await freePort(), await freePort()];
    const instance = await Instance.start(
      t,
      engine,
      `
listeners:
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: echo }
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
upstreams:
  echo: { servers: [ "${first.address}" ] }
  web: { servers: [ "${second.address}", "${third.address}" ] }
`,
    );
    const session = await connect(tcpPort);
    assert.equal(await echo(session, 'before'), 'before');
    const load = startLoad(t, port, 4);
    const name = `web/${second.address}`;
    const drained = await instance.say('server', 'drain', name, '--wait', '60s');
    assert.equal(drained.code, 0, drained.out + drained.err);
    assert.match(
      drained.out,
      new RegExp(
        `^server ${name}: drained; the file says enabled\nserver ${name}: no connection is left after .* s\n$`,
      ),
    );
    const { count } = second;
    for (let i = 0; i < 20; i++) assert.equal((await get(port)).body, `${third.port}\n`);
    assert.equal(second.count, count);
    assert.equal((await instance.server(second.address)).state, 'draining');
    await instance.order('server', `web/${third.address}`, 'disable');
    assert.equal((await get(port)).status, 503);
    await instance.order('server', `web/${third.address}`, 'enable');
    const { failures } = await load.stop();
    assert.ok(failures.every((failure) => failure === 'status 503'));

    // A session keeps its server waiting.
    const waited = await instance.say('server', 'drain', `echo/${first.address}`, '--wait', '1s');
    assert.equal(waited.code, 1);
    assert.match(waited.out, /: 1 connection is left after 1\.\d s\n$/);
    assert.equal(await echo(session, 'after'), 'after');
    assert.equal(await endOf(tcpPort), 'ECONNRESET');
    await instance.order('server', `echo/${first.address}`, 'enable');
    assert.equal(await echo(await connect(tcpPort), 'again'), 'again');
    session.destroy();
  });

  test(
    `[${engine}] with a hash, a drained server keeps its keys and a disabled one does not`,
    engineSkip(engine),
    async (t) => {
      const [first, second] = [await startBackend(t), await startBackend(t)];
      const port = await freePort();
      const instance = await Instance.start(
        t,
        engine,
        `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { balance: hash, hash: { query: user }, servers: [ "${first.address}", "${second.address}" ] } }
`,
      );
      const answers = async (): Promise<string[]> => {
        const bodies: string[] = [];
        for (let i = 0; i < 32; i++) bodies.push((await get(port, `/?user=${i}`)).body);
        return bodies;
      };
      const before = await answers();
      assert.ok(before.includes(`${first.port}\n`) && before.includes(`${second.port}\n`));
      await instance.order('server', `web/${first.address}`, 'drain');
      assert.deepEqual(await answers(), before);
      await instance.order('server', `web/${first.address}`, 'disable');
      assert.ok((await answers()).every((body) => body === `${second.port}\n`));
      await instance.order('server', `web/${first.address}`, 'enable');
      assert.deepEqual(await answers(), before);
    },
  );

  test(
    `[${engine}] a drained listener refuses new connections, ends none, and accepts again`,
    engineSkip(engine),
    async (t) => {
      const backend = await startTcpBackend(t, (socket) => socket.pipe(socket));
      const [port, other] = [await freePort(), await freePort()];
      const instance = await Instance.start(
        t,
        engine,
        `
listeners:
  one: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: echo }
  other: { bind: "127.0.0.1:${other}", protocol: tcp, upstream: echo }
upstreams: { echo: { servers: [ "${backend.address}" ] } }
`,
      );
      const session = await connect(port);
      assert.equal(await echo(session, 'before'), 'before');
      const waited = await instance.say('listener', 'drain', 'one', '--wait', '1s');
      assert.equal(waited.code, 1);
      assert.match(waited.out, /^listener one: drained; the file says enabled\nlistener one: 1 connection is left /);
      await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
      assert.equal(await echo(session, 'after'), 'after');
      assert.equal((await instance.listener('one')).state, 'drained');
      assert.equal((await instance.listener('other')).state, 'open');
      // With the last one closed too, a restart has nothing to open, and starts.
      await instance.order('listener', 'other', 'drain');
      session.destroy();
      assert.equal((await instance.say('listener', 'drain', 'one', '--wait', '60s')).code, 0);
      instance.evenkeel.signal('SIGTERM');
      assert.equal(await instance.evenkeel.exit, 0);
      await instance.run();
      await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
      await instance.order('listener', 'one', 'enable');
      assert.equal(await echo(await connect(port), 'again'), 'again');
    },
  );

  test(`[${engine}] a drained node says so first, and asks its clients to go`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const instance = await Instance.start(
      t,
      engine,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: { exact: /ready } }, ready: true }
      - { upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
    );
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.deepEqual(await get(port, '/ready', agent), { status: 200, body: 'ready\n' });
    assert.equal(await instance.readiness(), 200);
    assert.equal((await instance.listener('web')).connections, 1);
    assert.equal((await instance.say('node', 'drain')).out, 'node: drained; the file says enabled\n');
    assert.equal(await instance.readiness(), 503);
    // Whoever comes is served.
    assert.equal((await get(port)).status, 200);
    assert.deepEqual(await get(port, '/ready', agent), { status: 503, body: 'drained\n' });
    const waited = await instance.say('node', 'drain', '--wait', '60s');
    assert.equal(waited.code, 0, waited.out);
    await instance.order('node', '', 'enable');
    assert.deepEqual(await get(port, '/ready', agent), { status: 200, body: 'ready\n' });
    assert.equal(await instance.readiness(), 200);
  });
}

const linux = engineSkip('node');

test('what was said by hand outlives reloads and a restart, and status says who said it', linux, async (t) => {
  const [first, second] = [await startBackend(t), await startBackend(t)];
  const port = await freePort();
  const yaml = (server: string): string => `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ { address: "${first.address}"${server} }, "${second.address}" ] } }
`;
  // One proxy, so that turns are exact.
  const instance = await Instance.start(t, 'node', yaml(''), 1);
  const name = `server web/${first.address}`;
  const ofFirst = async (): Promise<number> => {
    const before = first.count;
    for (let i = 0; i < 8; i++) assert.equal((await get(port)).status, 200);
    return first.count - before;
  };
  assert.equal(await ofFirst(), 4);
  await instance.order('server', `web/${first.address}`, 'weight', 3);
  assert.equal(await ofFirst(), 6);
  assert.equal((await instance.server(first.address)).weight, 3);
  await instance.order('server', `web/${first.address}`, 'drain');
  await instance.evenkeel.said(new RegExp(`${name}, by alice: drained, weight 3; the file says enabled, weight 1`));
  assert.equal(await ofFirst(), 0);

  writeFileSync(instance.file, yaml(', weight: 2, state: disabled'));
  await askReload(join(instance.directory, 'evenkeel.sock'), 'alice');
  await instance.evenkeel.said(
    new RegExp(
      `${name} stays as it was said by hand by alice at .*: drained, weight 3; the file says disabled, weight 2`,
    ),
  );
  assert.equal((await instance.server(first.address)).state, 'draining');
  instance.evenkeel.signal('SIGTERM');
  assert.equal(await instance.evenkeel.exit, 0);
  await instance.run();
  await instance.evenkeel.said(new RegExp(`${name} stays as it was said by hand by alice`));
  assert.equal(await ofFirst(), 0);
  const { overrides } = await instance.status();
  assert.equal(overrides.length, 1);
  const { ageMs, ...override } = overrides[0];
  assert.ok(ageMs > 0);
  assert.deepEqual(override, {
    subject: name,
    state: 'drain',
    weight: 3,
    by: 'alice',
    file: { state: 'disabled', weight: 2 },
  });
  const { out } = await instance.say('status');
  assert.match(
    out,
    new RegExp(`by hand: ${name} drained, weight 3; the file says disabled, weight 2 \\(alice, .* ago\\)`),
  );
  assert.match(out, new RegExp(`server {2}web/${first.address} +draining +\\S+ s +weight 3`));

  // The file's word holds again.
  writeFileSync(instance.file, yaml(', weight: 3, state: drain'));
  await askReload(join(instance.directory, 'evenkeel.sock'), 'alice');
  await instance.evenkeel.said(new RegExp(`${name}: what was said by hand has ended: the file says the same`));
  const view = await instance.server(first.address);
  assert.deepEqual([view.state, view.reason], ['draining', '`state: drain` in the file']);
  await instance.order('server', `web/${first.address}`, 'enable');
  assert.equal(await ofFirst(), 6);
});

test('what is not there, or cannot be done, is an error that says what to write', linux, async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const instance = await Instance.start(
    t,
    'node',
    `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
  );
  const wrong = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await instance.say(...args);
    assert.equal(code, 1);
    assert.equal(out, '');
    return err;
  };
  assert.equal(
    await wrong('server', 'drain', `wbe/${backend.address}`),
    `evenkeel: there is no server wbe/${backend.address}; did you mean web/${backend.address}?\n`,
  );
  assert.equal(await wrong('listener', 'drain', 'mysql'), 'evenkeel: there is no listener mysql; write web\n');
  await instance.order('listener', 'web', 'drain');
  const taken = http.createServer().listen(port, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  assert.match(
    await wrong('listener', 'enable', 'web'),
    new RegExp(`listener web 127\\.0\\.0\\.1:${port}: port ${port} is taken`),
  );
  assert.equal((await instance.listener('web')).state, 'drained');
});
