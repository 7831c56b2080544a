/**
 * A load balancer of the classic pair on a host of a lab: the real keepalived and nginx with the files of `classic-pair/`, unchanged,
 * where they belong. Its programs have process ids of their own, because the classic script asks `ps` whether there is an nginx, and a
 * `systemctl` that has nothing but what that script wants of it: an nginx that does not start again, and to stop keepalived.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Balancer, Pair } from '../src/lab/pair.ts';
import { commandLineOf, type HostProcess, killAtOnce, signalAll } from '../src/lab/processes.ts';
import { findProgram } from './peers.ts';
import { PUNCTUAL } from './vip/keepalived.ts';

const FILES = fileURLToPath(new URL('../../test/classic-pair/', import.meta.url));

/** Runs a program as the first process of a machine. */
const MACHINE = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
/**
 * That process: waits for orphans, as somebody has to, or `ps` would show a dead nginx for ever. Nor may `ps` show what it mounts: the classic
 * script looks for the word.
 */
const INIT =
  'mount -t tmpfs none /run && echo "$MOUNTS" | while read -r from to; do mount --bind "$from" "$to" || exit 1; done && ' +
  'echo booted && while :; do sleep 1000 & wait $!; done';

/** Where keepalived and evenkeel look for programs first. */
const PROGRAMS = '/usr/local/sbin';

type Program = 'keepalived' | 'nginx';

export class ClassicBalancer {
  readonly host: Balancer;
  private readonly pair: Pair;
  private readonly directory: string;
  /** What enters the machine. */
  private readonly enter: readonly string[];
  private keepalived: HostProcess | null = null;

  /** `variant` is the end of a directory's name in `classic-pair/`. */
  static async boot(pair: Pair, host: Balancer, variant: '' | '-nopreempt' = ''): Promise<ClassicBalancer> {
    const directory = join(pair.network.directory, `classic-${host}`);
    const configuration = join(directory, 'etc');
    mkdirSync(configuration, { recursive: true });
    const [programs, proxy, log, state] = ['bin', 'proxy', 'log', 'state'].map((name) => join(directory, name));
    for (const each of [programs, log, state]) mkdirSync(each);
    cpSync(join(FILES, host), proxy, { recursive: true });
    copyFileSync('/etc/nginx/mime.types', join(proxy, 'mime.types'));
    copyFileSync(join(FILES, `${host}${variant}`, 'keepalived.conf'), join(configuration, 'keepalived.conf'));
    copyFileSync(join(FILES, host, 'checkng.sh'), join(configuration, 'checkng.sh'));
    writeFileSync(join(programs, 'systemctl'), systemctl(join(directory, 'keepalived.pid')), { mode: 0o755 });
    const mounts = [
      [configuration, '/etc/keepalived'],
      [programs, PROGRAMS],
      [proxy, '/etc/nginx'],
      [log, '/var/log/nginx'],
      [state, '/var/lib/nginx'],
      ...['passwd', 'group'].map((file) => [withUser(directory, file), `/etc/${file}`]),
    ];
    const env = { MOUNTS: mounts.map((mount) => mount.join(' ')).join('\n') };
    const init = await new Promise<HostProcess>((resolve, reject) => {
      const onLine = (line: string): void => (line === 'booted' ? resolve(process) : reject(new Error(line)));
      const process = pair.run(host, [...MACHINE, 'sh', '-c', INIT], { onLine, env });
    });
    const [pid] = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8').trim().split(' ');
    return new ClassicBalancer(pair, host, directory, ['nsenter', `--target=${pid}`, '--mount', '--pid']);
  }

  private constructor(pair: Pair, host: Balancer, directory: string, enter: readonly string[]) {
    this.pair = pair;
    this.host = host;
    this.directory = directory;
    this.enter = enter;
  }

