/** nginx as the servers, curl and wrk as the clients; and all of them under load while parts of it are killed. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENGINES, Evenkeel, freePort, kill } from './evenkeel.ts';
import { peerSkip, run, runOk, sha256, startNginx, temporaryDirectory } from './peers.ts';

const LOCATIONS = `
  gzip on; gzip_types text/plain; gzip_min_length 10;
  location /hello { default_type text/plain; return 200 "hello hello hello hello\\n"; }
  location /moved { return 301 /hello; }
  location /echo { default_type text/plain; return 200 "$request_method $request_uri $http_x_forwarded_for\\n"; }
  location /none { return 204; }
  location /bad { return 500 "bad\\n"; }
  location /up/ { dav_methods PUT DELETE; create_full_put_path on; client_body_in_file_only off; }
`;
const MIB = 1024 * 1024;

function curl(...args: string[]): Promise<string> {
  return runOk('curl', ['-sS', '--max-time', '30', ...args]);
}

for (const engine of ENGINES) {
  test(`[${engine}] curl through evenkeel to nginx`, peerSkip(engine, 'nginx', 'curl'), async (t) => {
    const nginx = await startNginx(t, LOCATIONS);
    mkdirSync(join(nginx.directory, 'up'));
    writeFileSync(join(nginx.directory, 'big'), randomBytes(30 * MIB));
    const directory = temporaryDirectory(t);
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:${nginx.port}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const base = `http://127.0.0.1:${port}`;
    const big = join(nginx.directory, 'big');
    const upload = join(directory, 'upload');
    writeFileSync(upload, randomBytes(5 * MIB));

    await t.test('HTTP/1.1, HTTP/1.0, and HTTP/1.0 with keep-alive', async () => {
      for (const flags of [['--http1.1'], ['--http1.0'], ['--http1.0', '-H', 'Connection: keep-alive']]) {
        assert.equal(await curl(...flags, `${base}/hello`), 'hello hello hello hello\n');
      }
    });

    await t.test('many URLs over one connection', async () => {
      const urls = Array.from({ length: 20 }, (_, i) => `${base}/echo?${i}`);
      const out = await curl('-w', '[%{num_connects}]', ...urls);
      const expected = urls.map((_, i) => `GET /echo?${i} 127.0.0.1\n[${i === 0 ? 1 : 0}]`).join('');
      assert.equal(out, expected);
    });

    await t.test('Connection: close', async () => {
      const out = await curl('-H', 'Connection: close', '-w', '%{num_connects}', `${base}/hello`, `${base}/hello`);
      assert.match(out, /hello\n1hello .*\n1$/);
    });

    await t.test('HEAD', async () => {
      const out = await curl('-I', `${base}/big`);
      assert.match(out, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(out, new RegExp(`Content-Length: ${30 * MIB}\r\n`));
    });

    await t.test('statuses: 204, 500, and a redirect that is followed', async () => {
      assert.equal(await curl('-w', '%{http_code}', `${base}/none`), '204');
      assert.equal(await curl('-w', '%{http_code}', `${base}/bad`), 'bad\n500');
      assert.equal(await curl('-L', `${base}/moved`), 'hello hello hello hello\n');
    });

    await t.test('a large file, whole, in ranges, and slowly', async () => {
      const file = join(directory, 'down');
      await curl('-o', file, `${base}/big`);
      assert.equal(await sha256(file), await sha256(big));
      await curl('-r', '1000000-1999999', '-o', file, `${base}/big`);
      assert.ok(readFileSync(file).equals(readFileSync(big).subarray(1_000_000, 2_000_000)));
      await curl('--limit-rate', '2M', '-r', '0-3999999', '-o', file, `${base}/big`);
      assert.ok(readFileSync(file).equals(readFileSync(big).subarray(0, 4_000_000)));
    });

    await t.test('compressed, and in chunks as nginx compresses', async () => {
      assert.equal(await curl('--compressed', `${base}/hello`), 'hello hello hello hello\n');
      const raw = await curl('-i', '-H', 'Accept-Encoding: gzip', '-o', '-', `${base}/hello`);
      assert.match(raw, /Content-Encoding: gzip\r\n/);
    });

    await t.test('uploads: with a length, in chunks, with and without Expect', async () => {
      const ways: string[][] = [
        ['-T', upload],
        ['-T', upload, '-H', 'Transfer-Encoding: chunked'],
        ['-T', upload, '-H', 'Expect: 100-continue'],
        ['-T', upload, '-H', 'Expect:'],
        ['-X', 'PUT', '--data-binary', `@${upload}`],
      ];
      for (const [i, way] of ways.entries()) {
        const target = join(nginx.directory, 'up', `${i}`);
        assert.match(await curl(...way, '-w', '%{http_code}', `${base}/up/${i}`), /20[14]$/);
        assert.equal(await sha256(target), await sha256(upload), way.join(' '));
      }
      await runOk('curl', ['-sS', '--max-time', '30', '-T', '-', `${base}/up/stdin`], { input: upload });
      assert.equal(await sha256(join(nginx.directory, 'up', 'stdin')), await sha256(upload));
      assert.match(await curl('-X', 'DELETE', '-w', '%{http_code}', `${base}/up/0`), /204$/);
    });

    await t.test('a download that curl gives up', async () => {
      const { code } = await run('curl', [
        '-sS',
        '--max-time',
        '1',
        '--limit-rate',
        '1M',
        '-o',
        '/dev/null',
        `${base}/big`,
      ]);
      assert.equal(code, 28, 'curl’s code for a timeout');
      assert.equal(await curl(`${base}/hello`), 'hello hello hello hello\n');
    });

    await t.test('many downloads at the same time', async () => {
      const files = Array.from({ length: 8 }, (_, i) => join(directory, `parallel-${i}`));
      const args = files.flatMap((file) => ['-o', file, `${base}/big`]);
      await curl('-Z', ...args);
      const expected = await sha256(big);
      for (const file of files) assert.equal(await sha256(file), expected);
      assert.equal(statSync(files[0]).size, 30 * MIB);
    });
  });

  test(`[${engine}] wrk through evenkeel to nginx: nothing but 200`, peerSkip(engine, 'nginx', 'wrk'), async (t) => {
    const nginx = await startNginx(t, LOCATIONS);
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:${nginx.port}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 2 });
    const out = await runOk('wrk', ['-t1', '-c64', '-d2s', `http://127.0.0.1:${port}/hello`]);
    assert.doesNotMatch(out, /Non-2xx|Socket errors/, out);
    assert.ok(Number(/(\d+) requests in/.exec(out)![1]) > 100, out);
  });

  test(
    `[${engine}] servers are killed and come back under load: every request is answered, with its own answer`,
    peerSkip(engine, 'nginx'),
    async (t) => {
      const servers = await Promise.all([startNginx(t, LOCATIONS), startNginx(t, LOCATIONS)]);
      const port = await freePort();
      const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes: [ { upstream: web, retry: { attempts: 3, on: [connect, reset] } } ]
upstreams:
  web:
    servers: [ ${servers.map((server) => `"127.0.0.1:${server.port}"`).join(', ')} ]
    health: { http: /hello, interval: 100ms, rise: 1, fall: 1 }
`;
      await Evenkeel.start(t, yaml, { engine, workers: 2 });
      const load = new CheckedLoad(port, 16);
      for (let round = 0; round < 3; round++) {
        for (const server of servers) {
          await load.answered(200);
          await server.kill();
          await load.answered(200);
          await server.restart();
          // until both are in use again, so that one of them always is
          await new Promise((resolve) => setTimeout(resolve, 400));
        }
      }
      assert.deepEqual(await load.stop(), []);
    },
  );

  test(
    `[${engine}] proxies are killed under load: no connection is refused, and no answer is wrong`,
    peerSkip(engine, 'nginx'),
    async (t) => {
      const nginx = await startNginx(t, LOCATIONS);
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "127.0.0.1:${nginx.port}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 2 });
      const load = new CheckedLoad(port, 16);
      for (let round = 0; round < 4; round++) {
        await load.answered(300);
        const [pid] = evenkeel.proxies();
        kill(pid, 'SIGKILL');
        const deadline = Date.now() + 10_000;
        while (evenkeel.proxies().length < 2 || evenkeel.proxies().includes(pid)) {
          assert.ok(Date.now() < deadline, 'a new proxy comes');
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      await load.answered(300);
      const failures = await load.stop();
      // what was in flight on the killed proxy is lost; nothing else
      assert.ok(failures.length <= 4 * 16, `${failures.length} failures`);
      for (const failure of failures) assert.match(failure, /^(ECONNRESET|EPIPE)$/);
    },
  );
}

/** Requests over kept-alive connections, each with a target of its own that the answer must repeat. */
class CheckedLoad {
  private readonly port: number;
  private readonly agent: http.Agent;
  private readonly loops: readonly Promise<void>[];
  private readonly failures: string[] = [];
  private isOver = false;
  private begun = 0;
  private done = 0;

