/** The units that the package ships: complete, right for systemd, and enough for what they are for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Evenkeel, get, startBackend, freePort } from './evenkeel.ts';
import { LONE_HOST } from './lone-host.ts';
import { linuxNotifySocket } from './notify-socket.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(PACKAGE, 'packaging/systemd/');
const UNITS = readdirSync(FOLDER).filter((name) => name.endsWith('.service'));
const isRoot = process.getuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'needs root, as the units do' };
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

function settingOf(unit: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(readFileSync(FOLDER + unit, 'utf8'))?.[1] ?? '';
}

/** What the unit leaves to the keeper. */
function asUnit(unit: string): string[] {
  const rights = settingOf(unit, 'CapabilityBoundingSet').split(' ');
  if (rights.join('') === '') return [];
  const set = rights.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`).join(',');
  return ['setpriv', `--bounding-set=-all,${set}`, '--'];
}

for (const unit of UNITS) {
  test(`${unit}: its documentation is a file that the package ships`, () => {
    const { files } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { files: readonly string[] };
    const urls = settingOf(unit, 'Documentation').split(' ');
    for (const url of urls) {
      const path = /^file:\/usr\/(?:local\/)?lib\/node_modules\/evenkeel\/(.*)$/.exec(url)?.[1] ?? url;
      assert.ok(
        files.some((one) => path.startsWith(`${one}/`)),
        `${url} is in the package`,
      );
      assert.ok(existsSync(join(PACKAGE, path)), `${url} is there`);
    }
    assert.equal(urls.length, 2, 'where npm puts it for Node as a package of the system, and for others');
  });

  test(`${unit}: systemd finds nothing wrong`, { skip: hasAnalyze ? false : 'needs systemd-analyze' }, () => {
    const ran = spawnSync('systemd-analyze', ['verify', FOLDER + unit], { encoding: 'utf8' });
    assert.equal(ran.stderr + ran.stdout, '');
    assert.equal(ran.status, 0);
  });

  test(
    `${unit}: what it permits is enough to serve on a low port with proxies that are not root`,
    needsRoot,
    async (t) => {
      const backend = await startBackend(t);
      const directory = mkdtempSync(join(tmpdir(), 'evenkeel-notify-'));
      t.after(() => rmSync(directory, { recursive: true }));
      const notify = linuxNotifySocket(t, join(directory, 'socket'));
      const yaml = `
listeners: { web: { bind: ["127.0.0.1:${await freePort()}", "127.0.0.1:89"], routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
      const env = { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '200000', RUNTIME_DIRECTORY: directory };
      const evenkeel = await Evenkeel.start(t, yaml, { through: asUnit(unit), env });
      assert.ok(!/ (warn|error) /.test(evenkeel.stderr), evenkeel.stderr);
      assert.equal((await get(89)).status, 200);
      for (const pid of evenkeel.proxies()) {
        assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t(?!0\t)/m);
      }
      assert.equal(notify.read(), 'READY=1');
      assert.equal(notify.read(), 'WATCHDOG=1');
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}

test('evenkeel-ha.service: what it permits is enough to hold an address', needsRoot, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-run-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const through = [...LONE_HOST, ...asUnit('evenkeel-ha.service')];
  const yaml = `
listeners: { web: { bind: "*:80", routes: [ { respond: {} } ] } }
ha: { VI_1: { interface: eth0, router-id: 50, addresses: [192.0.2.3/24] } }
`;
  const evenkeel = await Evenkeel.start(t, yaml, {
    through,
    args: ['--node', 'lb01'],
    env: { RUNTIME_DIRECTORY: directory },
  });
  await evenkeel.said(/virtual router VI_1.* active/);
});
