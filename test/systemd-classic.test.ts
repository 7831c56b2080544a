/**
 * The classic pair's files, script included, under the real systemd: evenkeel runs as the shipped unit of the pair, and whoever starts nginx
 * or stops keepalived means it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROGRAM, SystemdMachine, systemdSkip } from './systemd.ts';
import { until } from './waiting.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UNIT = readFileSync(`${ROOT}packaging/systemd/evenkeel-classic.service`, 'utf8');
const FILES = `${ROOT}test/classic-pair/lb01/`;
const ADDRESS = '192.168.15.3';

test('systemd: the classic script starts nginx, stops keepalived, and both are evenkeel', systemdSkip(), async (t) => {
  const machine = await SystemdMachine.start(t, { isApart: true });
  const shell = (script: string): string => machine.run('sh', '-c', script).out;
  shell('ip link set lo up; ip link add eth0 type veth peer name wire; ip link set wire up');
  shell('ip address add 192.168.15.5/24 dev eth0; ip link set eth0 up');
  shell('mkdir -p /etc/keepalived /etc/nginx; [ -e /etc/nginx/mime.types ] || echo "types { }" >/etc/nginx/mime.types');
  for (const file of readdirSync(FILES)) {
    const folder = file === 'nginx.conf' ? 'nginx' : 'keepalived';
    if (file !== 'stream') machine.write(`/etc/${folder}/${file}`, readFileSync(FILES + file, 'utf8'));
  }
  shell('chmod 755 /etc/keepalived/checkng.sh; chown -R root /etc/keepalived');
  machine.write(
    '/run/units/evenkeel.service',
    UNIT.replaceAll('/usr/bin/env evenkeel', `${process.execPath} ${PROGRAM}`),
  );
  // What `systemctl enable` makes of it.
  for (const alias of /^Alias=(.*)$/m.exec(UNIT)![1].split(' ')) shell(`ln -s evenkeel.service /run/units/${alias}`);
  machine.run('systemctl', 'daemon-reload');
  const hasAddress = (): boolean => shell('ip -br address show eth0').includes(ADDRESS);

  const { code, out } = await machine.runBeside('systemctl', 'start', 'nginx');
  assert.equal(code, 0, out);
  for (const unit of ['evenkeel', 'nginx', 'keepalived']) assert.equal(machine.show(unit, 'ActiveState'), 'active');
  await until(hasAddress, () => shell('systemctl status --lines=50 evenkeel; ip address'));
  assert.equal(machine.run('killall', '-0', 'nginx').code, 0);
  assert.equal(machine.run('sh', '-c', 'ps -ef | grep -q "[n]ginx"').code, 0);
  assert.equal((await machine.runBeside('systemctl', 'reload', 'nginx')).code, 0);

  // As often as they are started; until the script has had enough.
  // Whoever kills must not look like one. The machine's end is the loop's.
  void machine.runBeside('sh', '-c', 'while :; do pkill -9 -x ngin.; done');
  await until(
    () => machine.show('evenkeel', 'ActiveState') === 'inactive',
    () => machine.run('systemctl', 'status', 'evenkeel').out,
  );
  assert.equal(machine.show('keepalived', 'ActiveState'), 'inactive');
  assert.equal(machine.show('evenkeel', 'Result'), 'success');
  assert.equal(hasAddress(), false);
  assert.notEqual(machine.run('sh', '-c', 'ps -ef | grep -q "[n]ginx"').code, 0);
});
