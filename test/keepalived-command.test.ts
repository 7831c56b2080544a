/** `evenkeel keepalived` in place of keepalived: for whoever knows keepalived by its options, signals and pid files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { refusalOfLab } from '../src/lab/system.ts';
import { engineSkip, kill, program } from './evenkeel.ts';
import { until } from './waiting.ts';

const CONFIGURATION = `vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 50
    priority 150
    virtual_ipaddress {
        192.168.15.3
    }
}
`;
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** A network and a /tmp of its own, which hides nothing: the checkout ($1) is at $2 too. */
const APART = `mount --bind "$1" "$2" && shift 2 && mount -t tmpfs tmpfs /tmp && ip link set lo up && ip link add eth0 type veth peer name wire && ip link set wire up &&
ip address add 192.168.15.5/24 dev eth0 && ip link set eth0 up && exec "$@"`;

class Keepalived {
  readonly folder = mkdtempSync(join('/var/tmp', 'evenkeel-command-'));

  constructor(t: TestContext) {
    mkdirSync(this.path('checkout'));
    this.write('k.conf', CONFIGURATION);
    t.after(() => {
      const pid = this.pidIn('k.pid');
      if (pid !== null) kill(pid, 'SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  run(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
    return this.runThrough([], program, args);
  }

  runApart(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
    const checkout = this.path('checkout');
    const through = ['unshare', '--net', '--mount', 'sh', '-c', APART, 'sh', REPOSITORY, checkout];
    return this.runThrough(through, join(checkout, 'bin/evenkeel'), args);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  pidIn(name: string): number | null {
    return existsSync(this.path(name)) ? Number(readFileSync(this.path(name), 'utf8')) : null;
  }

  private runThrough(
    through: readonly string[],
    file: string,
    args: readonly string[],
  ): { readonly code: number | null; readonly out: string; readonly err: string } {
    const [command, ...rest] = [...through, process.execPath, file, 'keepalived', '-f', this.path('k.conf'), ...args];
    const env = { ...process.env, RUNTIME_DIRECTORY: this.folder };
    const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', env });
    return { code: status, out: stdout, err: stderr };
  }
}

test('keepalived -t, -v, --signum and unknown options: words and exit codes', engineSkip('node'), (t) => {
  const keepalived = new Keepalived(t);
  assert.match(keepalived.run('-v').err, /^Keepalived v2\.\d+\.\d+ \(evenkeel .*\)\n$/);
  assert.deepEqual(keepalived.run('--signum=DATA'), { code: 0, out: '10\n', err: '' });
  assert.deepEqual(keepalived.run('--signum', 'JSON'), { code: 1, out: '', err: 'Unknown sigfunc JSON\n' });
  assert.deepEqual(keepalived.run('--bogus'), { code: 1, out: '', err: 'Unknown option --bogus\n' });
  assert.equal(keepalived.run('-h').code, 0);

  keepalived.write('k.conf', CONFIGURATION.replace('priority', 'prioritty'));
  const wrong = keepalived.run('-t');
  assert.equal(wrong.code, 5);
  assert.match(wrong.err, /^\(.*k\.conf: Line 5\) .*prioritty/);
  const log = keepalived.path('t.log');
  assert.deepEqual(keepalived.run(`--config-test=${log}`), { code: 5, out: '', err: '' });
  assert.match(readFileSync(log, 'utf8'), /Line 5\) /);
  rmSync(keepalived.path('k.conf'));
  assert.equal(keepalived.run('-t').code, 6);
});

const apart = { skip: refusalOfLab() ?? engineSkip('node').skip };

test("keepalived leaves the foreground; pid files and signals are keepalived's", apart, async (t) => {
  const keepalived = new Keepalived(t);
  const files = ['-p', keepalived.path('k.pid'), '-r', keepalived.path('v.pid'), '-c', keepalived.path('c.pid')];
  const started = keepalived.runApart('-D', ...files);
  assert.equal(started.code, 0, started.err);
  const pid = keepalived.pidIn('k.pid')!;
  assert.equal(keepalived.pidIn('v.pid'), pid);
  assert.equal(keepalived.pidIn('c.pid'), null);

  const data = `/proc/${pid}/root/tmp/keepalived.data`;
  kill(pid, 'SIGUSR1');
  await until(
    () => existsSync(data) && readFileSync(data, 'utf8').includes('VI_1'),
    () => `nothing of VI_1 in ${data}`,
  );
  keepalived.write('k.conf', CONFIGURATION.replaceAll('VI_1', 'VI_2').replace('50', '51'));
  kill(pid, 'SIGHUP');
  await until(
    () => {
      kill(pid, 'SIGUSR1');
      return existsSync(data) && readFileSync(data, 'utf8').includes('VI_2');
    },
    () => readFileSync(data, 'utf8'),
  );
  kill(pid, 'SIGTERM');
  await until(
    () => !kill(pid, 0),
    () => `${pid} never ended`,
  );
  assert.deepEqual([keepalived.pidIn('k.pid'), keepalived.pidIn('v.pid')], [null, null]);
});

test('a tracked script that is not there is left out, as by keepalived, until a reload finds it', apart, async (t) => {
  const keepalived = new Keepalived(t);
  const script = keepalived.path('fails.sh');
  const tracking = `vrrp_script missing {
    script "${script}"
    user root
    interval 1
}
${CONFIGURATION.replace(/\}\n$/, '    track_script {\n        missing\n    }\n}\n')}`;
  keepalived.write('k.conf', tracking);
  const tested = keepalived.runApart('-t');
  assert.equal(tested.code, 0, tested.err);
  assert.match(
    tested.err,
    /fails\.sh cannot be run: there is no such file;? .*nothing asks for it, as with keepalived/,
  );

  const files = ['-p', keepalived.path('k.pid'), '-r', keepalived.path('v.pid'), '-c', keepalived.path('c.pid')];
  assert.equal(keepalived.runApart('-D', ...files).code, 0);
  const pid = keepalived.pidIn('k.pid')!;
  const stateOf = (): string => {
    const asked = spawnSync(
      process.execPath,
      [program, 'status', '--json', '--socket', `${keepalived.path('k.pid')}.control`],
      { encoding: 'utf8' },
    );
    const { ha } = JSON.parse(asked.stdout) as { ha: { routers: { state: string }[] } };
    return ha.routers[0].state;
  };
  await until(
    () => stateOf() === 'active',
    () => stateOf(),
  );

  keepalived.write('fails.sh', '#!/bin/sh\nexit 1\n');
  chmodSync(script, 0o755);
  kill(pid, 'SIGHUP');
  await until(
    () => stateOf() === 'fault',
    () => stateOf(),
  );
  kill(pid, 'SIGTERM');
  await until(
    () => !kill(pid, 0),
    () => `${pid} never ended`,
  );
});
