/** Reads of the admin API that are about one listener's routes, and about plans before the one in force. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { askSocket } from './control-socket.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { until } from './waiting.ts';

interface Generations {
  readonly generation: number;
  readonly since: string;
  readonly draining: readonly {
    readonly kind: string;
    readonly name: string;
    readonly generation: number | null;
    readonly since: string | null;
    readonly connections: number;
  }[];
}

for (const engine of ENGINES) {
  test(`${engine}: what a reload has taken out is seen while it has connections`, engineSkip(engine), async (t) => {
    const [web, db] = [await freePort(), await freePort()];
    const backend = await startTcpBackend(t, (socket) => socket.pipe(socket));
    const http = `web: { bind: "127.0.0.1:${web}", protocol: http, routes: [ { respond: { status: 200 } } ] }`;
    const tcp = `db: { bind: "127.0.0.1:${db}", protocol: tcp, upstream: db }`;
    const node = await Evenkeel.start(
      t,
      `listeners: { ${http}, ${tcp} }\nupstreams: { db: { servers: [ "${backend.address}" ] } }\n`,
      { engine, workers: 1, hasSocket: true },
    );
    const socket = `${node.file}.sock`;
    const generations = (): Promise<Generations> => askSocket<Generations>(socket, 'GET', '/v1/generations');
    const before = await generations();
    assert.deepEqual(before.draining, []);
    const client = net.connect(db, '127.0.0.1');
    t.after(() => client.destroy());
    client.write('hello');
    await once(client, 'data');
    writeFileSync(node.file, `listeners: { ${http} }\n`);
    const reloaded = await askSocket<object>(socket, 'POST', '/v1/reload');
    assert.ok('changes' in reloaded, JSON.stringify(reloaded));
    const { draining, generation, since } = await generations();
    assert.ok(generation > before.generation);
    const held = draining.map(({ kind, name, connections, ...left }) => {
      assert.deepEqual(left, { generation, since });
      return `${kind} ${name} ${connections}`;
    });
    assert.deepEqual(held, ['listener db 1', `server db/${backend.address} 1`]);
    client.destroy();
    await until(
      async () => (await generations()).draining.length === 0,
      () => 'it is held for ever',
    );
  });
}

test('routes are read page by page, each with what it asks for and does', engineSkip('node'), async (t) => {
  const port = await freePort();
  const many = Array.from({ length: 300 }, (_, i) => `      - { match: { path: /p${i}/ }, upstream: web }`).join('\n');
  const node = await Evenkeel.start(
    t,
    `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    protocol: http
    routes:
      - { match: { host: shop.example, path: { exact: /a }, method: GET, header: { X-Auth-Token: "t0p" } }, respond: { status: 204 } }
      - { match: { path: /old/ }, redirect: { to: "https://{host}/", status: 301 } }
${many}
upstreams: { web: { servers: [ "127.0.0.1:9" ] } }
`,
    { engine: 'node', workers: 1, hasSocket: true },
  );
  interface Page {
    readonly items: readonly {
      readonly number: number;
      readonly match: string;
      readonly action: string;
      readonly upstream: string | null;
    }[];
    readonly next: string | null;
  }
  const page = (query: string): Promise<Page> =>
    askSocket<Page>(`${node.file}.sock`, 'GET', `/v1/listeners/web/routes${query}`);
  const first = await page('?limit=2');
  assert.deepEqual(
    first.items.map(({ number, match, action, upstream }) => [number, match, action, upstream]),
    [
      [1, 'host shop.example, path = /a, method GET, header x-auth-token = (redacted)', 'answer 204', null],
      [2, 'path /old/*', 'redirect 301 to https://{host}/', null],
    ],
  );
  const last = await page('?limit=1000&after=301');
  assert.deepEqual([last.items.map(({ number, upstream }) => [number, upstream]), last.next], [[[302, 'web']], null]);
  assert.ok('error' in (await askSocket<object>(`${node.file}.sock`, 'GET', '/v1/listeners/none/routes')));
});
