/** How the program starts, and how it says that it cannot. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get, kill, startBackend } from './evenkeel.ts';

const web = (bind: string, server: string): string => `
listeners: { web: { bind: ${bind}, protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;

for (const engine of ENGINES) {
  test(`[${engine}] run prints one line when every listener accepts, and serves`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, web(`"*:${port}"`, backend.address), { engine });
    assert.match(
      evenkeel.stdout,
      new RegExp(`^evenkeel \\d+\\.\\d+\\.\\d+ ready: web \\*:${port}; 2 proxies, engine ${engine}\\n$`),
    );
    assert.deepEqual(await get(port), { status: 200, body: `${backend.port}\n` });
    assert.equal(evenkeel.proxies().length, 2);
  });

  test(`[${engine}] a Unix socket is listened on, and gone after the end`, engineSkip(engine), async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'web.sock');
    const backend = await startBackend(t);
    const evenkeel = await Evenkeel.start(t, web(`"unix:${path}"`, backend.address), { engine });
    const socket = net.connect(path);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    assert.match(data.toString(), /^HTTP\/1\.1 200 /);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    assert.ok(!existsSync(path));
  });

  test(`[${engine}] servers on a Unix socket are reached`, engineSkip(engine), async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'backend.sock');
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nunix\n'));
    });
    server.listen(path);
    await once(server, 'listening');
    t.after(() => server.close());
    // The proxies are not root, even if this test is.
    chmodSync(directory, 0o755);
    chmodSync(path, 0o666);
    const port = await freePort();
    await Evenkeel.start(t, web(`"127.0.0.1:${port}"`, `unix:${path}`), { engine });
    assert.deepEqual(await get(port), { status: 200, body: 'unix\n' });
  });
}

for (const engine of ENGINES) {
  test(
    `[${engine}] a port that is taken at the start is listened on when it is free; ready and status say what is missing`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const other = net.createServer();
      const [port, taken] = [await freePort(), await freePort()];
      other.listen(taken, '127.0.0.1');
      await once(other, 'listening');
      t.after(() => other.close());
      const yaml = `
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  more: { bind: ["127.0.0.1:${taken}"], routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine });
      assert.match(evenkeel.stdout, new RegExp(`; not open: more 127.0.0.1:${taken} \\(port ${taken} is taken by`));
      assert.match(evenkeel.stderr, /error listener more .* it is tried again/);
      assert.equal((await get(port)).status, 200);
      other.close();
      await evenkeel.said(/listener more 127\.0\.0\.1:\d+ accepts now/);
      for (let i = 0; i < 20; i++) assert.equal((await get(taken)).status, 200);

      const [pid] = evenkeel.proxies();
      kill(pid, 'SIGKILL');
      await evenkeel.said(/serves again/);
      for (let i = 0; i < 20; i++) assert.equal((await get(taken)).status, 200);
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}

test('--version and --help work from bin/evenkeel', async (t) => {
  const version = Evenkeel.spawn(t, ['--version']);
  assert.equal(await version.exit, 0);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const help = Evenkeel.spawn(t, ['run', '--help']);
  assert.equal(await help.exit, 0);
  assert.match(help.stdout, /^Usage: evenkeel run/);
});

test('a port that another program has ends the start with its name', engineSkip('node'), async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const evenkeel = Evenkeel.run(t, web(`"127.0.0.1:${port}"`, '127.0.0.1:9'), { engine: 'node' });
  assert.equal(await evenkeel.exit, 1);
  assert.match(
    evenkeel.stderr,
    new RegExp(`listener web 127\\.0\\.0\\.1:${port}: port ${port} is taken by .* \\(pid ${process.pid}\\)`),
  );
  assert.match(evenkeel.stderr, /cannot start: no listener could be opened/);
  assert.equal(evenkeel.stdout, '');
});

test('one listener that cannot be opened does not stop the others', engineSkip('node'), async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port: takenPort } = taken.address() as net.AddressInfo;
  const backend = await startBackend(t);
  const port = await freePort();
  const yaml = `
listeners:
  bad: { bind: "127.0.0.1:${takenPort}", protocol: tcp, upstream: web }
  web: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node' });
  assert.match(evenkeel.stdout, new RegExp(`ready: web 127\\.0\\.0\\.1:${port};`));
  assert.match(evenkeel.stderr, /error listener bad/);
  assert.equal((await get(port)).status, 200);
});

test(
  'the same configuration started twice is refused instead of sharing the port in silence',
  engineSkip('node'),
  async (t) => {
    const port = await freePort();
    const yaml = web(`"127.0.0.1:${port}"`, '127.0.0.1:9');
    await Evenkeel.start(t, yaml, { engine: 'node' });
    const second = Evenkeel.run(t, yaml, { engine: 'node' });
    assert.equal(await second.exit, 1);
    assert.match(second.stderr, /is taken by/);
  },
);

test('a reserved port without the privilege is refused with the remedy', engineSkip('node'), async (t) => {
  const firstFree = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  if (firstFree <= 79) return t.skip('every user may use every port here');
  // Root without the one capability.
  const through = process.getuid!() === 0 ? ['setpriv', '--bounding-set=-net_bind_service'] : [];
  const evenkeel = Evenkeel.run(t, web('"127.0.0.1:79"', '127.0.0.1:9'), { engine: 'node', through });
  assert.equal(await evenkeel.exit, 1);
  assert.match(evenkeel.stderr, /CAP_NET_BIND_SERVICE/);
});

test(
  'an address that is on the other machine now is listened on for the moment when it comes',
  engineSkip('node'),
  async (t) => {
    const evenkeel = await Evenkeel.start(t, web(`"192.0.2.1:${await freePort()}"`, '127.0.0.1:9'), { engine: 'node' });
    assert.match(evenkeel.stderr, /192\.0\.2\.1 is not an address of this machine now/);
  },
);

test('a configuration with errors is refused with every place and exit code 1', async (t) => {
  const evenkeel = Evenkeel.run(t, 'listeners: { web: { bnd: "*:80" } }\nupstream: {}\n');
  assert.equal(await evenkeel.exit, 1);
  assert.match(evenkeel.stderr, /evenkeel\.yaml:1:\d+: /);
  assert.match(evenkeel.stderr, /evenkeel\.yaml:2:\d+: /);
});

test('a file that is not there is exit code 1', async (t) => {
  const evenkeel = Evenkeel.spawn(t, ['run', '/nonexistent/evenkeel.yaml']);
  assert.equal(await evenkeel.exit, 1);
  assert.match(evenkeel.stderr, /\/nonexistent\/evenkeel\.yaml/);
});

test('the service manager is told when it is ready and when it ends', engineSkip('node'), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { linuxNotifySocket } = await import('./notify-socket.ts');
  const notify = linuxNotifySocket(t, join(directory, 'notify'));
  const port = await freePort();
  const yaml = web(`"127.0.0.1:${port}"`, '127.0.0.1:9');
  const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', env: { NOTIFY_SOCKET: notify.path } });
  assert.equal(notify.read(), 'READY=1');
  (await connect(port)).destroy();
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
  assert.equal(notify.read(), 'STOPPING=1');
});

test('a second one that has no socket for itself says what to do', async (t) => {
  const start = async (...args: string[]): Promise<Evenkeel> => {
    return Evenkeel.start(t, web(`"127.0.0.1:${await freePort()}"`, '127.0.0.1:1'), {
      engine: 'node',
      workers: 1,
      args,
    });
  };
  const path = join(mkdtempSync(join(tmpdir(), 'evenkeel-test-')), 'evenkeel.sock');
  t.after(() => rmSync(dirname(path), { recursive: true, force: true }));
  await start('--socket', path);
  const second = await start('--socket', path);
  await second.said(
    / warn {2}no socket for `evenkeel status` at \S+: another evenkeel answers on \S+; start this one with `--socket PATH`: until/,
  );
});
