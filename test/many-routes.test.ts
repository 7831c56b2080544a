/** A reload of thousands of routes under load: in order, all at once, or not at all. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { reload } from './reloading.ts';

const ROUTES = 1_000;

function say(path: string, text: string): string {
  return `      - { match: { path: ${path} }, respond: { status: 200, body: "${text}" } }\n`;
}

/** Every route says which round it is of; `/first/` and `/last/` are the first and the last one. */
function configuration(port: number, server: string, round: number): string {
  let routes = say('/first/', `${round}`);
  for (let i = 0; i < ROUTES; i++) routes += say(`/service-${i}/`, `${i} ${i % 3 === 0 ? round : 'kept'}`);
  routes += say('/last/', `${round}`);
  return `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
${routes}      - upstream: web
upstreams:
  web: { servers: [ "${server}" ] }
`;
}

/** Requests on one connection, so to one proxy, one after the other until it is told to stop. */
class Client {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  private isOver = false;
  /** The rounds that it saw, without repetitions. */
  readonly rounds: number[] = [];
  readonly ended: Promise<void>;

  constructor(port: number) {
    this.ended = this.run(port);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.ended;
    this.agent.destroy();
  }

  private async run(port: number): Promise<void> {
    for (let i = 0; !this.isOver; i++) {
      const path = i % 2 === 0 ? '/first/' : '/last/';
      const { status, body } = await get(port, path, this.agent);
      assert.equal(status, 200);
      if (this.rounds.at(-1) !== Number(body)) this.rounds.push(Number(body));
    }
  }
}

for (const engine of ENGINES) {
  test(
    `[${engine}] under load, thousands of routes hold all at once, and a file that is wrong changes nothing`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, backend.address, 0), {
        engine,
        workers: 2,
        hasSocket: true,
      });
      const proxies = evenkeel.proxies();
      const clients = Array.from({ length: 4 }, () => new Client(port));
      const answerOf = async (path: string): Promise<string> => (await get(port, path)).body;
      for (let round = 1; round <= 3; round++) {
        writeFileSync(evenkeel.file, configuration(port, backend.address, round));
        assert.deepEqual(await reload(evenkeel), { changes: ['listener web: routes changed'] });
        // What is new holds in every proxy when the answer is here, and what is not new too.
        for (const path of ['/first/', '/last/']) assert.equal(await answerOf(path), `${round}`);
        assert.equal(await answerOf('/service-0/'), `0 ${round}`);
        assert.equal(await answerOf(`/service-${ROUTES - 2}/`), `${ROUTES - 2} kept`);
        assert.equal((await get(port, '/elsewhere')).status, 200);
      }
      writeFileSync(evenkeel.file, configuration(port, backend.address, 4).replace('/last/', 'last'));
      assert.match((await reload(evenkeel)).error ?? '', /bad-path/);
      assert.equal(await answerOf('/first/'), '3');
      for (const client of clients) await client.stop();
      // One proxy never goes back, and never has some routes of one round and some of another.
      for (const { rounds } of clients)
        assert.deepEqual(
          rounds,
          [...rounds].sort((a, b) => a - b),
        );
      assert.ok(clients.some(({ rounds }) => rounds.length > 1));
      assert.deepEqual(evenkeel.proxies(), proxies);
    },
  );
}
