import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SERVER_SLOTS_MAX } from '../../base/limits.ts';
import { compile } from '../../config/compile/compile.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { loadYaml } from '../../config/yaml/load.ts';
import type { Log } from '../../keeper/log/log.ts';
import { Discoveries, foundServersFile, type FoundRecord } from './discoveries.ts';

const NOTHING_STORED = { read: () => [], write: () => undefined, writeAgain: () => undefined };

function planOf(server: string, url: string, timeout: string): Plan {
  const { config } = loadYaml(
    `
listeners: { web: { bind: "127.0.0.1:80", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ], discover: { url: "${url}", every: 1s, timeout: ${timeout} } } }
`,
    { file: 'evenkeel.yaml' },
  );
  assert.ok(config !== null);
  return compile(config, { workers: 1 });
}

async function startRegistry(t: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function logTo(lines: string[], wake: () => void = () => undefined): Log {
  const put = (line: string): void => {
    lines.push(line);
    wake();
  };
  return { info: put, warn: put, error: put };
}

test(
  'a list with the servers of a former file takes the place of those of the present one',
  { timeout: 60_000 },
  async (t) => {
    const held: http.ServerResponse[] = [];
    let wake!: () => void;
    const isAsked = new Promise<void>((resolve) => (wake = resolve));
    const url = await startRegistry(t, (_, response) => {
      held.push(response);
      wake();
    });
    const lines: string[] = [];
    let applied!: () => void;
    const isApplied = new Promise<void>((resolve) => (applied = resolve));
    const discoveries = new Discoveries({
      file: NOTHING_STORED,
      log: logTo(lines),
      onFound: async () => applied(),
      now: () => performance.now(),
    });
    t.after(() => discoveries.stop());
    discoveries.apply(planOf('192.0.2.1:80', url, '60s'));
    await isAsked;
    const next = planOf('192.0.2.2:80', url, '60s');
    discoveries.apply(next);
    held[0].end('["192.0.2.1:80"]');
    await isApplied;
    const [server] = discoveries.foundFor(next).get('web') ?? [];
    assert.equal(server?.name, '192.0.2.1:80');
    await new Promise(setImmediate);
    assert.deepEqual(lines, [`web: 1 server, 192.0.2.1:80 new, 192.0.2.2:80 gone, by ${url}`]);
  },
);

test('a list for which there is no room is of no use', { timeout: 60_000 }, async (t) => {
  const url = await startRegistry(t, (_, response) => response.end('["a.test:80", "b.test:80"]'));
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    const discoveries = new Discoveries({
      file: NOTHING_STORED,
      log: logTo(lines, resolve),
      onFound: async () => resolve(),
      now: () => performance.now(),
    });
    t.after(() => discoveries.stop());
    const plan = planOf('192.0.2.1:80', url, '60s');
    const [web] = plan.upstreams;
    const { discovery: _, ...other } = web;
    const servers = [{ ...web.servers[0], slotCount: SERVER_SLOTS_MAX - 31 }];
    discoveries.apply({ ...plan, upstreams: [web, { ...other, name: 'other', servers }] });
  });
  const why = 'its servers need 32 places, one for an address and 16 for a name, and 31 are left';
  assert.deepEqual(lines, [`web: no list of servers from ${url}: ${why}; the servers of the file count`]);
});

test('keys of a store are no longer together than a list may be', { timeout: 60_000 }, async (t) => {
  const kvs = Array.from({ length: 40 }, (_, i) => {
    const value = `192.0.2.1:80${' '.repeat(2000)}`;
    return { key: String(i), value, mod_revision: '1' };
  }).map(({ key, value, mod_revision }) => ({
    key: Buffer.from(key).toString('base64'),
    value: Buffer.from(JSON.stringify({ address: value })).toString('base64'),
    mod_revision,
  }));
  const answer = JSON.stringify({ header: { revision: '1' }, kvs });
  const url = await startRegistry(t, (request, response) => {
    if (request.url === '/v3/kv/range') response.end(answer);
    else response.write('\n');
  });
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    const discoveries = new Discoveries({
      file: NOTHING_STORED,
      log: logTo(lines, resolve),
      onFound: async () => resolve(),
      now: () => performance.now(),
    });
    t.after(() => discoveries.stop());
    const plan = planOf('192.0.2.1:80', url, '60s');
    const [web] = plan.upstreams;
    const from = { kind: 'etcd', members: [url.slice(0, -1)], prefix: '/web/', ca: null, client: null } as const;
    discoveries.apply({ ...plan, upstreams: [{ ...web, discovery: { ...web.discovery!, from } }] });
  });
  const why = 'its list is longer than 65536 bytes';
  assert.deepEqual(lines, [`web: no list of servers from etcd, /web/: ${why}; the servers of the file count`]);
});

