/**
 * `evenkeel run` with `ha` as a user that is not root: with the three capabilities that it needs, as systemd's
 * AmbientCapabilities gives them, and with one of them missing. And who inherits them.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { commandLineOf } from '../src/lab/processes.ts';
import { program } from './evenkeel.ts';
import { EvenkeelHost } from './vip/evenkeel-host.ts';
import { type Host, needsNamespaces, Segment } from './vip/virtual-node.ts';
import { until } from './waiting.ts';

const ADDRESS = '192.168.15.3';
const RIGHTS = ['net_admin', 'net_raw', 'net_bind_service'];

/** Runs a command as nobody with these capabilities and no others. */
function asNobody(rights: readonly string[]): string[] {
  const set = ['-all', ...rights.map((name) => `+${name}`)].join(',');
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  return ['setpriv', ...user, `--bounding-set=${set}`, `--inh-caps=${set}`, `--ambient-caps=${set}`, '--'];
}

const [setpriv, ...options] = asNobody([]);
const readable = spawnSync(setpriv, [...options, process.execPath, program, '--version']);
const needsNobody: typeof needsNamespaces = {
  ...needsNamespaces,
  skip: needsNamespaces.skip || (readable.status === 0 ? false : 'needs setpriv, and a program that nobody can read'),
};

function configuration(directory: string): string {
  return `
listeners:
  web: { bind: "*:80", routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "192.168.15.7:80" ] }
ha:
  VI_1:
    interface: eth0
    router-id: 50
    advertise: 100ms
    virtual-mac: true
    addresses: [ ${ADDRESS}/24 ]
    track:
      - script: { run: [ /bin/sh, -c, 'grep ^Cap /proc/self/status > ${directory}/script' ], interval: 200ms, timeout: 5s }
    notify: { active: [ /bin/sh, -c, 'grep ^Cap /proc/self/status > ${directory}/notified' ] }
`;
}

interface Run {
  readonly host: Host;
  readonly child: ChildProcess;
  readonly directory: string;
  readonly text: () => string;
}

function run(t: TestContext, rights: readonly string[]): Run {
  const segment = new Segment(t);
  const { directory } = segment;
  chmodSync(directory, 0o777);
  const file = join(directory, 'evenkeel.yaml');
  writeFileSync(file, configuration(directory));
  const host = segment.host(5);
  const [command, ...args] = asNobody(rights);
  const socket = join(directory, 'status.sock');
  const own = [process.execPath, program, 'run', file, '--node', 'lb01', '--workers', '1', '--socket', socket];
  const child = host.spawn(command, ...args, ...own);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream!.on('data', (data: Buffer) => (text += data.toString()));
  return { host, child, directory, text: () => text };
}

function rightsIn(status: string): Record<string, string> {
  return Object.fromEntries(Array.from(status.matchAll(/^(Cap\w+):\s*(\w+)$/gm), ([, name, set]) => [name, set]));
}

function rightsOf(pid: number): string {
  return rightsIn(readFileSync(`/proc/${pid}/status`, 'utf8')).CapEff;
}

const NONE = '0'.repeat(16);

test('three capabilities are enough, and only the vip processes inherit any', needsNobody, async (t) => {
  const { host, child, directory, text } = run(t, RIGHTS);
  await until(() => host.has(ADDRESS) || child.exitCode !== null);
  assert.equal(child.exitCode, null, text());
  for (const name of ['script', 'notified']) {
    const path = join(directory, name);
    await until(() => existsSync(path) && /^CapAmb/m.test(readFileSync(path, 'utf8')));
    const { CapEff, CapPrm, CapAmb } = rightsIn(readFileSync(path, 'utf8'));
    assert.deepEqual([CapEff, CapPrm, CapAmb], [NONE, NONE, NONE], name);
  }
  // The keeper's, by its status file; `setpriv` and `ip netns exec` are replaced by it.
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const kinds = new Map<string, string>();
  for (const pid of children) {
    const kind = /evenkeel: (\w+)|__(\w+)/.exec(commandLineOf(pid));
    if (kind === null) continue;
    kinds.set(kind[1] ?? kind[2], rightsIn(readFileSync(`/proc/${pid}/status`, 'utf8')).CapEff);
  }
  assert.equal(kinds.get('proxy'), NONE);
  assert.equal(kinds.get('vip'), '0000000000003000');
  assert.equal(host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '1');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [0, null], text());
  assert.equal(host.has(ADDRESS), false);
  assert.equal(host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '0');
});

test('a successor has the same capabilities, and goes on with the address', needsNobody, async (t) => {
  const segment = new Segment(t);
  chmodSync(segment.directory, 0o777);
  const host = segment.host(5);
  const yaml = configuration(segment.directory);
  const evenkeel = new EvenkeelHost(host, 'lb01', yaml, program, asNobody(RIGHTS));
  await evenkeel.is('active');
  await evenkeel.owner();
  const pid = await evenkeel.upgrade();
  // It serves, and says so, before it has heard from its vip process.
  await evenkeel.is('active');
  assert.equal(rightsOf(pid), rightsOf(evenkeel.child.pid!));
  assert.equal(rightsOf(await evenkeel.owner()), '0000000000003000');
  assert.ok(host.has(ADDRESS));
  await evenkeel.stop();
  assert.equal(host.sysctl('net/ipv4/conf/eth0/arp_ignore'), '0');
});

for (const missing of ['net_admin', 'net_raw']) {
  test(`without CAP_${missing.toUpperCase()} it does not start, and says that it is that`, needsNobody, async (t) => {
    const { child, text } = run(
      t,
      RIGHTS.filter((name) => name !== missing),
    );
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(text(), new RegExp(`a virtual address needs CAP_${missing.toUpperCase()}, `));
  });
}

test('without CAP_NET_BIND_SERVICE it says which port it may not open', needsNobody, async (t) => {
  const { child, text } = run(
    t,
    RIGHTS.filter((name) => name !== 'net_bind_service'),
  );
  await once(child, 'close');
  assert.match(text(), /give this process CAP_NET_BIND_SERVICE/);
});
