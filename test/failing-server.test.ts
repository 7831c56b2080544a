/** A server that fails at once draws no more requests than its share (docs/balancing.md). */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';

const REQUESTS = 400;
const CLIENTS = 24;
const SERVERS = 4;
const HEALTHY_MS = 60;

for (const engine of ENGINES) {
  test(`[${engine}] a server that answers 502 at once gets its share`, engineSkip(engine), async (t) => {
    const counts = new Array<number>(SERVERS).fill(0);
    const backends = await Promise.all(
      counts.map((_, i) =>
        startBackend(t, (_request, response: ServerResponse) => {
          counts[i]++;
          if (i > 0) setTimeout(() => response.end('ok'), HEALTHY_MS);
          else response.writeHead(502).end();
        }),
      ),
    );
    const servers = backends.map(({ address }) => `"${address}"`).join(', ');
    const limited = backends.map(({ address }) => `{ address: "${address}", max-connections: 3 }`).join(', ');
    const ports = [await freePort(), await freePort()];
    const yaml = `
listeners:
  least: { bind: "127.0.0.1:${ports[0]}", routes: [ { upstream: least } ] }
  queue: { bind: "127.0.0.1:${ports[1]}", routes: [ { upstream: queue } ] }
upstreams:
  least: { balance: least-connections, servers: [ ${servers} ] }
  queue: { servers: [ ${limited} ], timeouts: { queue: 60s } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    for (const [what, port] of [
      ['least-connections', ports[0]],
      ['the queue', ports[1]],
    ] as const) {
      await t.test(what, async (t) => {
        counts.fill(0);
        const agent = new http.Agent({ keepAlive: true });
        t.after(() => agent.destroy());
        let left = REQUESTS;
        const client = async (): Promise<void> => {
          while (left-- > 0) await get(port, '/', agent);
        };
        await Promise.all(Array.from({ length: CLIENTS }, client));
        const share = counts[0] / REQUESTS;
        assert.ok(share < 0.4, `of ${SERVERS} servers it got ${share} of all requests`);
      });
    }
  });
}
