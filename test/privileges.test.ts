/** What the proxies are left with when evenkeel is started as root, and what comes of less than it needs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, get, kill, startBackend } from './evenkeel.ts';
import { evenkeel as command } from './running-node.ts';

const isRoot = process.getuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'needs root, which is what is given up' };

const configuration = (port: number, server: string, first = ''): string => `
${first}
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;

/** A field of the status of each thread of a process. */
function ofThreads(pid: number, field: string): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '';
  });
}

function every(pid: number, field: string, value: string | RegExp): void {
  for (const found of ofThreads(pid, field))
    assert.match(found, typeof value === 'string' ? exactly(value) : value, field);
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text}$`);
}

const NO_CAPABILITIES = '0000000000000000';

function assertPowerless(pid: number, uid: number, groups: string): void {
  every(pid, 'Uid', `${uid}\\t${uid}\\t${uid}\\t${uid}`);
  every(pid, 'Groups', groups);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) every(pid, set, NO_CAPABILITIES);
  every(pid, 'NoNewPrivs', '1');
  every(pid, 'Seccomp', '2');
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^CapBnd:\\s*${NO_CAPABILITIES}$`, 'm'));
  assert.equal(statSync(`/proc/${pid}/environ`).uid, 0, 'what cannot be dumped belongs to root');
}

for (const engine of ENGINES) {
  const { skip } = engineSkip(engine);
  const options = { skip: skip === false ? needsRoot.skip : skip };

  test(
    `[${engine}] started as root, a proxy has a user of its own and no privilege in any thread`,
    options,
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine });
      const uid = Number(/ user=(\d+)/.exec(evenkeel.stderr)?.[1]);
      assert.ok(uid >= 61_184 && uid <= 65_519, evenkeel.stderr);
      const proxies = evenkeel.proxies();
      assert.equal(proxies.length, 2);
      for (const pid of proxies) assertPowerless(pid, uid, `${uid}`);
      assert.equal((await get(port)).status, 200);
      assert.ok(!/warn/.test(evenkeel.stderr), evenkeel.stderr);

      kill(proxies[0], 'SIGKILL');
      await evenkeel.said(/serves again/);
      for (const pid of evenkeel.proxies()) assertPowerless(pid, uid, `${uid}`);
    },
  );

  test(`[${engine}] \`user\` is whom the proxies run as, with its groups`, options, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-users-'));
    t.after(() => rmSync(directory, { recursive: true }));
    for (const [file, line] of [
      ['passwd', 'balancer:x:7701:7701::/:/usr/sbin/nologin\n'],
      ['group', 'balancer:x:7701:\nsockets:x:7702:balancer\n'],
    ]) {
      writeFileSync(join(directory, file), readFileSync(`/etc/${file}`, 'utf8') + line);
    }
    const bind = ['passwd', 'group'].map((file) => `mount --bind ${directory}/${file} /etc/${file}`).join(' && ');
    const through = ['unshare', '--mount', 'sh', '-c', `${bind} && exec "$@"`, 'sh'];
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 'user: balancer'), {
      engine,
      through,
    });
    for (const pid of evenkeel.proxies()) assertPowerless(pid, 7701, '7701 7702');
    assert.equal((await get(port)).status, 200);
  });
}

test(
  'a Unix socket of a server that the proxies may not use is named, and is no healthy server',
  needsRoot,
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-unix-'));
    t.after(() => rmSync(directory, { recursive: true }));
    chmodSync(directory, 0o755);
    const path = join(directory, 'backend.sock');
    const server = net.createServer((socket) => socket.end());
    server.listen(path);
    await once(server, 'listening');
    t.after(() => server.close());
    chmodSync(path, 0o660);
    const port = await freePort();
    const yaml = `
listeners: { tcp: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: app } }
upstreams: { app: { servers: [ "unix:${path}" ], health: { tcp: true, interval: 50ms, fall: 1 } } }
`;
    const evenkeel = await Evenkeel.start(t, yaml);
    const why = new RegExp(
      `user [0-9]+ may not connect to ${path} \\(mode 660, user 0, group 0\\): put it into that group`,
    );
    assert.match(evenkeel.stderr, new RegExp(`warn .*upstream app: .*${why.source}`));
    await evenkeel.said(new RegExp(`down: .*${why.source}`));
    chmodSync(path, 0o666);
    await evenkeel.said(/server app.* up: /);
  },
);

