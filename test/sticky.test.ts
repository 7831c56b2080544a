/** Clients keep their servers: told by a cookie, or by what an application says. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { UpstreamView } from '../src/api/data-plane.ts';
import { askSocket } from './control-socket.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, getWhole, startBackend } from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import { temporaryDirectory } from './peers.ts';
import { reload } from './reloading.ts';
import { endAfter, upgrade } from './upgrading.ts';

interface Reply {
  readonly server: string;
  /** Without attributes; empty: none was set. */
  readonly cookie: string;
  readonly setCookie: string;
}

async function get(port: number, path: string, cookie = ''): Promise<Reply> {
  const { headers, body } = await getWhole(port, path, cookie === '' ? {} : { headers: { cookie } });
  const [setCookie = ''] = headers['set-cookie'] ?? [];
  return { server: body.trim(), setCookie, cookie: setCookie.split(';')[0] };
}

for (const engine of ENGINES) {
  test(`[${engine}] clients keep their servers`, engineSkip(engine), async (t) => {
    const servers = await Promise.all([1, 2, 3].map(() => startBackend(t)));
    const addresses = servers.map(({ address }) => address);
    const key = join(temporaryDirectory(t), 'sticky.key');
    writeFileSync(key, 'f'.repeat(64), { mode: 0o600 });
    const ports = [await freePort(), await freePort()];
    const yaml = (port: number): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    routes:
      - { match: { path: /app }, upstream: app }
      - { match: { path: /short }, upstream: short }
      - { upstream: web }
upstreams:
  web:
    servers: [ ${addresses.map((address) => `"${address}"`).join(', ')} ]
    sticky: { cookie: { name: server, key: ${key} } }
  short:
    servers: [ "${addresses[0]}" ]
    sticky: { cookie: { name: short, max-age: 8h, domain: shop.example, secure: true, path: /shop } }
  app:
    servers: [ ${addresses.map((address, i) => `{ address: "${address}", id: node${i} }`).join(', ')} ]
    sticky: { id: "{cookie:JSESSIONID}", behind: "." }
`;
    const [evenkeel] = await Promise.all(
      ports.map((port) => Evenkeel.start(t, yaml(port), { engine, hasSocket: true })),
    );
    const [port] = ports;
    /** The servers that several requests with this cookie get, of whom none is told anything. */
    const kept = async (path: string, cookie: string, at = port): Promise<readonly string[]> => {
      const replies = await Promise.all(Array.from({ length: 6 }, () => get(at, path, cookie)));
      assert.deepEqual(new Set(replies.map(({ setCookie }) => setCookie)), new Set(['']), path);
      return [...new Set(replies.map(({ server }) => server))];
    };
    const order = (server: string, word: string): Promise<unknown> =>
      askSocket(`${evenkeel.file}.sock`, 'POST', `/v1/upstreams/web/servers/${server}/${word}?by=test`);

    const first = await get(port, '/');
    assert.match(first.setCookie, /^server=[0-9a-f]{32}; path=\/; httponly; samesite=lax$/);
    const own = first.server;
    assert.deepEqual(await kept('/', first.cookie), [own]);
    assert.deepEqual(await kept('/', `a=1; ${first.cookie}; b=2`), [own]);
    assert.deepEqual(await kept('/', first.cookie, ports[1]), [own], 'another node knows it too');

    const client = await session(t, port);
    const { body, headers } = await ask(client, { ':path': '/', cookie: first.cookie });
    assert.deepEqual([body.trim(), headers['set-cookie']], [own, undefined]);
    const stranger = await ask(client, { ':path': '/', cookie: 'server=0123' });
    assert.match(String(stranger.headers['set-cookie']), /^server=[0-9a-f]{32}; path=/);

    const { setCookie } = await get(port, '/short', `short=${'0'.repeat(32)}`);
    const attributes = /^short=[0-9a-f]{32}; expires=\w{3}, \d\d-\w{3}-\d\d [\d:]{8} GMT; max-age=28800; (.*)$/;
    assert.equal(
      attributes.exec(setCookie)?.[1],
      'path=/shop; httponly; secure; domain=shop.example; samesite=lax',
      setCookie,
    );

    for (const [i, backend] of servers.entries()) {
      assert.deepEqual(await kept('/app', `JSESSIONID=0.1.node${i}`), [`${backend.port}`]);
    }
    assert.equal((await kept('/app', 'JSESSIONID=node1')).length > 1, true, 'it has no mark in it');

    const { balance } = await askSocket<UpstreamView>(`${evenkeel.file}.sock`, 'GET', '/v1/upstreams/web');
    assert.equal(balance, 'round-robin, sticky');

    // who is drained keeps its clients, and gets no others
    const ownAddress = `127.0.0.1:${own}`;
    await order(ownAddress, 'drain');
    assert.deepEqual(await kept('/', first.cookie), [own]);
    const others = await Promise.all(Array.from({ length: 9 }, () => get(port, '/')));
    assert.equal(
      others.some(({ server }) => server === own),
      false,
    );

    // who is disabled loses them, once
    await order(ownAddress, 'disable');
    const moved = await get(port, '/', first.cookie);
    assert.notEqual(moved.server, own);
    assert.notEqual(moved.cookie, '');
    await order(ownAddress, 'enable');
    assert.deepEqual(await kept('/', moved.cookie), [moved.server]);

    // and so does who dies
    await servers.find((one) => `${one.port}` === moved.server)!.stop();
    const saved = await get(port, '/', moved.cookie);
    assert.notEqual(saved.server, moved.server);
    assert.deepEqual(await kept('/', saved.cookie), [saved.server]);

    // with another secret they are all new
    writeFileSync(key, 'e'.repeat(64), { mode: 0o600 });
    assert.deepEqual((await reload(evenkeel)).changes, ['upstream web: sticky changed']);
    const renewed = await get(port, '/', saved.cookie);
    assert.match(renewed.cookie, /^server=[0-9a-f]{32}$/);
    assert.notEqual(renewed.cookie, saved.cookie);
  });

  test(`[${engine}] an application's cookie is learned`, engineSkip(engine), async (t) => {
    let sessions = 0;
    const servers = await Promise.all(
      [1, 2, 3].map((number) =>
        startBackend(t, (request, response) => {
          if (request.url === '/login') response.setHeader('Set-Cookie', [`SID=${++sessions}-x; Path=/`, 'theme=dark']);
          response.end(`${number}`);
        }),
      ),
    );
    const port = await freePort();
    const addresses = servers.map(({ address }) => `"${address}"`);
    const yaml = (count: number): string => `
listeners: { web: { bind: "127.0.0.1:${port}", http2: true, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ ${addresses.slice(0, count).join(', ')} ], sticky: { learn: SID } } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(2), { engine, workers: 2, hasSocket: true });
    const serversOf = async (cookie: string): Promise<string> => {
      const replies = await Promise.all(Array.from({ length: 8 }, () => get(port, '/', cookie)));
      return [...new Set(replies.map(({ server }) => server))].sort().join(' ');
    };

    const first = await get(port, '/login');
    assert.equal(first.cookie, 'SID=1-x');
    assert.equal(await serversOf(first.cookie), first.server, 'all proxies know it');
    const second = await get(port, '/login', first.cookie);
    assert.equal(second.server, first.server);
    assert.equal(await serversOf(second.cookie), first.server, 'a session that is called otherwise now');
    assert.equal(await serversOf('SID=made-up'), '1 2', 'what a client writes is not learned');
    const { body } = await ask(await session(t, port), { ':path': '/', cookie: first.cookie });
    assert.equal(body, first.server);

    writeFileSync(evenkeel.file, yaml(3));
    assert.equal((await reload(evenkeel)).error, undefined);
    assert.equal(await serversOf(first.cookie), first.server);
    const { pid } = await upgrade(evenkeel);
    endAfter(t, pid!);
    assert.equal(await serversOf(first.cookie), first.server, 'the next program knows it');

    const own = servers[Number(first.server) - 1];
    await own.stop();
    const moved = await get(port, '/', first.cookie);
    assert.notEqual(moved.server, first.server);
    assert.equal(await serversOf(first.cookie), moved.server, 'it moves once');
    await own.restart();
    assert.equal(await serversOf(first.cookie), moved.server, 'and stays there');
  });
}
