/** Limits of requests and connections, counted by all proxies together. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type http from 'node:http';
import { test } from 'node:test';
import {
  connect,
  engineSkip,
  ENGINES,
  Evenkeel,
  freePort,
  getWhole,
  kill,
  startBackend,
  startTcpBackend,
  type WholeAnswer,
} from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import type { FailedRequestView } from '../src/api/failed-requests.ts';
import { askSocket } from './control-socket.ts';
import { temporaryDirectory } from './peers.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

interface Reply extends WholeAnswer {
  readonly sentAt: number;
  readonly endedAt: number;
}

async function get(port: number, path: string): Promise<Reply> {
  const sentAt = performance.now();
  const answer = await getWhole(port, path);
  return { ...answer, sentAt, endedAt: performance.now() };
}

/** How often each status came. */
function counted(replies: readonly Reply[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const many = (count: number, port: number, path: string): Promise<readonly Reply[]> =>
  Promise.all(Array.from({ length: count }, () => get(port, path)));

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

for (const engine of ENGINES) {
  test(`[${engine}] limits hold for all proxies together`, engineSkip(engine), async (t) => {
    const waiting: http.ServerResponse[] = [];
    let holdsBack = true;
    const backend = await startBackend(t, (request, response) => {
      if (holdsBack && request.url!.startsWith('/open')) waiting.push(response);
      else response.end('ok');
    });
    const tunnels = await startTcpBackend(t, (socket) => {
      socket.on('end', () => socket.end());
      socket.on('data', (data) => {
        const isOne = /^upgrade: websocket/im.test(data.toString());
        const answer = '101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
        socket.write(`HTTP/1.1 ${isOne ? answer : '200 OK\r\nContent-Length: 0\r\n\r\n'}`);
      });
    });
    const port = await freePort();
    const log = join(temporaryDirectory(t), 'refused');
    const yaml = (burst: number): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    access-log: refused
    routes:
      - { match: { path: /slow }, upstream: web, limits: { requests: [ { of: slow, burst: ${burst} } ] } }
      - { match: { path: /dry }, upstream: web, limits: { requests: [ { of: dry, dry-run: true } ] } }
      - match: { path: /page }
        upstream: web
        limits: { requests: [ { of: page, status: 503 } ] }
        errors: [ { status: 503, call: page } ]
      - { match: { path: /fast }, upstream: web, limits: { requests: [ { of: fast, burst: 5 } ] } }
      - { match: { path: /later }, upstream: web, limits: { requests: [ { of: later, burst: 1, delay-after: 0 } ] } }
      - { match: { path: /both }, upstream: web, limits: { requests: [ { of: free, burst: 9 }, { of: key, burst: 1 } ] } }
      - { match: { path: /open }, upstream: web, limits: { connections: [ { of: open, max: 3 } ] } }
      - { match: { path: /tunnel }, upstream: tunnels, upgrade: true, limits: { connections: [ { of: open, max: 1 } ] } }
      - { name: page, respond: { body: "later, please" } }
      - { upstream: web }
access-logs:
  refused: { file: "${log}", format: "{reason} {limiter}", when: "{value:refused}" }
values:
  refused: { map: "{status}", exact: { "429": "1" } }
limiters:
  slow: { rate: 1/m }
  dry: { rate: 1/m }
  page: { rate: 1/m }
  fast: { rate: 20/s }
  later: { rate: 1/s }
  free: { rate: 1/m, key: "{query:free}" }
  key: { rate: 1/m, key: "{query:key}" }
  open: { key: "{client}{query:key}" }
upstreams:
  web: { servers: [ "${backend.address}" ] }
  tunnels: { servers: [ "${tunnels.address}" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml(3), { engine, hasSocket: true });

    const filledAt = performance.now();
    /** What the rate of one a minute may have let in since then. */
    const more = (): number => Math.ceil((performance.now() - filledAt) / 60_000);
    const first = await many(10, port, '/slow');
    assert.deepEqual(counted(first), { 200: 4, 429: 6 });
    const refused = first.find(({ status }) => status === 429)!;
    assert.equal(refused.headers['retry-after'], '63');
    assert.match(refused.body, /more requests than a limit lets in/);
    await until(() => linesOf(log).length === 6);
    assert.deepEqual([...new Set(linesOf(log))], ['limit-requests slow']);
    const path = `/v1/errors/${String(refused.headers['x-request-id'])}`;
    const socket = `${evenkeel.file}.sock`;
    await until(() =>
      askSocket<FailedRequestView>(socket, 'GET', path).then(
        ({ limiter }) => limiter === 'slow',
        () => false,
      ),
    );
    assert.deepEqual(counted(await many(10, port, '/')), { 200: 10 });

    const client = await session(t, port);
    assert.equal((await ask(client, { ':path': '/slow' })).headers[':status'], 429);

    // what was counted stays counted
    writeFileSync(evenkeel.file, yaml(4));
    assert.deepEqual((await reload(evenkeel)).changes, ['listener web: routes changed']);
    const reloaded = counted(await many(8, port, '/slow'))[200] ?? 0;
    assert.ok(reloaded >= 1 && reloaded <= 1 + more(), `${reloaded} were let in`);
    for (const pid of evenkeel.proxies()) kill(pid, 'SIGKILL');
    await until(() =>
      get(port, '/').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const restarted = counted(await many(8, port, '/slow'))[200] ?? 0;
    assert.ok(reloaded + restarted <= 1 + more(), `${reloaded} and ${restarted} were let in`);

    // no key, no limit; who is refused by one limit is counted by none
    assert.deepEqual(counted(await many(5, port, '/both')), { 200: 5 });
    assert.deepEqual(counted(await many(5, port, '/both?free=1&key=1')), { 200: 2, 429: 3 });
    assert.ok((counted(await many(9, port, '/both?free=1'))[200] ?? 0) >= 8);

    assert.deepEqual(counted(await many(4, port, '/dry')), { 200: 4 });
    await evenkeel.said(/a limit would refuse it/);

    const pages = await many(3, port, '/page');
    assert.deepEqual(counted(pages), { 200: 1, 503: 2 });
    assert.deepEqual(new Set(pages.map(({ body }) => body)), new Set(['ok', 'later, please']));

    const [one, two] = await many(2, port, '/later');
    const [soon, late] = one.endedAt < two.endedAt ? [one, two] : [two, one];
    assert.deepEqual([soon.status, late.status], [200, 200]);
    // clocks are read in whole milliseconds
    assert.ok(late.endedAt - Math.min(one.sentAt, two.sentAt) >= 990, `${late.endedAt - soon.sentAt}`);

    const from = performance.now();
    let passed = 0;
    for (let i = 0; i < 30; i++) passed += counted(await many(4, port, '/fast'))[200] ?? 0;
    const seconds = (performance.now() - from) / 1000;
    assert.ok(passed >= 6 && passed <= 6 + 20 * seconds + 1, `${passed} in ${seconds} s`);

    // at one time
    const open = Array.from({ length: 3 }, () => get(port, '/open'));
    await until(() => waiting.length === 3);
    assert.deepEqual(counted(await many(3, port, '/open')), { 429: 3 });
    const other = get(port, '/open?key=other');
    await until(() => waiting.length === 4);
    for (const response of waiting.splice(0)) response.end('ok');
    assert.deepEqual(counted(await Promise.all([...open, other])), { 200: 4 });

    // a tunnel is under way until it ends
    const tunnel = await connect(port);
    tunnel.write('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [switching] = (await once(tunnel, 'data')) as [Buffer];
    assert.match(switching.toString(), /^HTTP\/1.1 101 /);
    assert.deepEqual(counted(await many(3, port, '/tunnel')), { 429: 3 });
    tunnel.destroy();
    await until(() => get(port, '/tunnel').then(({ status }) => status === 200));

    // what a proxy held that was killed is given back
    const cut = Array.from({ length: 3 }, () =>
      get(port, '/open').then(
        () => 'answered',
        () => 'cut',
      ),
    );
    await until(() => waiting.length === 3);
    waiting.length = 0;
    for (const pid of evenkeel.proxies()) kill(pid, 'SIGKILL');
    assert.deepEqual(await Promise.all(cut), ['cut', 'cut', 'cut']);
    const again: Promise<Reply | null>[] = [];
    await until(() => {
      if (waiting.length < 3) again.push(get(port, '/open').catch(() => null));
      return waiting.length >= 3;
    });
    assert.deepEqual(counted(await many(2, port, '/open')), { 429: 2 });
    // one that only gets there now is answered too
    holdsBack = false;
    for (const response of waiting) response.end('ok');
    await Promise.all(again);
    assert.ok(readFileSync(evenkeel.file, 'utf8').includes('limits'));
  });
}
