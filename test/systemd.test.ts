/** evenkeel as a service of the real systemd, by the unit that the package ships. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, get, startBackend, startLoad, WAIT_MS } from './evenkeel.ts';
import { PROGRAM, SystemdMachine, systemdSkip } from './systemd.ts';

const UNIT = readFileSync(fileURLToPath(new URL('../../packaging/systemd/evenkeel.service', import.meta.url)), 'utf8');
const EVENKEEL = `${process.execPath} ${PROGRAM}`;

class Service {
  readonly machine: SystemdMachine;
  readonly port: number;
  private readonly yaml: (rest: string) => string;

  private constructor(machine: SystemdMachine, port: number, yaml: (rest: string) => string) {
    this.machine = machine;
    this.port = port;
    this.yaml = yaml;
  }

  static async start(t: TestContext): Promise<Service> {
    const backend = await startBackend(t);
    const port = await freePort();
    const machine = await SystemdMachine.start(t);
    const service = new Service(machine, port, (rest) => {
      return `
listeners: { web: { bind: ["127.0.0.1:${port}", "unix:/run/evenkeel/web.sock"], routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
${rest}
`;
    });
    machine.run('mkdir', '-p', '/etc/evenkeel');
    service.configure('');
    machine.write('/run/units/evenkeel.service', UNIT.replaceAll('/usr/bin/env evenkeel', EVENKEEL));
    machine.run('systemctl', 'daemon-reload');
    const { code, out } = machine.run('systemctl', 'start', 'evenkeel');
    assert.equal(code, 0, `${out}${machine.run('systemctl', 'status', 'evenkeel').out}`);
    return service;
  }

  configure(rest: string): void {
    this.machine.write('/etc/evenkeel/evenkeel.yaml', this.yaml(rest));
  }

  get mainPid(): string {
    return this.machine.show('evenkeel', 'MainPID');
  }

  get state(): string {
    return `${this.machine.show('evenkeel', 'ActiveState')} ${this.machine.show('evenkeel', 'SubState')}`;
  }

  async isGone(pid: string): Promise<void> {
    for (const end = performance.now() + WAIT_MS; this.machine.run('kill', '-0', pid).code === 0;) {
      assert.ok(performance.now() < end, `${pid} is still there`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As it stands, until it is as wanted. */
  async is(property: string, isWanted: (value: string) => boolean): Promise<void> {
    for (const end = performance.now() + WAIT_MS; ;) {
      const value = this.machine.show('evenkeel', property);
      if (isWanted(value)) return;
      assert.ok(performance.now() < end, `${property} is ${value}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test('systemd: reload, upgrade, restart and the death of the keeper fail no request', systemdSkip(), async (t) => {
  const service = await Service.start(t);
  const { machine, port } = service;
  assert.equal((await get(port)).status, 200);
  const load = startLoad(t, port, 4);
  const first = service.mainPid;

  service.configure('drain: 1m');
  const reloaded = await machine.runBeside('systemctl', 'reload', 'evenkeel');
  assert.deepEqual(reloaded, { code: 0, out: '' });
  assert.equal(service.mainPid, first);

  const upgraded = await machine.runBeside(...EVENKEEL.split(' '), 'upgrade');
  assert.equal(upgraded.code, 0, upgraded.out);
  const successor = service.mainPid;
  assert.notEqual(successor, first);
  assert.equal(upgraded.out.includes('is in charge'), true);
  assert.equal(service.state, 'active running');
  // The former one had nothing to finish for long, and systemd does not miss it.
  await service.isGone(first);
  assert.equal(service.state, 'active running');

  const restarted = await machine.runBeside('systemctl', 'restart', 'evenkeel');
  assert.deepEqual(restarted, { code: 0, out: '' });
  const second = service.mainPid;
  assert.notEqual(second, successor);

  machine.run('kill', '-9', second);
  await service.is('MainPID', (pid) => pid !== second && pid !== '0');
  await service.is('ActiveState', (state) => state === 'active');
  assert.equal((await get(port)).status, 200);
  const overPath = await machine.runBeside('curl', '-si', '--unix-socket', '/run/evenkeel/web.sock', 'http://x/');
  assert.match(overPath.out, /^HTTP.* 200/);
  const { done, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(done > 0);

  // Each socket once, though three keepers have handed it in: one per proxy, and the one of the path.
  const proxies = Number(machine.run('nproc').out);
  assert.equal(machine.show('evenkeel', 'NFileDescriptorStore'), `${proxies + 1}`);
  await machine.runBeside('systemctl', 'stop', 'evenkeel');
  await assert.rejects(get(port), { code: 'ECONNREFUSED' });
});
