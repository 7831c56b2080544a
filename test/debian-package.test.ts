/**
 * The Debian package, made of this checkout: installed, started, upgraded under load, removed and purged under the real systemd.
 * EVENKEEL_DEBIAN_ROOT: the root of a Debian to do it in (debootstrap), instead of this machine's files. They are not changed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, get, startBackend, startLoad } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { SystemdMachine, systemdSkip } from './systemd.ts';
import { until } from './waiting.ts';

const BUILD = fileURLToPath(new URL('../../packaging/debian/build.sh', import.meta.url));
const DEBIAN = process.env['EVENKEEL_DEBIAN_ROOT'] ?? '/';
const hasTools = spawnSync('sh', ['-c', 'command -v dpkg-deb strip']).status === 0;
const skip = hasTools ? systemdSkip() : { skip: 'needs dpkg-deb and strip' };

/** Its path. With this Node, and hardly compressed. */
function build(t: TestContext, version: string): string {
  const folder = temporaryDirectory(t);
  const env = { ...process.env, NODE: process.env['NODE'] ?? process.execPath, VERSION: version, LEVEL: '0' };
  const { status, stderr } = spawnSync(BUILD, [folder], { encoding: 'utf8', env });
  assert.equal(status, 0, stderr);
  return join(
    folder,
    `evenkeel_${version}_${spawnSync('dpkg', ['--print-architecture']).stdout.toString().trim()}.deb`,
  );
}

test(
  'the Debian package is installed, started, upgraded without a failed request, removed and purged',
  skip,
  async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const machine = await SystemdMachine.start(t, { files: DEBIAN });
    const dpkg = async (...args: readonly string[]): Promise<string> => {
      const { code, out } = await machine.runBeside('dpkg', ...args);
      assert.equal(code, 0, out);
      return out;
    };
    const install = async (version: string): Promise<string> => {
      copyFileSync(build(t, version), `${machine.root}/tmp/evenkeel.deb`);
      return dpkg('--install', '/tmp/evenkeel.deb');
    };

    await install('0.1.0-1');
    assert.equal(machine.run('evenkeel', '--version').out, '0.1.0\n');
    assert.match(machine.run('getent', 'passwd', 'evenkeel').out, /nologin$/m);
    for (const unit of ['evenkeel', 'evenkeel-ha', 'evenkeel-classic'])
      machine.run('ln', '-s', `/usr/lib/systemd/system/${unit}.service`, '/run/units/');
    machine.run('systemctl', 'daemon-reload');
    assert.notEqual(machine.run('systemctl', 'is-active', 'evenkeel').out, 'active\n');

    machine.write(
      '/etc/evenkeel/evenkeel.yaml',
      `access-logs: { main: { file: /var/log/evenkeel/access.log } }
listeners: { web: { bind: "127.0.0.1:${port}", access-log: main, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
    );
    const started = await machine.runBeside('systemctl', 'start', 'evenkeel');
    assert.equal(
      started.code,
      0,
      `${started.out}${machine.run('evenkeel', 'check', '/etc/evenkeel/evenkeel.yaml').out}`,
    );
    assert.equal((await get(port)).status, 200);
    const pids = machine.run('pgrep', '-u', 'evenkeel').out.trim().split('\n');
    assert.ok(pids.length > 0 && pids[0] !== '', machine.run('ps', '-ef').out);

    const load = startLoad(t, port, 4);
    const first = machine.show('evenkeel', 'MainPID');
    const said = await install('0.1.0-2');
    assert.match(said, /is in charge/);
    await until(
      () => machine.show('evenkeel', 'MainPID') !== first,
      () => machine.run('systemctl', 'status', 'evenkeel').out,
    );
    assert.equal(machine.show('evenkeel', 'ActiveState'), 'active');
    const { done, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(done > 0);

    await dpkg('--remove', 'evenkeel');
    await assert.rejects(get(port), { code: 'ECONNREFUSED' });
    assert.equal(existsSync(`${machine.root}/usr/lib/evenkeel`), false);
    assert.equal(existsSync(`${machine.root}/etc/evenkeel/evenkeel.yaml`), true, 'what the administrator wrote');
    assert.equal(existsSync(`${machine.root}/var/lib/evenkeel`), true);
    assert.equal(existsSync(`${machine.root}/etc/logrotate.d/evenkeel`), true, 'a file of the configuration');
    await dpkg('--purge', 'evenkeel');
    for (const path of ['var/lib/evenkeel', 'var/log/evenkeel', 'etc/logrotate.d/evenkeel'])
      assert.equal(existsSync(`${machine.root}/${path}`), false, path);
  },
);
