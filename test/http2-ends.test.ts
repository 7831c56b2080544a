/** Clients of HTTP/2 while evenkeel reloads, is upgraded and stops: no request that was sent is lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type http from 'node:http';
import http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { ask, RawHttp2, session } from './http2-client.ts';
import { reload } from './reloading.ts';
import { endAfter, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

const STREAMS = 4;

interface Load {
  /** So far. */
  readonly done: number;
  readonly sessions: number;
  /** Says what went wrong. */
  stop(): Promise<readonly string[]>;
}

/** Requests on sessions of which each is replaced by another one when it is told to go. */
function startLoad(t: TestContext, port: number, sessions: number): Load {
  const load = { done: 0, sessions: 0, isOver: false };
  const failures: string[] = [];
  const open = async (): Promise<http2.ClientHttp2Session | null> => {
    const client = http2.connect(`http://127.0.0.1:${port}`);
    client.on('error', () => undefined);
    t.after(() => client.destroy());
    load.sessions++;
    await Promise.race([once(client, 'connect'), once(client, 'close')]).catch(() => undefined);
    return client.destroyed ? null : client;
  };
  const work = async (): Promise<void> => {
    while (!load.isOver) {
      const client = await open();
      // nobody listens any more
      if (client === null) return;
      const streams = Array.from({ length: STREAMS }, async () => {
        while (!client.closed && !client.destroyed && !load.isOver) {
          try {
            const { code, status } = await ask(client, { ':path': '/' });
            if (status === 200 && code === 0) load.done++;
            else failures.push(`status ${status}, code ${code}`);
          } catch (error) {
            // node's own, of what it has not sent when it was told to go; any client sends that elsewhere
            if (!String(error).includes('REFUSED_STREAM')) failures.push(String(error));
          }
        }
      });
      await Promise.all(streams);
      client.close();
    }
  };
  t.after(() => (load.isOver = true));
  const workers = Array.from({ length: sessions }, work);
  return {
    get done() {
      return load.done;
    },
    get sessions() {
      return load.sessions;
    },
    async stop() {
      load.isOver = true;
      await Promise.all(workers);
      return failures;
    },
  };
}

function yamlOf(port: number, server: string, more = ''): string {
  return `
listeners: { web: { bind: "127.0.0.1:${port}", http2: true, routes: [ ${more} { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;
}

for (const engine of ENGINES) {
  test(`[${engine}] HTTP/2 under reloads and upgrades`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, yamlOf(port, backend.address), { engine, workers: 2, hasSocket: true });
    const load = startLoad(t, port, 3);
    const goesOn = async (): Promise<void> => {
      const { done } = load;
      await until(() => load.done > done + 50);
    };
    await goesOn();
    for (let round = 0; round < 3; round++) {
      const route = `{ match: { path: /x${round} }, respond: { status: 204 } },`;
      writeFileSync(evenkeel.file, yamlOf(port, backend.address, route));
      assert.equal((await reload(evenkeel)).error, undefined);
      await goesOn();
    }
    assert.equal(load.sessions, 3, 'a reload ends no connection');
    for (let round = 0; round < 2; round++) {
      const { pid, error } = await upgrade(evenkeel);
      assert.equal(error, undefined, evenkeel.stderr);
      endAfter(t, pid!);
      await goesOn();
    }
    assert.deepEqual(await load.stop(), []);
  });

  test(`[${engine}] HTTP/2 under a stop`, engineSkip(engine), async (t) => {
    const held: http.ServerResponse[] = [];
    const backend = await startBackend(t, (request, response) => {
      if (request.url === '/held') held.push(response);
      else response.end('ok');
    });
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, yamlOf(port, backend.address), { engine, workers: 1 });
    const slow = await session(t, port);
    const answer = ask(slow, { ':path': '/held' });
    await until(() => held.length === 1);
    const idle = await RawHttp2.open(t, port);
    const load = startLoad(t, port, 3);
    await until(() => load.done > 50);
    evenkeel.signal('SIGTERM');
    // an idle client hears both steps
    assert.equal((await idle.heard('goaway')).value, 0);
    await idle.heard('ping');
    idle.request(1);
    await idle.heard('headers', 1);
    assert.equal((await idle.heard('goaway')).value, 0);
    assert.equal(await idle.ended(), 'without a word', 'there is no third one');
    await until(() => load.done > 0);
    assert.deepEqual(await load.stop(), [], 'whoever had sent a request got its answer');
    held[0].end('at last');
    assert.equal((await answer).body, 'at last');
    assert.equal(await evenkeel.exit, 0);
  });
}