test('those that start at the same time have users of their own', needsRoot, async (t) => {
  const started = await Promise.all(
    Array.from({ length: 3 }, async () => Evenkeel.start(t, configuration(await freePort(), '127.0.0.1:1'))),
  );
  const users = started.map(({ stderr }) => /user=([0-9]+)/.exec(stderr)?.[1]);
  assert.ok(!users.includes(undefined), "there is a user `evenkeel` here: it would be everybody's");
  assert.equal(new Set(users).size, started.length, users.join());
});

test('a user that is missing, or shared, or root, is refused with what to do', needsRoot, async (t) => {
  for (const [user, pattern] of [
    ['no-such-user', /there is no such user; useradd --system .* no-such-user/],
    ['nobody', /other programs run as that user too; useradd --system/],
    ['root', /that is root, .*; useradd --system/],
  ] as const) {
    const evenkeel = Evenkeel.run(t, configuration(await freePort(), '127.0.0.1:1', `user: ${user}`));
    assert.equal(await evenkeel.exit, 1);
    assert.match(evenkeel.stderr, pattern);
  }
});

test(
  'the limit of locked memory is raised for the rings of all proxies',
  { skip: engineSkip('uring').skip === false ? needsRoot.skip : engineSkip('uring').skip },
  async (t) => {
    for (const limit of [0, 64 * 1024]) {
      const backend = await startBackend(t);
      const port = await freePort();
      const through = ['prlimit', `--memlock=${limit}:${8 << 20}`, '--'];
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { workers: 4, through });
      assert.match(evenkeel.stdout, /4 proxies, engine uring/);
      assert.equal((await get(port)).status, 200);
      assert.ok(!/warn|error/.test(evenkeel.stderr), evenkeel.stderr);
    }
  },
);

test(
  'where it cannot be raised, the other engine serves, and log and status say why',
  { skip: engineSkip('uring').skip === false ? needsRoot.skip : engineSkip('uring').skip },
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const socket = join(mkdtempSync(join(tmpdir(), 'evenkeel-socket-')), 'evenkeel.sock');
    t.after(() => rmSync(join(socket, '..'), { recursive: true }));
    const limit = 128 * 1024;
    const through = ['prlimit', `--memlock=${limit}:${limit}`, 'setpriv', '--bounding-set=-sys_resource', '--'];
    const evenkeel = Evenkeel.run(t, configuration(port, backend.address), {
      workers: 2,
      through,
      args: ['--socket', socket],
    });
    await evenkeel.said(/ready: .*\n/);
    assert.match(evenkeel.stdout, /2 proxies, engine node/);
    const why =
      /the slower engine, node, is used, because the limit of locked memory leaves room for the rings of 1 of 2 proxies/;
    assert.match(evenkeel.stderr, new RegExp(`warn .*${why.source}`));
    assert.match(command('status', '--socket', socket).out, why);
    assert.equal((await get(port)).status, 200);
  },
);

test(
  'root that may not become another user serves without capabilities, and log and status say so',
  needsRoot,
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const through = ['setpriv', '--bounding-set=-setuid,-setgid', '--'];
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { through });
    assert.match(
      evenkeel.stderr,
      /warn .*the proxies run as root, because .*; give evenkeel CAP_SETUID and CAP_SETGID/,
    );
    for (const pid of evenkeel.proxies()) {
      every(pid, 'NoNewPrivs', '1');
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^CapEff:\\s*${NO_CAPABILITIES}$`, 'm'));
    }
    assert.equal((await get(port)).status, 200);
  },
);
