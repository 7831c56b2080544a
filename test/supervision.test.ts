/** What happens when a process of the program is killed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  connect,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  getUntil,
  kill,
  startBackend,
  startLoad,
} from './evenkeel.ts';
import { until } from './waiting.ts';

const configuration = (port: number, server: string): string => `
grace: 10s
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;

/** A service manager keeps the listening sockets: no proxy serves on without a keeper. */
const SERVICE = { NOTIFY_SOCKET: '@evenkeel-test-nobody' };

for (const engine of ENGINES) {
  test(
    `[${engine}] a proxy killed under load is back within a second and no connection is refused`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const startedAt = performance.now();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine, workers: 1 });
      // A second, or on a machine where even a start takes longer, less than that.
      const boundMs = Math.max(1_000, performance.now() - startedAt);
      const tookMs: number[] = [];
      const cut: string[] = [];
      let done = 0;
      for (let round = 0; round < 3; round++) {
        const load = startLoad(t, port, 8);
        await get(port);
        const [pid] = evenkeel.proxies();
        const killedAt = performance.now();
        kill(pid, 'SIGKILL');
        while (kill(pid, 0)) await new Promise((resolve) => setImmediate(resolve));
        // This one is queued by the kernel while nobody is there, and served by the next proxy.
        await get(port);
        tookMs.push(performance.now() - killedAt);
        const result = await load.stop();
        done += result.done;
        cut.push(...result.failures);
      }
      assert.ok(Math.min(...tookMs) < boundMs, `${tookMs.join(', ')} ms`);
      assert.ok(done >= 3 * 8);
      // What was in flight in the dead process is lost, at most one request per connection; nothing else is.
      assert.deepEqual(
        cut.filter((failure) => failure !== 'ECONNRESET'),
        [],
      );
      assert.ok(cut.length <= 3 * 9);
    },
  );

  test(`[${engine}] requests of the other proxies do not notice`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine, workers: 4 });
    const before = evenkeel.proxies();
    kill(before[1], 'SIGKILL');
    // until then it may accept one of them
    await until(() => isEnded(before[1]));
    const answers = await Promise.all(Array.from({ length: 40 }, () => get(port)));
    assert.ok(answers.every(({ status }) => status === 200));
    await evenkeel.said(/proxy \d serves again/);
    const after = evenkeel.proxies();
    assert.equal(after.length, 4);
    assert.deepEqual(
      before.filter((pid) => !after.includes(pid)),
      [before[1]],
    );
  });

  test(`[${engine}] a proxy that is stopped is replaced`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine, workers: 1 });
    const [pid] = evenkeel.proxies();
    kill(pid, 'SIGSTOP');
    while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal((await get(port)).status, 200);
    assert.match(evenkeel.stderr, /proxy 0 hangs: no sign of life for \d{4,} ms/);
  });

  test(
    `[${engine}] if the keeper of a service is killed, proxies finish what is in flight and end; another one can start at once`,
    engineSkip(engine),
    async (t) => {
      let answer: (() => void) | null = null;
      let resolveArrived: (() => void) | null = null;
      const arrived = new Promise<void>((resolve) => {
        resolveArrived = resolve;
      });
      const backend = await startBackend(t, (request, response) => {
        if (request.url === '/slow') {
          answer = () => response.end('slow');
          resolveArrived!();
        } else {
          response.end('fast');
        }
      });
      const port = await freePort();
      // longer than a start may take
      const yaml = configuration(port, backend.address).replace('grace: 10s', 'grace: 1m');
      const evenkeel = await Evenkeel.start(t, yaml, { engine, env: SERVICE });
      const proxies = evenkeel.proxies();
      const slow = get(port, '/slow');
      await arrived;
      evenkeel.signal('SIGKILL');
      const second = await Evenkeel.start(t, yaml, { engine, env: SERVICE });
      assert.equal((await get(port)).body, 'fast');
      answer!();
      assert.deepEqual(await slow, { status: 200, body: 'slow' });
      while (proxies.some((pid) => kill(pid, 0))) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal((await get(port)).body, 'fast');
      second.signal('SIGTERM');
      assert.equal(await second.exit, 0);
    },
  );

  test(
    `[${engine}] proxies of a service without a keeper end when the grace time is over, whatever is left`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t, () => undefined);
      const port = await freePort();
      const yaml = configuration(port, backend.address).replace('grace: 10s', 'grace: 300ms');
      const evenkeel = await Evenkeel.start(t, yaml, { engine, env: SERVICE });
      const proxies = evenkeel.proxies();
      const cut = get(port);
      while (backend.count === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      evenkeel.signal('SIGKILL');
      // There is no response yet: `going-away`.
      assert.equal((await cut).status, 503);
      while (proxies.some((pid) => kill(pid, 0))) await new Promise((resolve) => setTimeout(resolve, 10));
    },
  );

  test(
    `[${engine}] when file descriptors run out, what is open is served and accepting resumes by itself`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const through = ['sh', '-c', 'ulimit -n 150; exec "$@"', 'sh'];
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine, workers: 1, through });
      const [pid] = evenkeel.proxies();
      const idle = await Promise.all(Array.from({ length: 200 }, () => connect(port)));
      for (const socket of idle) socket.destroy();
      await getUntil(port, ({ status }) => status === 200);
      assert.deepEqual(evenkeel.proxies(), [pid], 'the same proxy');
    },
  );
}

test('a log that nobody reads any more does not end it', engineSkip('node'), async (t) => {
  const backend = await startBackend(t);
  const port = await freePort();
  const evenkeel = await Evenkeel.start(t, configuration(port, backend.address), { engine: 'node', workers: 1 });
  evenkeel.child.stderr!.destroy();
  evenkeel.child.stdout!.destroy();
  for (let round = 0; round < 3; round++) {
    kill(evenkeel.proxies()[0], 'SIGKILL');
    await getUntil(port, ({ status }) => status === 200);
  }
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
});

test('the limit of open files is raised as far as it may be', engineSkip('node'), async (t) => {
  const through = ['sh', '-c', 'ulimit -S -n 128; exec "$@"', 'sh'];
  const evenkeel = await Evenkeel.start(t, configuration(await freePort(), '127.0.0.1:9'), { engine: 'node', through });
  for (const pid of evenkeel.proxies()) {
    const [, soft, hard] = /Max open files +(\d+|unlimited) +(\d+|unlimited)/.exec(
      readFileSync(`/proc/${pid}/limits`, 'utf8'),
    )!;
    assert.equal(soft, hard);
  }
});

/** Nothing of it runs any more, whether its parent knows that or not. */
function isEnded(pid: number): boolean {
  try {
    return /^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}
