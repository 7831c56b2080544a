/** OpenSSH and MariaDB on the servers of a place, and sessions with them that wait, speak first, or are busy. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../vip/virtual-node.ts';
import { until } from '../waiting.ts';
import { Script } from './script.ts';

export const SSH_PORT = 22;
export const MARIADB_PORT = 3306;

/** What is downloaded, but for the ends of lines, as soon as they come. (`sed -u` would read it byte by byte.) */
const WITHOUT_X = 'stdbuf -oL tr -d x';

/** Once for all servers, as behind any balancer: the same keys, the same data. */
export class RealServers {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    for (const file of ['host-key', 'key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, file)]);
    }
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const data = join(directory, 'data');
    mkdirSync(data);
    const how = ['--auth-root-authentication-method=normal', '--skip-test-db', '--user=root'];
    execFileSync('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, ...how], { stdio: 'pipe' });
  }

  async start(host: Host, number: number): Promise<RealServer> {
    const server = new RealServer(this.directory, host, number);
    await server.start();
    return server;
  }

  /** `address`: what clients connect to. */
  ssh(outside: Host, kind: RealKind, address: string): RealSession {
    const signal = join(this.directory, `signal-${sessions++}`);
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'LogLevel=ERROR'];
    const command = `ssh -F none -i ${join(this.directory, 'key')} ${options.map((one) => `-o ${one}`).join(' ')} -p ${SSH_PORT} root@${address}`;
    const first = 'set -- $(ip -o -4 address show dev eth0); own=${4%/*}; echo server-${own##*.}';
    const speaking = `n=0; while :; do while [ ! -e ${signal}-$n ]; do sleep 0.2; done; echo spoke-$n; n=$((n+1)); done`;
    const remote = {
      waits: 'exec cat',
      speaks: speaking,
      downloads: `while :; do head -c 100000 /dev/zero | tr '\\0' x; echo; sleep 0.1; done`,
      uploads: 'while head -c 100000 | wc -c; do :; done',
    }[kind];
    const line = {
      waits: `${command} '${first}; ${remote}'`,
      speaks: `${command} '${first}; ${remote}'`,
      downloads: `${command} '${first}; ${remote.replaceAll("'", `'"'"'`)}' | ${WITHOUT_X}`,
      uploads: `(while :; do head -c 100000 /dev/zero; sleep 0.1; done) | ${command} '${first}; ${remote}'`,
    }[kind];
    const script = new Script(outside, 'setsid', 'bash', '-c', line);
    return new RealSession(script, `ssh ${kind}`, kind, (n) => {
      if (kind === 'speaks') writeFileSync(`${signal}-${n}`, '');
      else if (kind === 'waits') script.tell(`spoke-${n}`);
    });
  }

  mariadb(
    outside: Host,
    kind: Exclude<RealKind, 'uploads'>,
    address: string,
    servers: readonly RealServer[],
  ): RealSession {
    const client = `mariadb --no-defaults -h ${address} -P ${MARIADB_PORT} -u app -psecret -D shop --skip-ssl -N -n -q --skip-reconnect`;
    const script = new Script(
      outside,
      'setsid',
      'bash',
      '-c',
      kind === 'downloads' ? `${client} | ${WITHOUT_X}` : client,
    );
    const lock = `lock-${sessions++}`;
    script.tell(`SELECT CONCAT('server-', @@server_id);`);
    if (kind === 'downloads') script.tell(`SELECT REPEAT('x', 50000), SLEEP(0.1) FROM seq_1_to_1000000;`);
    if (kind === 'speaks') {
      // It holds the lock by which it is told, after whoever tells.
      for (const server of servers) server.administrator.tell(`DO GET_LOCK('${lock}-0', 0);`);
      const next = `DO GET_LOCK('${lock}-0', 10000); SELECT 'spoke-0';`;
      script.tell(next);
    }
    return new RealSession(script, `mariadb ${kind}`, kind, (n) => {
      if (kind === 'speaks' && n === 0) {
        for (const server of servers) server.administrator.tell(`DO RELEASE_LOCK('${lock}-0');`);
      } else if (kind !== 'downloads') script.tell(`SELECT 'spoke-${n}';`);
    });
  }
}

