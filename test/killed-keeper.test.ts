/** A keeper is killed where no service manager holds its sockets: its proxies serve on until the next one does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { basename, dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  connect,
  type Engine,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  program,
  startBackend,
  startLoad,
  startTcpBackend,
} from './evenkeel.ts';
import { dyingAfter, endAfter, gone, replaceable, status, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

/** Many times what it takes until the next keeper has found the proxies of the one before. */
const GRACE_MS = 15_000;

interface Stage {
  readonly evenkeel: Evenkeel;
  readonly proxies: readonly number[];
  readonly port: number;
  readonly say: (text: string) => Promise<void>;
  readonly endSession: () => Promise<void>;
  /** Whoever has it, if anybody has it yet. */
  readonly dropSession: () => void;
  /** Another one, as whoever started the first would start it. */
  readonly startAgain: () => Promise<Evenkeel>;
}

/** Of two proxies, with a session through one of them. */
async function start(t: TestContext, engine: Engine, file = program, grace = '1m'): Promise<Stage> {
  const backend = await startBackend(t);
  const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
  const [port, tcpPort] = [await freePort(), await freePort()];
  const yaml = `
grace: ${grace}
listeners:
  web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: echo }
upstreams:
  web: { servers: [ "${backend.address}" ] }
  echo: { servers: [ "${echo.address}" ] }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine, hasSocket: true, program: file });
  const proxies = evenkeel.proxies();
  t.after(() => {
    for (const pid of proxies) kill(pid, 'SIGKILL');
  });
  const session = await connect(tcpPort);
  t.after(() => session.destroy());
  const over = new Promise<readonly string[]>((resolve) =>
    session.once('close', () => resolve(['the session is over'])),
  );
  return {
    evenkeel,
    proxies,
    port,
    async say(text) {
      session.write(text);
      assert.equal(String(await Promise.race([once(session, 'data'), over])), text);
    },
    async endSession() {
      session.end();
      await once(session, 'close');
    },
    dropSession: () => session.destroy(),
    async startAgain() {
      const { file } = evenkeel;
      const args = ['run', file, '--socket', `${file}.sock`, '--workers', '2', '--engine', engine];
      const next = Evenkeel.spawn(t, args, { env: { RUNTIME_DIRECTORY: dirname(file) } });
      next.file = file;
      await next.said(/ready: .*\n/);
      return next;
    },
  };
}

/** Places at which proxies of this process are found. */
function placesOf(evenkeel: Evenkeel, pid: number): readonly string[] {
  const { file } = evenkeel;
  return readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.sock.${pid}-`));
}

