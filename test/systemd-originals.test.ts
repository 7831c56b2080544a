/**
 * Units that were written for nginx and keepalived, with evenkeel under these names: what they do to their programs has its effect;
 * and how it comes to have these names while they run.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { freePort, get, startBackend } from './evenkeel.ts';
import { findProgram } from './peers.ts';
import { PROGRAM, SystemdMachine, systemdSkip } from './systemd.ts';
import { until } from './waiting.ts';

type Original = 'nginx' | 'keepalived';

/** As Debian has it: leaves the foreground, is known by its pid file, and is stopped by SIGQUIT. */
const NGINX_UNIT = `
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/usr/local/sbin/nginx -t -q -g 'daemon on; master_process on;'
ExecStart=/usr/local/sbin/nginx -g 'daemon on; master_process on;'
ExecReload=/usr/local/sbin/nginx -g 'daemon on; master_process on;' -s reload
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
TimeoutStopSec=5
KillMode=mixed
`;

/** Likewise: stays, says when it is ready, and is reloaded by SIGHUP. */
const KEEPALIVED_UNIT = `
[Service]
Type=notify
ExecStart=/usr/local/sbin/keepalived --dont-fork
ExecReload=/bin/kill -HUP $MAINPID
`;

function install(machine: SystemdMachine, name: Original, unit: string): void {
  machine.run('mkdir', '-p', '/usr/local/sbin', `/etc/${name}`);
  machine.write(`/usr/local/sbin/${name}`, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} ${name} "$@"\n`);
  machine.run('chmod', '755', `/usr/local/sbin/${name}`);
  installUnit(machine, name, unit);
}

function installUnit(machine: SystemdMachine, name: Original, unit: string): void {
  machine.write(`/run/units/${name}.service`, unit);
  machine.run('systemctl', 'daemon-reload');
}

function addInterface(machine: SystemdMachine): void {
  machine.run('ip', 'link', 'set', 'lo', 'up');
  machine.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'wire');
  // Nothing answers there, this machine least of all.
  machine.run('ip', 'link', 'set', 'wire', 'up', 'arp', 'off');
  machine.run('ip', 'address', 'add', '192.168.15.5/24', 'dev', 'eth0');
  machine.run('ip', 'link', 'set', 'eth0', 'up');
}

test("nginx's own unit: start, reload, SIGUSR2 and stop", systemdSkip(), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const machine = await SystemdMachine.start(t);
  const configure = (location: string): void => {
    const http = `http { server { listen 127.0.0.1:${port}; location / { ${location} } } }`;
    machine.write('/etc/nginx/nginx.conf', `error_log /tmp/error.log info; events { } ${http}\n`);
  };
  install(machine, 'nginx', NGINX_UNIT);
  configure(`proxy_pass http://${backend.address};`);
  const started = await machine.runBeside('systemctl', 'start', 'nginx');
  assert.equal(started.code, 0, `${started.out}${machine.run('systemctl', 'status', 'nginx').out}`);
  assert.equal((await get(port)).status, 200);
  const first = machine.show('nginx', 'MainPID');
  assert.equal(machine.read('/run/nginx.pid'), `${first}\n`);

  configure('return 204;');
  assert.equal((await machine.runBeside('systemctl', 'reload', 'nginx')).code, 0);
  await until(async () => (await get(port)).status === 204);

  machine.run('kill', '-USR2', first);
  await until(
    () =>
      machine.show('nginx', 'MainPID') !== first &&
      machine.read('/run/nginx.pid') === `${machine.show('nginx', 'MainPID')}\n`,
    () => machine.read('/tmp/error.log'),
  );
  assert.equal((await get(port)).status, 204);
  assert.equal((await machine.runBeside('systemctl', 'stop', 'nginx')).code, 0);
  assert.equal(machine.show('nginx', 'Result'), 'success');
  await assert.rejects(get(port), { code: 'ECONNREFUSED' });
  assert.notEqual(machine.run('sh', '-c', 'ps -ef | grep -q "[n]ginx"').code, 0);
});