let sessions = 0;

export class RealServer {
  readonly host: Host;
  readonly name: string;
  private readonly directory: string;
  private readonly number: number;
  /** Of its MariaDB, on the server itself. */
  administrator!: Script;

  constructor(directory: string, host: Host, number: number) {
    this.directory = directory;
    this.host = host;
    this.number = number;
    this.name = `server-${number}`;
  }

  async start(): Promise<void> {
    const { directory, host, number } = this;
    const sshd = join(directory, `sshd-${number}`);
    writeFileSync(
      sshd,
      `
ListenAddress 0.0.0.0:${SSH_PORT}
HostKey ${join(directory, 'host-key')}
PidFile none
AuthorizedKeysFile ${join(directory, 'key.pub')}
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv SHLVL=1
`,
    );
    // Not into a pipe that nobody reads: each check of a server is a line, and who cannot write it stands still.
    host.spawn('/usr/sbin/sshd', '-D', '-E', `${sshd}.log`, '-f', sshd);
    const data = join(directory, `data-${number}`);
    cpSync(join(directory, 'data'), data, { recursive: true });
    const socket = `${data}/socket`;
    const settings = ['--innodb-buffer-pool-size=16M', '--skip-log-bin', '--skip-name-resolve', '--user=root'];
    const where = [`--port=${MARIADB_PORT}`, `--bind-address=0.0.0.0`, `--socket=${socket}`];
    const files = [`--datadir=${data}`, `--pid-file=${data}/pid`, `--log-error=${data}/log`, `--server-id=${number}`];
    host.spawn('/usr/sbin/mariadbd', '--no-defaults', ...files, ...where, ...settings);
    const run = (statement: string): string =>
      host.run('mariadb', '--no-defaults', '-uroot', `--socket=${socket}`, '-N', '-e', statement);
    await until(
      () => {
        try {
          return run('SELECT 1') !== '';
        } catch {
          return false;
        }
      },
      () => `MariaDB: ${readFileSync(`/proc/self/comm`, 'utf8')}`,
      200,
    );
    run(
      `CREATE USER app@'%' IDENTIFIED BY 'secret'; CREATE USER evenkeel@'%'; CREATE DATABASE shop; GRANT ALL ON shop.* TO app@'%'`,
    );
    this.administrator = new Script(host, 'mariadb', '--no-defaults', '-uroot', `--socket=${socket}`, '-N', '-n');
    await until(() => host.run('ss', '-ltn').includes(`0.0.0.0:${SSH_PORT}`), undefined, 100);
  }
}

export type RealKind = 'waits' | 'speaks' | 'downloads' | 'uploads';

export class RealSession {
  readonly script: Script;
  /** `ssh downloads` */
  readonly what: string;
  readonly kind: RealKind;
  private readonly move: (round: number) => void;
  private round = 0;
  private expected = 0;

  constructor(script: Script, what: string, kind: RealKind, move: (round: number) => void) {
    this.script = script;
    this.what = what;
    this.kind = kind;
    this.move = move;
  }

  /** Resolves when its server has been told. */
  async greeted(): Promise<void> {
    await this.script.until((lines) => lines.some((line) => line.startsWith('server-')), `no ${this.what}`);
  }

  get server(): string {
    return this.script.lines.find((line) => line.startsWith('server-'))!;
  }

  /** Has it go on: who is to speak speaks. */
  goOn(): void {
    this.move(this.round++);
    // What was under way at the change may arrive late, from either side.
    this.expected = this.script.lines.length + 20;
  }

  /** Since `goOn`. */
  get hasGoneOn(): boolean {
    if (this.script.isOver) return false;
    const { lines } = this.script;
    if (this.kind === 'downloads' || this.kind === 'uploads') return lines.length >= this.expected;
    return lines.includes(`spoke-${this.round - 1}`);
  }

  end(): void {
    // A pipe has several processes, in a group of their own.
    if (!this.script.isOver) process.kill(-this.script.child.pid!, 'SIGKILL');
  }
}