for (const engine of ENGINES) {
  test(
    `[${engine}] if the keeper is killed, its proxies serve on until another one does: no connection is refused and no session ends`,
    engineSkip(engine),
    async (t) => {
      const { evenkeel, proxies, port, say, endSession, startAgain } = await start(t, engine, program, `${GRACE_MS}ms`);
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      const load = startLoad(t, port, 4);
      await say('with a keeper');
      assert.equal((await get(port, '/', agent)).status, 200);
      evenkeel.signal('SIGKILL');
      assert.equal(await evenkeel.exit, 'SIGKILL');
      for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
      await say('without one');
      const asked = spawnSync(process.execPath, [program, 'status', '--socket', `${evenkeel.file}.sock`], {
        encoding: 'utf8',
      });
      assert.match(asked.stderr, /not running: nothing listens on .*; proxies of one that was killed serve on/);
      for (const pid of proxies) assert.match(asked.stderr, new RegExp(`\\(pid .*\\b${pid}\\b`));

      // Twice: the second one finds those of both, and the first ones still have the session.
      const second = await startAgain();
      assert.match(
        second.stderr,
        new RegExp(
          `an evenkeel that was killed are still there \\(pid (${proxies.join(', ')}|${proxies.toReversed().join(', ')})\\)`,
        ),
      );
      const seconds = second.proxies();
      const killedAt = performance.now();
      second.signal('SIGKILL');
      await second.exit;
      await say('without the second one');
      const third = await startAgain();
      assert.equal((await get(port, '/', agent)).status, 200);
      // A client that stays idle would keep whoever has it.
      agent.destroy();
      const { pid, proxies: listed } = await status(third);
      assert.equal(pid, third.child.pid);
      assert.deepEqual(
        listed.map((each) => each.pid),
        third.proxies(),
      );
      // Nor is it over in the time that they would have without anybody.
      await new Promise((resolve) => setTimeout(resolve, killedAt + GRACE_MS + 1_000 - performance.now()));
      await say('with the third one');
      for (const each of seconds) await gone(each);
      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      await endSession();
      for (const each of proxies) await gone(each);
      for (const each of [evenkeel, second]) assert.deepEqual(placesOf(evenkeel, each.child.pid!), []);
      third.signal('SIGTERM');
      assert.equal(await third.exit, 0);
      assert.deepEqual(placesOf(evenkeel, third.child.pid!), []);
      await assert.rejects(get(port), { code: 'ECONNREFUSED' });
    },
  );

  test(
    `[${engine}] a proxy that hangs and whose keeper is killed is ended by the next keeper`,
    engineSkip(engine),
    async (t) => {
      const { evenkeel, proxies, port, dropSession, startAgain } = await start(t, engine);
      kill(proxies[0], 'SIGSTOP');
      evenkeel.signal('SIGKILL');
      const next = await startAgain();
      await next.said(
        new RegExp(
          `the proxy with pid ${proxies[0]}, of an evenkeel that was killed, hangs: no sign of life for 3000 ms; ending it`,
        ),
      );
      await gone(proxies[0]);
      for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
      // The other proxy may have it, and would finish it.
      dropSession();
      next.signal('SIGTERM');
      assert.equal(await next.exit, 0);
      await gone(proxies[1]);
      assert.deepEqual(placesOf(evenkeel, evenkeel.child.pid!), []);
    },
  );

  test(`[${engine}] so is one whose keeper was finishing, by the keeper in charge`, engineSkip(engine), async (t) => {
    const { evenkeel, proxies, port, say } = await start(t, engine);
    await say('one of them has it');
    const { pid, error } = await upgrade(evenkeel);
    assert.equal(error, undefined, evenkeel.stderr);
    endAfter(t, pid!);
    // The other one has nothing to finish.
    const left = (): readonly number[] => proxies.filter((each) => kill(each, 0));
    await until(() => left().length === 1);
    await say('it finishes');
    const [hanging] = left();
    kill(hanging, 'SIGSTOP');
    evenkeel.signal('SIGKILL');
    await evenkeel.said(new RegExp(`the proxy with pid ${hanging}, of an evenkeel that was killed, hangs`));
    await gone(hanging);
    assert.equal((await get(port)).status, 200);
    kill(pid!, 'SIGTERM');
    await gone(pid!);
  });

  test(`[${engine}] a successor that is killed before it serves changes nothing`, engineSkip(engine), async (t) => {
    const file = replaceable(t);
    const { evenkeel, proxies, port, say, endSession } = await start(t, engine, file.path);
    const load = startLoad(t, port, 2);
    await say('before');
    file.replace(dyingAfter('hello'));
    assert.match(
      (await upgrade(evenkeel)).error!,
      /^(the new program ended before it served|the listening sockets could not be sent to the new program)/,
    );
    assert.equal((await status(evenkeel)).pid, evenkeel.child.pid);
    assert.deepEqual(evenkeel.proxies(), proxies);
    await say('after');
    assert.deepEqual((await load.stop()).failures, []);
    await endSession();
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });

  test(
    `[${engine}] a successor that is killed when it takes over leaves proxies that serve on, and the first process ends as it did`,
    engineSkip(engine),
    async (t) => {
      const file = replaceable(t);
      const { evenkeel, proxies, port, say, endSession, startAgain } = await start(t, engine, file.path);
      const load = startLoad(t, port, 2);
      await say('before');
      file.replace(dyingAfter('serving'));
      evenkeel.signal('SIGUSR2');
      await evenkeel.said(/evenkeel \S+ is in charge \(pid \d+\)/);
      const [, successor] = /is in charge \(pid (\d+)\)/.exec(evenkeel.stderr)!;
      // What the first one carries has its grace time; the session is the last.
      await endSession();
      assert.equal(await evenkeel.exit, 137, evenkeel.stderr);
      for (const each of proxies) await gone(each);
      for (let i = 0; i < 20; i++) assert.equal((await get(port)).status, 200);
      assert.equal(placesOf(evenkeel, Number(successor)).length, 2);
      const next = await startAgain();
      assert.match(next.stderr, /an evenkeel that was killed are still there/);
      assert.equal((await get(port)).status, 200);
      assert.deepEqual((await load.stop()).failures, []);
      next.signal('SIGTERM');
      assert.equal(await next.exit, 0);
      assert.deepEqual(placesOf(evenkeel, Number(successor)), []);
    },
  );
}
