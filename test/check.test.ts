/** `evenkeel check` is never kinder than `evenkeel run`, and says what of the machine is missing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { Evenkeel, freePort, program, startBackend } from './evenkeel.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };
const isRoot = process.getuid?.() === 0;
const root = { skip: process.platform === 'linux' && isRoot ? false : 'needs root on Linux' };

/** Whatever else runs on this machine is not asked. */
const NOBODY_RUNS_HERE = mkdtempSync(join(tmpdir(), 'evenkeel-check-'));
after(() => rmSync(NOBODY_RUNS_HERE, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'evenkeel-check-'));
  chmodSync(made, 0o755);
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function evenkeel(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}): Ran {
  const env = { ...process.env, RUNTIME_DIRECTORY: NOBODY_RUNS_HERE, ...options.env };
  const { input = '' } = options;
  const ran = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env, input, timeout: 60_000 });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

function check(t: TestContext, yaml: string, ...args: string[]): Ran {
  const file = join(directory(t), 'evenkeel.yaml');
  writeFileSync(file, yaml);
  return evenkeel(['check', file, ...args]);
}

/** Both refuse, and both with this reason. */
function bothRefuse(t: TestContext, yaml: string, reason: RegExp): Ran {
  const file = join(directory(t), 'evenkeel.yaml');
  writeFileSync(file, yaml);
  const checked = evenkeel(['check', file]);
  const ran = evenkeel(['run', file, '--workers', '1', '--engine', 'node', '--socket', `${file}.sock`]);
  assert.equal(checked.code, 1, checked.out + checked.err);
  assert.equal(ran.code, 1, ran.out + ran.err);
  assert.match(checked.err, reason);
  assert.match(ran.err, reason);
  return checked;
}

const respond = 'routes: [ { respond: {} } ]';

test('a listener on every address and one on a single address of the same port', linux, (t) => {
  const yaml = `
listeners:
  a: { bind: "*:3306", ${respond} }
  b: { bind: "127.0.0.1:3306", ${respond} }
`;
  bothRefuse(t, yaml, /:4:14: `127\.0\.0\.1:3306` overlaps `\*:3306` of listener `a` on line 3; /);
});

test(
  'a port that another program has: by name and process id, and refused if there is no other listener',
  linux,
  async (t) => {
    const backend = await startBackend(t);
    const free = await freePort();
    const one = `listeners:\n  web: { bind: "127.0.0.1:${backend.port}", ${respond} }\n`;
    const taken = new RegExp(`port ${backend.port} is taken by \\S+ \\(pid ${process.pid}\\)`);
    const { err } = bothRefuse(t, one, taken);
    assert.match(err, /:2:16: warning: .* \[cannot-listen\]/);
    assert.match(err, /:1:1: no listener can be opened on this machine/);
    const both = check(t, `${one}  other: { bind: "127.0.0.1:${free}", ${respond} }\n`);
    assert.equal(both.code, 0, both.err);
    assert.match(both.err, taken);
  },
);

test('the ports of the evenkeel that runs here are no obstacle for the file of its successor', linux, async (t) => {
  const made = directory(t);
  const port = await freePort();
  const file = join(made, 'evenkeel.yaml');
  writeFileSync(file, `listeners: { web: { bind: "127.0.0.1:${port}", ${respond} } }\n`);
  const socket = join(made, 'evenkeel.sock');
  const args = ['run', file, '--workers', '1', '--engine', 'node', '--socket', socket];
  await Evenkeel.spawn(t, args).said(/ready: /);
  assert.match(evenkeel(['check', file]).err, /is taken by/);
  const own = evenkeel(['check', file, '--socket', socket]);
  assert.deepEqual([own.code, own.err], [0, '']);
});