  constructor(port: number, connections: number) {
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    this.loops = Array.from({ length: connections }, () => this.loop());
  }

  private async loop(): Promise<void> {
    while (!this.isOver) await this.ask(`/echo?${this.begun++}`);
  }

  private ask(path: string): Promise<void> {
    return new Promise((resolve) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        this.failures.push(error.code ?? error.message);
        resolve();
      };
      const request = http.get({ host: '127.0.0.1', port: this.port, path, agent: this.agent }, (response) => {
        let body = '';
        response.on('data', (data: Buffer) => {
          body += data.toString();
        });
        response.on('error', fail);
        response.on('end', () => {
          if (response.statusCode === 200 && body === `GET ${path} 127.0.0.1\n`) this.done++;
          else this.failures.push(`${path}: ${response.statusCode} ${body}`);
          resolve();
        });
      });
      request.on('error', fail);
    });
  }

  /** Resolves after this many more right answers. */
  async answered(count: number): Promise<void> {
    const wanted = this.done + count;
    const deadline = Date.now() + 30_000;
    while (this.done < wanted) {
      assert.ok(Date.now() < deadline, `answers stopped coming; ${this.failures.slice(0, 5).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** What went wrong. */
  async stop(): Promise<string[]> {
    this.isOver = true;
    await Promise.all(this.loops);
    this.agent.destroy();
    return this.failures;
  }
}
