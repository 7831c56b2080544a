/** `evenkeel nginx` in place of nginx: for whoever knows nginx by its options, signals, pid file, log and process names. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { engineSkip, freePort, get, kill, program, startBackend } from './evenkeel.ts';
import { childrenOf, endFamily } from './family.ts';
import { until } from './waiting.ts';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

class Nginx {
  readonly folder: string;
  readonly port: number;
  private readonly t: TestContext;

  static async create(t: TestContext, main = ''): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-command-'));
    const nginx = new Nginx(t, folder, await freePort());
    const backend = await startBackend(t);
    nginx.configure(main, `proxy_pass http://${backend.address};`);
    t.after(() => {
      const pid = nginx.pid;
      if (pid !== null) endFamily(pid);
      rmSync(folder, { recursive: true, force: true });
    });
    return nginx;
  }

  private constructor(t: TestContext, folder: string, port: number) {
    this.t = t;
    this.folder = folder;
    this.port = port;
  }

  configure(main: string, location: string): void {
    const http = `http { access_log off; server { listen 127.0.0.1:${this.port}; location / { ${location} } } }`;
    this.write('nginx.conf', `pid nginx.pid; error_log error.log info;\n${main}\nevents { }\n${http}\n`);
  }

  run(...args: readonly string[]): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, this.command(args), { encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  }

  /** `daemon off`. Ended with the test. */
  spawn(...args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, this.command(args), { stdio: 'ignore' });
    this.t.after(() => {
      if (child.exitCode === null && child.signalCode === null) endFamily(child.pid!);
    });
    return child;
  }

  get log(): string {
    return this.read('error.log');
  }

  get pid(): number | null {
    const path = join(this.folder, 'nginx.pid');
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Resolves when the log says this. */
  async logs(pattern: RegExp): Promise<void> {
    await until(
      () => this.has('error.log') && pattern.test(this.log),
      () => `the log never said ${pattern}:\n${this.has('error.log') ? this.log : ''}`,
    );
  }

  async ended(pid: number): Promise<void> {
    await until(
      () => !kill(pid, 0),
      () => `${pid} never ended:\n${this.log}`,
    );
  }

  private command(args: readonly string[]): string[] {
    return [program, 'nginx', '-p', this.folder, '-c', 'nginx.conf', '-e', 'first.log', ...args];
  }
}

test('nginx -t, -T, -v, -V and wrong options: words and exit codes', engineSkip('node'), async (t) => {
  const nginx = await Nginx.create(t);
  const file = `${nginx.folder}/nginx.conf`;
  const right = nginx.run('-t');
  assert.deepEqual(right, {
    code: 0,
    out: '',
    err: `nginx: the configuration file ${file} syntax is ok\nnginx: configuration file ${file} test is successful\n`,
  });
  assert.deepEqual(nginx.run('-tq'), { code: 0, out: '', err: '' });
  const dumped = nginx.run('-T');
  assert.equal(dumped.out, `# configuration file ${file}:\n${nginx.read('nginx.conf')}\n`);

  nginx.configure('', 'proxy_pass http://misspelt.invalid;');
  const misspelt = nginx.run('-t');
  assert.equal(misspelt.code, 0);
  assert.match(misspelt.err, /\[warn\] .*`misspelt\.invalid` does not resolve.* in .*:\d+\n/);

  nginx.configure('wrong on;', 'return 204;');
  assert.deepEqual(nginx.run('-t'), {
    code: 1,
    out: '',
    err: `nginx: [emerg] unknown directive "wrong" in ${file}:2\nnginx: configuration file ${file} test failed\n`,
  });
  assert.match(
    nginx.read('first.log'),
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[emerg\] \d+#\d+: unknown directive "wrong" in /m,
  );
  const started = nginx.run();
  assert.equal(started.code, 1);
  assert.match(started.err, /^nginx: \[emerg\] unknown directive "wrong" in .*:2\n/);
  assert.match(nginx.run('-g', 'nonsense 1', '-t').err, /unknown directive "nonsense" in command line\n/);

  assert.match(nginx.run('-v').err, /^nginx version: nginx\/1\.\d+\.\d+ \(evenkeel .*\)\n$/);
  assert.match(
    nginx.run('-V').err,
    /\nbuilt with OpenSSL \d.*\nTLS SNI support enabled\nconfigure arguments: .* --with-stream .*--without-http_fastcgi_module/,
  );
  assert.deepEqual(nginx.run('-s', 'restart'), { code: 1, out: '', err: 'nginx: invalid option: "-s restart"\n' });
  const none = nginx.run('-s', 'stop', '-g', 'pid other.pid;');
  assert.equal(none.code, 1);
});