test('what the evenkeel that runs here would not reload', root, async (t) => {
  const file = join(directory(t), 'evenkeel.yaml');
  const taken = await startBackend(t);
  const never = await startBackend(t);
  const port = await freePort();
  const yaml = (listeners: string, rest = ''): void =>
    writeFileSync(
      file,
      `listeners:\n  web: { bind: [ "127.0.0.1:${port}", "127.0.0.1:${never.port}" ], ${respond} }\n${listeners}${rest}`,
    );
  yaml('');
  const socket = ['--socket', `${file}.sock`];
  const running = Evenkeel.spawn(t, ['run', file, '--engine', 'node', ...socket]);
  await running.said(/ready: /);
  // What a start could not open, a reload does not ask for.
  assert.equal(evenkeel(['check', file, ...socket]).code, 0);
  assert.equal(evenkeel(['reload', ...socket]).code, 0);
  const pid = `\\(pid ${running.child.pid}\\)`;
  for (const [listeners, rest, checked, reloaded] of [
    [`  other: { bind: "127.0.0.1:${taken.port}", ${respond} }\n`, '', 'is taken by', 'is taken by'],
    ['', 'user: games\n', `runs here ${pid}, which refuses to reload this file; .*takes-restart`, 'takes a restart'],
    ['', 'workers: 64\n', `:3:10: .*runs here ${pid} has room for \\d+ proxies`, 'takes a restart'],
  ] as const) {
    yaml(listeners, rest);
    const [before, after] = [evenkeel(['check', file, ...socket]), evenkeel(['reload', ...socket])];
    assert.match(before.err, new RegExp(checked));
    assert.match(after.err, new RegExp(reloaded));
    assert.deepEqual([before.code, after.code], [1, 1], before.err + after.err);
  }
  assert.equal(evenkeel(['check', file, '--no-host', ...socket]).code, 0);
});

test('a socket path whose directory is missing, and an address that is not here', linux, async (t) => {
  const port = await freePort();
  const yaml = `
listeners:
  a: { bind: ["unix:/nowhere/a.sock", "127.0.0.1:${port}"], ${respond} }
  b: { bind: "192.0.2.77:${port}", ${respond} }
`;
  const { code, err } = check(t, yaml);
  assert.equal(code, 0, err);
  assert.match(err, /:3:15: warning: `unix:\/nowhere\/a\.sock` cannot be listened on: its directory does not exist/);
  assert.match(err, /:4:14: warning: `192\.0\.2\.77:\d+` is neither an address of this machine nor a virtual address/);
  // "*" is not possible there
  const kernel = `
listeners: { k: { bind: "192.0.2.77:${port}", protocol: tcp, mode: kernel, upstream: u } }
upstreams: { u: { servers: [ "192.0.2.78:22" ] } }
`;
  assert.match(
    check(t, kernel).err,
    /warning: `192\.0\.2\.77:\d+` is neither [^\n]*; write the one that clients connect to \[/,
  );
});

test('a source that is not an address of this machine', linux, async (t) => {
  const port = await freePort();
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:1" ], source: [ 127.0.0.1, 127.3.0.1, 192.0.2.77 ] } }
`;
  const { code, err } = check(t, yaml);
  assert.equal(code, 0, err);
  assert.match(err, /:3:\d+: warning: `192\.0\.2\.77` is not an address of this machine; [^\n]* \[no-such-source\]/);
  assert.doesNotMatch(err, /127\./);
});

test('a server of `forward: dsr` that is in no network of this machine', linux, (t) => {
  const yaml = `
listeners: { shell: { bind: "192.0.2.10:22", protocol: tcp, mode: kernel, forward: dsr, upstream: shells } }
upstreams: { shells: { servers: [ "127.0.0.9:22", "203.0.113.9:22", "198.51.100.9:22", { address: "203.0.113.10:22" } ] } }
ha: { VI_1: { interface: lo, router-id: 1, addresses: [ 198.51.100.3/24 ] } }
`;
  const { err } = check(t, yaml);
  assert.deepEqual(
    [...err.matchAll(/:(\d+:\d+): warning: the server (`[^`]+`) is in no network of this machine/g)].map(
      ([, at, who]) => `${at} ${who}`,
    ),
    ['3:51 `203.0.113.9:22`', '3:88 `203.0.113.10:22`'],
  );
});

test('looking does not take a connection away from who listens', linux, async (t) => {
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted++;
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  for (let i = 0; i < 3; i++) check(t, `listeners: { web: { bind: "127.0.0.1:${port}", ${respond} } }\n`);
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'close');
  assert.equal(accepted, 1);
});

