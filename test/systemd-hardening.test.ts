/** What the shipped units take from evenkeel: how much that is, and that under the real systemd all of it works without. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, startBackend } from './evenkeel.ts';
import { PROGRAM, SystemdMachine, systemdSkip } from './systemd.ts';
import { findUringRefusal } from './uring-refusal.ts';
import { until } from './waiting.ts';

const FOLDER = fileURLToPath(new URL('../../packaging/systemd/', import.meta.url));
/** By systemd's own measure, from 0 to 10; nginx's, HAProxy's and keepalived's units of Debian have above 9. */
const EXPOSURE_MAX = { evenkeel: 3, 'evenkeel-ha': 4.5 } as const;
const ADDRESS = '192.0.2.3';

for (const [unit, most] of Object.entries(EXPOSURE_MAX)) {
  const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
  test(
    `${unit}.service: exposed by ${most} of 10 at most`,
    { skip: hasAnalyze ? false : 'needs systemd-analyze' },
    () => {
      const args = ['security', '--offline=true', `--threshold=${most * 10}`, '--no-pager', `${FOLDER}${unit}.service`];
      const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
      assert.equal(status, 0, stdout);
    },
  );
}

/** A machine of its own network, with `yaml` as its file, that runs this unit. */
async function startUnit(t: TestContext, unit: string, yaml: string, isApart: boolean): Promise<SystemdMachine> {
  const machine = await SystemdMachine.start(t, { isApart });
  if (isApart) {
    machine.run(
      'sh',
      '-c',
      'ip link set lo up; ip link add eth0 type veth peer name wire; ip link set wire arp off up',
    );
    machine.run('sh', '-c', 'ip address add 192.0.2.5/24 dev eth0; ip link set eth0 up');
  }
  machine.run('mkdir', '-p', '/etc/evenkeel');
  machine.write('/etc/evenkeel/evenkeel.yaml', yaml);
  const text = readFileSync(`${FOLDER}${unit}.service`, 'utf8');
  machine.write(
    '/run/units/evenkeel.service',
    text.replaceAll('/usr/bin/env evenkeel', `${process.execPath} ${PROGRAM}`),
  );
  machine.run('systemctl', 'daemon-reload');
  const { code, out } = await machine.runBeside('systemctl', 'start', 'evenkeel');
  assert.equal(code, 0, `${out}${machine.run('systemctl', 'status', 'evenkeel').out}`);
  return machine;
}

function statusOf(machine: SystemdMachine): string {
  return machine.run(process.execPath, PROGRAM, 'status').out;
}

/** The engine is what it would be without the unit: no system call of it is missed. */
function assertEngine(machine: SystemdMachine): void {
  const pids = [...statusOf(machine).matchAll(/^proxy .* pid (\d+)/gm)].map((match) => match[1]);
  assert.ok(pids.length > 0);
  for (const pid of pids) {
    const isFast = machine.run('ls', '-l', `/proc/${pid}/fd`).out.includes('[io_uring]');
    assert.equal(isFast, findUringRefusal() === null);
  }
}

test('systemd: evenkeel.service serves on a low port with its fast engine', systemdSkip(), async (t) => {
  const backend = await startBackend(t);
  const yaml = `
listeners: { web: { bind: "127.0.0.1:91", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
  const machine = await startUnit(t, 'evenkeel', yaml, false);
  assert.equal((await get(91)).status, 200);
  assertEngine(machine);
  assert.doesNotMatch(statusOf(machine), /warn/);
  assert.equal((await machine.runBeside('systemctl', 'stop', 'evenkeel')).code, 0);
});

test(
  'systemd: evenkeel-ha.service takes an address, with its virtual MAC, and gives it up',
  systemdSkip(),
  async (t) => {
    const yaml = `
listeners: { web: { bind: "*:80", routes: [ { respond: { status: 204 } } ] } }
ha: { VI_1: { interface: eth0, router-id: 50, virtual-mac: true, addresses: [${ADDRESS}/24] } }
node: lb01
`;
    const machine = await startUnit(t, 'evenkeel-ha', yaml, true);
    const addresses = (): string => machine.run('ip', 'address').out;
    await until(
      () => addresses().includes(`inet ${ADDRESS}/`),
      () => `${statusOf(machine)}${addresses()}`,
    );
    assert.match(addresses(), /00:00:5e:00:01:32/);
    const answer = await machine.runBeside('curl', '-si', '-m', '20', `http://${ADDRESS}/`);
    assert.match(answer.out, /^HTTP.* 204/);
    assertEngine(machine);
    assert.doesNotMatch(statusOf(machine), /warn/);
    assert.equal((await machine.runBeside('systemctl', 'stop', 'evenkeel')).code, 0);
    assert.ok(!addresses().includes(ADDRESS));
  },
);