test('what stays for a while needs room too', { timeout: 60_000 }, async (t) => {
  let asked = 0;
  const url = await startRegistry(t, (_, response) => response.end(asked++ === 0 ? '["a.test:80"]' : '["b.test:80"]'));
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    const discoveries = new Discoveries({
      file: NOTHING_STORED,
      log: logTo(lines, () => void (lines.length === 2 && resolve())),
      onFound: async () => undefined,
      now: () => 0,
    });
    t.after(() => discoveries.stop());
    const plan = planOf('192.0.2.1:80', url, '60s');
    const [web] = plan.upstreams;
    const { discovery, ...other } = web;
    const from = { ...discovery!.from, everyMs: 1 };
    const servers = [{ ...web.servers[0], slotCount: SERVER_SLOTS_MAX - 31 }];
    const upstreams = [
      { ...web, discovery: { ...discovery!, from } },
      { ...other, name: 'other', servers },
    ];
    discoveries.apply({ ...plan, upstreams });
  });
  assert.match(lines[0], /^web: 1 server, a\.test:80 new/);
  assert.match(lines[1], /its servers need 32 places, .*, and 31 are left; what was found before stays$/);
});

test('who stays for a while does so over a restart too, and leaves then', { timeout: 60_000 }, async (t) => {
  const url = await startRegistry(t, () => undefined);
  const whole = planOf('192.0.2.1:80', url, '60s');
  const [web] = whole.upstreams;
  const plan = { ...whole, upstreams: [{ ...web, discovery: { ...web.discovery!, holdMs: 1 } }] };
  const entry = { address: '192.0.2.7:80', weight: 7 };
  // however slow this machine is: it has been missing for no time at the start
  const missing = [{ entry, sinceMs: Date.now() + 3_600_000 }];
  const record = { upstream: 'web', from: url, text: '["192.0.2.2:80"]', missing };
  const names: (readonly string[])[] = [];
  let nowMs = 0;
  await new Promise<void>((resolve) => {
    const look = (): number => names.push((discoveries.foundFor(plan).get('web') ?? []).map(({ name }) => name));
    const discoveries: Discoveries = new Discoveries({
      file: { ...NOTHING_STORED, read: () => [record] },
      log: logTo([], resolve),
      onFound: async () => void look(),
      now: () => nowMs,
    });
    t.after(() => discoveries.stop());
    discoveries.apply(plan);
    look();
    nowMs = 10;
  });
  assert.deepEqual(names, [['192.0.2.2:80', '192.0.2.7:80'], ['192.0.2.2:80']]);
});

test('of a registry that does not answer it is said that it took too long', { timeout: 60_000 }, async (t) => {
  const url = await startRegistry(t, () => undefined);
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    const discoveries = new Discoveries({
      file: NOTHING_STORED,
      log: logTo(lines, resolve),
      onFound: async () => assert.fail('there is nothing to apply'),
      now: () => performance.now(),
    });
    t.after(() => discoveries.stop());
    discoveries.apply(planOf('192.0.2.1:80', url, '10ms'));
  });
  assert.deepEqual(lines, [`web: no list of servers from ${url}: it took too long; the servers of the file count`]);
});

test('lists of many upstreams are remembered, and what is too much is told', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-found-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const lines: string[] = [];
  const file = foundServersFile(directory, 'lb01', logTo(lines));
  const text = '["192.0.2.1:80"]'.padEnd(64 * 1024);
  const records = (count: number): FoundRecord[] =>
    Array.from({ length: count }, (_, i) => ({ upstream: `web${i}`, from: '/web.json', text }));
  file.write(records(100));
  assert.equal(file.unstored, null);
  assert.deepEqual(file.read(), records(100));
  assert.deepEqual(lines, []);
  file.write(records(300));
  assert.match(file.unstored ?? '', /it is larger than 16 MiB/);
  assert.match(lines.join(), /a restart will forget servers that were found/);
});