test('a name that does not resolve is said where it is written', linux, async (t) => {
  const port = await freePort();
  const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams:
  web:
    servers:
      - localhost:80
      - { address: "nobody.invalid:80" }
`;
  const { code, err } = check(t, yaml);
  assert.equal(code, 0, err);
  assert.match(err, /:7:20: warning: the name `nobody\.invalid` does not resolve: /);
  assert.doesNotMatch(err, /localhost/);
});

test('`-` is standard input', linux, () => {
  const { code, err } = evenkeel(['check', '-', '--no-host'], { input: 'listeners: [ ]\n' });
  assert.equal(code, 1);
  assert.match(err, /^<stdin>:1:12: /);
});

const pair = (router: string): string => `
node: lb01
ha:
  VI_1:
    router-id: 50
    addresses: [ 192.0.2.3/24 ]
${router}`;

test('a key file that cannot be used', root, (t) => {
  const missing = pair('    interface: lo\n    unicast: { peers: [ 192.0.2.9 ], key: /nowhere/vrrp.key }\n');
  bothRefuse(t, missing, /the key file \/nowhere\/vrrp\.key cannot be used: there is no such file/);
});

test('a node that is not in the file: `node:`, --node and the host name alike', root, (t) => {
  const yaml =
    'ha: { VI_1: { interface: lo, router-id: 50, addresses: [ 192.0.2.3/24 ], priority: { lb01: 150, lb02: 100 } } }\n';
  bothRefuse(t, yaml, /this is node `.*`, and the file has values for lb01, lb02 only/);
  assert.equal(check(t, yaml, '--no-host').code, 0);
  assert.equal(check(t, `node: lb01\n${yaml}`).code, 0);
});

test('missing interfaces, programs and users are said where they are written', root, (t) => {
  const made = directory(t);
  const write = (name: string, text: string, mode: number): string => {
    const path = join(made, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const plain = write('plain.sh', '#!/bin/sh\n', 0o644);
  const good = write('good.sh', '#!/bin/sh\n', 0o755);
  const dos = write('dos.sh', '#!/bin/sh\r\n', 0o755);
  const closed = join(made, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const inside = join(closed, 'x.sh');
  writeFileSync(inside, '#!/bin/sh\n', { mode: 0o755 });
  const yaml = pair(`    interface: eth77
    notify: { active: [ /nowhere/on-active ], backup: [ ${plain} ], fault: [ ${dos} ], stop: [ ${inside} ] }
    track:
      - interface: eth78
      - script: { run: [ ${good} ] }
      - script: { run: [ ${good} ], user: nobody-of-this-name }
      - script: { run: [ /nowhere/decides ] }
      - script: { run: [ /nowhere/weighs ], weight: -20 }
`);
  const { code, err } = check(t, yaml);
  assert.equal(code, 0, err);
  const lines = err
    .trim()
    .split('\n')
    .map((line) => line.replace(/^[^:]*/, ''));
  assert.match(lines[0], /^:7:16: warning: this machine has no network interface `eth77`; it has .*lo/);
  assert.match(lines[1], /^:8:25: warning: \/nowhere\/on-active cannot be run: there is no such file/);
  assert.match(lines[2], /plain\.sh cannot be run: it is not executable for (nobody|evenkeel_script); chmod a\+x/);
  assert.match(lines[3], /dos\.sh cannot be run: its interpreter \/bin\/sh\\r is not there/);
  assert.match(lines[4], /x\.sh cannot be run: (nobody|evenkeel_script) may not enter .*closed/);
  assert.match(lines[5], /^:10:20: warning: this machine has no network interface `eth78`/);
  assert.match(lines[6], /^:12:\d+: warning: no program can be run as `nobody-of-this-name`/);
  assert.match(
    lines[7],
    /^:13:\d+: warning: \/nowhere\/decides cannot be run.*; the virtual router is in fault until then/,
  );
  assert.match(lines[8], /^:14:\d+: warning: \/nowhere\/weighs cannot be run.*; it fails until then/);
  assert.equal(lines.length, 9);
  assert.deepEqual(check(t, yaml, '--no-host').err, '');
});

test('mistakes of form hide nothing else: all that can be known comes in one round', root, (t) => {
  const yaml = pair(`    interface: eth77
    unicast: { peers: [ 192.0.2.9 ], key: /nowhere/vrrp.key }
    notify: { active: [ /nowhere/on-active ] }
    track: [ { script: { run: [ /nowhere/decides ], intervall: 2s } } ]
upstreams:
  web: { servers: [ "nobody.invalid:80", "192.0.2.1:80" ], source: 192.0.2.99 }
listeners:
  web: { bind: "*:1", routes: [ { upstream: wbe } ], limits: { head: 10 KB } }
  mail: { bind: "*:25", protocol: udp, upstream: web }
user: nobody-of-this-name
admin: { bind: "192.0.2.1:9" }
`);
  const said = (text: string): string => {
    const { code, err } = check(t, text);
    assert.equal(code, 1);
    return err
      .split('\n')
      .flatMap((line) => /\[([a-z-]+)\]$/.exec(line)?.[1] ?? [])
      .join(' ');
  };
  const all =
    'no-interface key-file bad-program bad-program unknown-key unresolved-name no-such-source undefined-upstream bad-size ' +
    'bad-proxy-user admin-not-loopback';
  assert.equal(said(yaml), all);
  assert.equal(said(`${yaml} broken: 1\n`), `${all} yaml-syntax`);
});

test('a source of adverts that is not an address of the interface', root, (t) => {
  const yaml = pair('    interface: lo\n    unicast: { peers: [ 192.0.2.6 ], source: 192.0.2.77 }\n');
  const { code, err } = check(t, yaml);
  assert.equal(code, 0, err);
  assert.match(err, /: warning: `192\.0\.2\.77` is not an address of `lo`; [^\n]* \[no-such-advert-source\]/);
  assert.doesNotMatch(check(t, yaml.replace('192.0.2.77', '127.0.0.1')).err, /no-such-advert-source/);
});

test('virtual addresses without the rights for them', root, (t) => {
  const file = join(directory(t), 'evenkeel.yaml');
  writeFileSync(file, pair('    interface: lo\n'));
  for (const command of [
    ['check', file],
    ['run', file],
  ]) {
    const options = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, program, ...command];
    const ran = spawnSync('setpriv', options, { encoding: 'utf8', timeout: 60_000 });
    assert.equal(ran.status, 1, ran.stderr);
    assert.match(ran.stderr, /:3:1: a virtual address needs CAP_NET_ADMIN and CAP_NET_RAW, which this process/);
  }
});

test('a configuration is a regular file of a bounded size, or comes through a pipe', linux, (t) => {
  const there = directory(t);
  const fifo = join(there, 'fifo');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const long = join(there, 'long.yaml');
  writeFileSync(long, '# nothing\n');
  truncateSync(long, 17 * 2 ** 20);
  for (const [file, reason] of [
    [fifo, 'it is not a regular file'],
    ['/dev/zero', 'it is not a regular file'],
    [there, 'it is a directory'],
    [long, 'it is longer than 16 MiB'],
  ]) {
    const run = ['run', file, '--socket', join(there, 'sock')];
    for (const args of file === fifo ? [['check', file], run] : [['check', file]]) {
      const { code, err } = evenkeel(args);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`: cannot be read: ${reason}`));
    }
  }
  const { code, err } = evenkeel(['check', '-'], { input: '#'.repeat(17 * 2 ** 20) });
  assert.equal(code, 1);
  assert.match(err, /<stdin>: cannot be read: it is longer than 16 MiB/);
});

test('an access log whose folder is not there', linux, (t) => {
  const made = directory(t);
  const missing = logTo(`${made}/nowhere/access.log`);
  assert.equal(check(t, missing, '--no-host').code, 0);
  const { code, err } = check(t, missing);
  assert.equal(code, 1);
  assert.match(err, /:2:30: `.*access\.log` cannot be written to: there is no folder .*nowhere; .*\[cannot-open-log\]/);
  assert.match(check(t, logTo(made)).err, /cannot be written to: it is a folder/);
  assert.doesNotMatch(check(t, logTo(`${made}/access.log`)).err, /cannot-open-log/);
});

test('a folder of files that is none, unless it is a file that another route answers with', linux, (t) => {
  const file = join(directory(t), 'page.html');
  writeFileSync(file, 'a page\n');
  const serving = (routes: string): string =>
    check(t, `listeners: { web: { bind: "127.0.0.1:1", routes: [${routes}] } }`).err;
  const below = `{ match: { path: /page }, files: { root: "${file}", strip: /page } }`;
  const alone = `{ match: { path: { exact: /page } }, files: { root: "${dirname(file)}", path: /page.html } }`;
  assert.match(serving(below), /the folder `.*page\.html` is no folder: .*\[no-such-root\]/);
  assert.doesNotMatch(serving(`${alone}, ${below}`), /no-such-root/);
});

function logTo(file: string): string {
  return `
access-logs: { main: { file: "${file}" } }
listeners: { web: { bind: "127.0.0.1:1", access-log: main, ${respond} } }
`;
}