test(
  "nginx leaves the foreground when it serves; signals, log and pid file are nginx's",
  engineSkip('uring'),
  async (t) => {
    const nginx = await Nginx.create(t);
    const started = nginx.run();
    assert.deepEqual({ code: started.code, out: started.out }, { code: 0, out: '' });
    assert.equal((await get(nginx.port)).status, 200);
    const first = nginx.pid!;
    assert.match(nginx.log, /\[notice\] \d+#\d+: serves /);

    // A second one.
    const second = nginx.run();
    assert.equal(second.code, 1);
    assert.match(second.err, /nginx: \[emerg\] bind\(\) to 127\.0\.0\.1:\d+ failed \(98: Address already in use\)\n/);
    assert.equal(nginx.pid, first);

    // Reload: a wrong file changes nothing.
    nginx.configure('wrong on;', 'return 204;');
    const refused = nginx.run('-s', 'reload');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^nginx: \[emerg\] unknown directive "wrong" in .*:2\n$/);
    kill(first, 'SIGHUP');
    await nginx.logs(/reload by SIGHUP refused[^]*\[emerg\] \d+#\d+: unknown directive "wrong" in .*:2\n/);
    assert.equal((await get(nginx.port)).status, 200);
    nginx.configure('', 'return 204;');
    assert.equal(nginx.run('-s', 'reload').code, 0);
    await nginx.logs(/exited with code/);
    assert.equal((await get(nginx.port)).status, 204);

    // logrotate
    renameSync(join(nginx.folder, 'error.log'), join(nginx.folder, 'error.log.1'));
    assert.equal(nginx.run('-s', 'reopen').code, 0);
    await until(
      () => nginx.has('error.log'),
      () => 'the log was never opened anew',
    );
    kill(first, 'SIGHUP');
    await nginx.logs(/reload by SIGHUP/);

    // The proxies go, and the sockets stay.
    kill(first, 'SIGWINCH');
    await nginx.logs(/SIGWINCH: the proxies finish/);
    await until(
      () => names(first).length === 0,
      () => `proxies are left: ${names(first).join(', ')}`,
    );
    const waiting = get(nginx.port);
    kill(first, 'SIGHUP');
    assert.equal((await waiting).status, 204);

    assert.equal(nginx.run('-s', 'quit').code, 0);
    await nginx.ended(first);
    assert.equal(nginx.pid, null);
    const none = nginx.run('-s', 'quit');
    assert.equal(none.code, 1);
    assert.match(none.err, /^nginx: \[error\] open\(\) ".*\/nginx\.pid" failed \(2: No such file or directory\)\n$/);
  },
);

test('nginx with daemon off stays, and SIGUSR2 has the pid file follow', engineSkip('uring'), async (t) => {
  const nginx = await Nginx.create(t);
  assert.equal(nginx.run().code, 0);
  const first = nginx.pid!;
  kill(first, 'SIGUSR2');
  await until(
    () => nginx.pid !== null && nginx.pid !== first,
    () => `the pid file is still ${first}'s:\n${nginx.log}`,
  );
  const second = nginx.pid!;
  await nginx.ended(first);
  assert.equal(nginx.has('nginx.pid.oldbin'), false);
  assert.equal((await get(nginx.port)).status, 200);
  assert.equal(nginx.run('-s', 'stop').code, 0);
  await nginx.ended(second);
  const left = readdirSync(nginx.folder).filter((name) => name.startsWith('nginx.pid'));
  assert.deepEqual(left, []);

  const child = nginx.spawn('-g', 'daemon off;');
  await until(
    () => nginx.pid === child.pid,
    () => `no pid file of ${child.pid}:\n${nginx.log}`,
  );
  // It stays in the pid file, and passes signals on, for somebody counts on it.
  child.kill('SIGUSR2');
  await nginx.logs(/is in charge \(pid \d+\); [^]*is in charge \(pid \d+\); /);
  assert.equal(nginx.pid, child.pid);
  assert.equal(nginx.has('nginx.pid.oldbin'), false);
  const code = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  assert.equal(await code, 0);
  assert.equal(nginx.pid, null);
});

test('only proxies are called nginx, by all who look', engineSkip('uring'), async (t) => {
  const nginx = await Nginx.create(t, 'daemon off; worker_processes 2;');
  const child = nginx.spawn();
  await until(
    () => nginx.pid === child.pid,
    () => 'no pid file',
  );
  const proxies = childrenOf(child.pid!);
  assert.equal(proxies.length, 2);
  for (const pid of proxies) {
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'nginx\n');
    assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^nginx: worker process\0*$/);
  }
  assert.doesNotMatch(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), /nginx/);
  assert.doesNotMatch(readFileSync(`/proc/${child.pid}/comm`, 'utf8'), /nginx/);
  for (const pids of [
    found('pidof', 'nginx'),
    found('ps', '-C', 'nginx', '-o', 'pid='),
    found('pgrep', '-x', 'nginx'),
  ]) {
    assert.ok(
      proxies.every((pid) => pids.includes(pid)),
      `${pids.join(' ')} has not all of ${proxies.join(' ')}`,
    );
    assert.ok(!pids.includes(child.pid!));
  }
});

function names(pid: number): string[] {
  return childrenOf(pid).map((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim());
}

function found(command: string, ...args: readonly string[]): readonly number[] {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return (stdout.match(/\d+/g) ?? []).map(Number);
}
