/**
 * A load balancer of the classic pair on a host of a lab: the real keepalived with the files of `classic-pair/`, unchanged, and
 * nginx. Its programs have process ids of their own, because the classic script asks `ps` whether there is an nginx, and a
 * `systemctl` that has nothing but what that script wants of it: an nginx that does not start again, and to stop keepalived.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADDRESSES, type Balancer, type Pair, WEB_SERVERS } from '../src/lab/pair.ts';
import { commandLineOf, type HostProcess, killAtOnce, signalAll } from '../src/lab/processes.ts';
import { findProgram } from './peers.ts';
import { PUNCTUAL } from './vip/keepalived.ts';

const FILES = fileURLToPath(new URL('../../test/classic-pair/', import.meta.url));

/** Runs a program as the first process of a machine. */
const MACHINE = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
/** That process: waits for orphans, as somebody has to, or `ps` would show a dead nginx for ever. */
const INIT =
  'mount --bind "$1" /etc/keepalived && mount --bind "$2" "$3" && echo booted && while :; do sleep 1000 & wait $!; done';

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
    const programs = join(directory, 'bin');
    mkdirSync(programs);
    copyFileSync(join(FILES, `${host}${variant}`, 'keepalived.conf'), join(configuration, 'keepalived.conf'));
    copyFileSync(join(FILES, host, 'checkng.sh'), join(configuration, 'checkng.sh'));
    writeFileSync(join(programs, 'systemctl'), systemctl(join(directory, 'keepalived.pid')), { mode: 0o755 });
    writeFileSync(join(directory, 'nginx.conf'), nginxConfiguration(directory));
    const init = await new Promise<HostProcess>((resolve, reject) => {
      const onLine = (line: string): void => (line === 'booted' ? resolve(process) : reject(new Error(line)));
      const process = pair.run(host, [...MACHINE, 'sh', '-c', INIT, 'init', configuration, programs, PROGRAMS], {
        onLine,
      });
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
    const log = join(this.directory, 'nginx.log');
    const nginx = this.run('nginx', '-e', log, '-c', join(this.directory, 'nginx.conf'));
    while (!existsSync(join(this.directory, 'nginx.pid'))) {
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

  /** Parents before their children. */
  private pids(program: string): number[] {
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

/** What the classic pair's does with HTTP; its own needs a user and directories that Debian does not have. */
function nginxConfiguration(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(directory, kind)};`)
    .join(' ');
  const servers = WEB_SERVERS.map((name) => `server ${ADDRESSES[name]}:80;`).join(' ');
  return `user root; worker_processes 1; daemon off; pid ${join(directory, 'nginx.pid')};
events { worker_connections 1024; }
http { access_log off; ${temporary} upstream web { ${servers} } server { listen 80; location / { proxy_pass http://web; } } }
`;
}