test("keepalived's own unit: start, reload and stop", systemdSkip(), async (t) => {
  const machine = await SystemdMachine.start(t, { isApart: true });
  addInterface(machine);
  const configure = (address: string): void => {
    const router = `interface eth0\nvirtual_router_id 50\npriority 150\nvirtual_ipaddress {\n${address}\n}\n`;
    machine.write('/etc/keepalived/keepalived.conf', `vrrp_instance VI_1 {\n${router}}\n`);
  };
  const has = (address: string): boolean => machine.run('ip', '-br', 'address').out.includes(address);
  install(machine, 'keepalived', KEEPALIVED_UNIT);
  configure('192.168.15.3');
  const started = await machine.runBeside('systemctl', 'start', 'keepalived');
  assert.equal(started.code, 0, `${started.out}${machine.run('systemctl', 'status', 'keepalived').out}`);
  await until(() => has('192.168.15.3'));
  assert.equal(machine.read('/run/keepalived.pid'), `${machine.show('keepalived', 'MainPID')}\n`);
  configure('192.168.15.4');
  assert.equal((await machine.runBeside('systemctl', 'reload', 'keepalived')).code, 0);
  await until(() => has('192.168.15.4') && !has('192.168.15.3'));
  assert.equal((await machine.runBeside('systemctl', 'stop', 'keepalived')).code, 0);
  assert.equal(machine.show('keepalived', 'Result'), 'success');
  assert.equal(has('192.168.15.4'), false);
});

/** In place, step by step. */
const [DIVERT, TAKE_SOCKETS, TAKE_ADDRESS] = [
  ...readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8')
    .split('**Without a lost connection**')[1]
    .matchAll(/^```sh\n([^]*?)^```/gm),
].map(([, block]) => block);

test(
  'docs/migration.md: nginx and keepalived become evenkeel under their own units, and the address stays',
  originalsSkip(),
  async (t) => {
    const machine = await SystemdMachine.start(t, { isApart: true });
    addInterface(machine);
    machine.write(
      '/etc/nginx/nginx.conf',
      'error_log /tmp/error.log info; events { } http { server { listen 80; return 204; } }\n',
    );
    const router = 'interface eth0\nvirtual_router_id 50\npriority 150\nvirtual_ipaddress {\n192.168.15.3\n}\n';
    machine.write('/etc/keepalived/keepalived.conf', `vrrp_instance VI_1 {\n${router}}\n`);
    installUnit(machine, 'nginx', NGINX_UNIT.replaceAll('/usr/local/sbin', '/usr/sbin'));
    installUnit(machine, 'keepalived', KEEPALIVED_UNIT.replaceAll('/usr/local/sbin', '/usr/sbin'));
    machine.run('ln', '-s', PROGRAM, '/usr/local/bin/evenkeel');
    for (const name of ['nginx', 'keepalived']) {
      const { code, out } = await machine.runBeside('systemctl', 'start', name);
      assert.equal(code, 0, out);
    }
    const answer = (): string =>
      machine.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://192.168.15.3/').out;
    const programOf = (name: Original): string =>
      machine.run('readlink', `/proc/${machine.show(name, 'MainPID')}/exe`).out.trim();
    await until(() => answer() === '204');
    machine.run('sh', '-c', 'ip monitor address >/tmp/addresses 2>&1 &');

    const diverted = machine.run('sh', '-ec', DIVERT);
    assert.equal(diverted.code, 0, diverted.out);
    const sockets = await machine.runBeside('timeout', '60', 'sh', '-ec', TAKE_SOCKETS);
    assert.equal(sockets.code, 0, `${sockets.out}${machine.read('/tmp/error.log')}`);
    await until(
      () => programOf('nginx') === process.execPath,
      () =>
        `${machine.run('systemctl', 'status', 'nginx').out}${machine.run('ps', 'axf').out}${machine.read('/tmp/error.log')}`,
    );
    assert.equal(answer(), '204');
    const address = await machine.runBeside('sh', '-ec', TAKE_ADDRESS);
    assert.equal(address.code, 0, address.out);
    assert.equal(programOf('keepalived'), process.execPath);
    // It has an end from now on, as evenkeel's have.
    await until(
      () => /192\.168\.15\.3\/32 .*dynamic/.test(machine.run('ip', 'address').out),
      () => `${machine.read('/tmp/addresses')}${machine.run('systemctl', 'status', 'keepalived').out}`,
    );
    assert.equal(answer(), '204');
    assert.doesNotMatch(machine.read('/tmp/addresses'), /Deleted .*192\.168\.15\.3/);

    assert.equal((await machine.runBeside('systemctl', 'stop', 'keepalived', 'nginx')).code, 0);
    assert.doesNotMatch(machine.run('ip', 'address').out, /192\.168\.15\.3/);
    assert.equal(machine.show('nginx', 'Result'), 'success');
  },
);

function originalsSkip(): { skip: string | false } {
  const missing = ['nginx', 'keepalived', 'curl', 'dpkg-divert'].filter((name) => findProgram(name) === null);
  return missing.length > 0 ? { skip: `not installed: ${missing.join(', ')}` } : systemdSkip();
}