  /** Resolves when it listens: the classic script stops keepalived if there is no nginx for two seconds. */
  async startNginx(): Promise<void> {
    // Debian's has the module of `stream` in a file of its own.
    const nginx = this.run('nginx', '-g', 'daemon off; load_module /usr/lib/nginx/modules/ngx_stream_module.so;');
    while (this.pids('nginx: worker').length === 0) {
      assert.ok(nginx.isRunning, nginx.output);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  startKeepalived(): void {
    const pidFiles = ['--pid', 'keepalived.pid', '--vrrp_pid', 'vrrp.pid', '--checkers_pid', 'checkers.pid'];
    const files = pidFiles.map((word, index) => (index % 2 === 0 ? word : join(this.directory, word)));
    this.keepalived = this.run(...PUNCTUAL, 'keepalived', '--dont-fork', '--log-console', '--log-detail', ...files);
  }

  /** In place of keepalived, with its file and perhaps others. A `systemctl stop keepalived` reaches it, as an alias of its unit does. */
  startEvenkeel(command: readonly string[], ...others: readonly string[]): HostProcess {
    const pid = join(this.directory, 'keepalived.pid');
    const file = '/etc/keepalived/keepalived.conf';
    const shell = `echo $$ > ${pid} && exec "$@"`;
    return this.run(
      'sh',
      '-c',
      shell,
      'sh',
      ...command,
      'run',
      file,
      ...others,
      '--node',
      this.host,
      '--socket',
      join(this.directory, 's'),
    );
  }

  /** Resolves when its keepalived, as it was started last, has said that it is in this state. */
  async entered(state: 'MASTER' | 'BACKUP'): Promise<void> {
    while (!this.keepalived!.output.includes(`Entering ${state} STATE`)) {
      assert.ok(this.keepalived!.isRunning, this.keepalived!.output);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** kill -9 of all that runs in the machine. */
  killAll(): void {
    killAtOnce(['nsenter', 'keepalived', 'evenkeel', 'nginx'].flatMap((program) => this.pids(program)));
  }

  /** kill -9 of what takes connections, if it is there. */
  killProxies(): void {
    killAtOnce(
      ['nginx', 'nsenter']
        .flatMap((program) => this.pids(program))
        .filter((pid) => / nginx |^nginx/.test(commandLineOf(pid))),
    );
  }

  /** As a service manager stops it. Resolves when it is gone. */
  async stopKeepalived(): Promise<void> {
    signalAll(this.pids('keepalived').slice(0, 1), 'SIGTERM');
    await this.ended();
  }

  /** Resolves when its keepalived is gone. */
  async ended(): Promise<void> {
    await this.keepalived!.exit;
  }

  /** kill -9 of all processes of that program, and of what entered the machine with it: it would stop when they are stopped. */
  kill(program: Program): void {
    const pids = this.pids(program);
    assert.ok(pids.length > 0, `no ${program} runs`);
    const entered = this.pids(this.enter[0]).filter((pid) => commandLineOf(pid).includes(` ${program} `));
    killAtOnce([...entered, ...pids]);
  }

  /** Those whose command line begins so, parents before their children. */
  pids(program: string): number[] {
    return this.pair.processes(this.host).filter((pid) => commandLineOf(pid).startsWith(program));
  }

  private run(...command: readonly string[]): HostProcess {
    const env = { PATH: `${PROGRAMS}:${process.env.PATH ?? ''}` };
    return this.pair.run(this.host, [...this.enter, ...command], { env });
  }
}

/** Null, or why this machine cannot have one. */
export function refusalOfClassic(): string | null {
  const missing = ['keepalived', 'chrt', 'nginx', 'unshare', 'nsenter'].filter(
    (program) => findProgram(program) === null,
  );
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  const { status, stderr } = spawnSync(MACHINE[0], [...MACHINE.slice(1), 'true'], { encoding: 'utf8' });
  return status === 0 ? null : `no machine with process ids of its own: ${stderr.trim()}`;
}

function systemctl(pidFile: string): string {
  return `#!/bin/sh\n[ "$*" = "stop keepalived" ] && kill "$(cat ${pidFile})"\n`;
}

/** The machine's file of users, or of groups, with the user that the classic nginx.conf names. */
function withUser(directory: string, file: string): string {
  const path = join(directory, file);
  const line = file === 'passwd' ? 'nginx:x:64999:64999::/nonexistent:/bin/false' : 'nginx:x:64999:';
  writeFileSync(path, `${readFileSync(`/etc/${file}`, 'utf8')}${line}\n`);
  return path;
}
