/**
 * A successor that does not come into charge when its proxies serve already: what they have accepted they finish, and the sockets stay
 * those of its predecessor.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { clientsOf, proxiesOf } from './campaign/processes.ts';
import {
  connect,
  type Engine,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  get,
  kill,
  startTcpBackend,
} from './evenkeel.ts';
import { ask, gone, replaceable, upgrade, withholding } from './upgrading.ts';

interface Stage {
  readonly evenkeel: Evenkeel;
  /** Its process. */
  readonly successor: number;
  /** Of the successor. */
  readonly proxies: readonly number[];
  /** How it ends. */
  readonly upgraded: ReturnType<typeof upgrade>;
  readonly port: number;
  readonly unixPath: string;
  /** Through a proxy of the successor. */
  readonly session: net.Socket;
}

/** A keeper whose successor serves, and does not say so. */
async function start(t: TestContext, engine: Engine): Promise<Stage> {
  const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
  const [port, tcpPort] = [await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const unixPath = join(directory, 'web');
  const file = replaceable(t);
  const yaml = `
grace: 1m
listeners:
  web: { bind: ["127.0.0.1:${port}", "unix:${unixPath}"], routes: [ { respond: { status: 200 } } ] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: echo, limits: { connections: 1 } }
upstreams:
  echo: { servers: [ "${echo.address}" ] }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true, program: file.path });
  const own = evenkeel.proxies();
  t.after(() => own.forEach((pid) => kill(pid, 'SIGKILL')));
  file.replace(withholding('serving'));
  const upgraded = upgrade(evenkeel);
  upgraded.catch(() => undefined);
  await evenkeel.said(/withheld: serving/);
  const successor = Number(/ pid=(\d+)/.exec(evenkeel.stderr.slice(evenkeel.stderr.indexOf('upgrade by')))![1]);
  const proxies = proxiesOf(successor);
  t.after(() => [successor, ...proxies].forEach((pid) => kill(pid, 'SIGKILL')));
  // Both accept from one queue, and the first one of each is the last.
  const sessions: net.Socket[] = [];
  t.after(() => sessions.forEach((each) => each.destroy()));
  for (const text of ['first', 'second']) {
    const session = await connect(tcpPort);
    sessions.push(session);
    await say(session, text);
  }
  const carried = clientsOf(proxies[0], [tcpPort]);
  const session = sessions.find(({ localPort }) => carried.includes(localPort!))!;
  for (const each of sessions) if (each !== session) each.destroy();
  return { evenkeel, successor, proxies, upgraded, port, unixPath, session };
}

async function say(session: net.Socket, text: string): Promise<void> {
  session.write(text);
  assert.equal(String(await once(session, 'data')), text);
}

for (const engine of ENGINES) {
  test(
    `[${engine}] if a keeper is killed during an upgrade, the successor ends, and its proxies finish what they have accepted`,
    engineSkip(engine),
    async (t) => {
      const { evenkeel, successor, session } = await start(t, engine);
      evenkeel.signal('SIGKILL');
      await gone(successor);

      await say(session, 'nobody is in charge');
    },
  );

  test(
    `[${engine}] so do those of a successor that is told to end, and its predecessor goes on`,
    engineSkip(engine),
    async (t) => {
      const { evenkeel, successor, proxies, upgraded, port, unixPath, session } = await start(t, engine);
      kill(successor, 'SIGTERM');
      assert.match((await upgraded).error!, /^the new program ended before it served/);
      // They accept no more: what is changed from now on holds for everybody who comes.
      const { file } = evenkeel;
      writeFileSync(file, readFileSync(file, 'utf8').replace('status: 200', 'status: 204'));
      assert.deepEqual(Object.keys(await ask<object>(evenkeel, 'POST', '/v1/reload')), ['changes']);
      const answers = await Promise.all(Array.from({ length: 100 }, () => get(port)));
      for (const { status } of answers) assert.equal(status, 204);
      await say(session, 'it goes on');
      assert.ok(existsSync(unixPath));
      session.end();
      await once(session, 'close');
      for (const pid of proxies) await gone(pid);
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}
