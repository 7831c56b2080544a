/** Servers that are found while evenkeel runs: in a file, and at a URL. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { UpstreamView } from '../src/api/data-plane.ts';
import { askOverride, askStatus } from '../src/commands/control-client.ts';
import { Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { until } from './waiting.ts';

class Found {
  readonly directory: string;
  readonly list: string;
  readonly socket: string;
  readonly port: number;
  evenkeel!: Evenkeel;
  private readonly t: TestContext;

  constructor(t: TestContext, port: number) {
    this.t = t;
    this.port = port;
    this.directory = mkdtempSync(join(tmpdir(), 'evenkeel-found-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.list = join(this.directory, 'web.json');
    this.socket = join(this.directory, 'evenkeel.sock');
  }

  async run(first: string, discover: string): Promise<void> {
    const file = join(this.directory, 'evenkeel.yaml');
    writeFileSync(
      file,
      `listeners: { web: { bind: "127.0.0.1:${this.port}", routes: [{ upstream: web }] } }
upstreams: { web: { servers: ["${first}"], timeouts: { connect: 1s }, discover: ${discover} } }\n`,
    );
    const args = ['run', file, '--workers', '1', '--socket', this.socket];
    this.evenkeel = Evenkeel.spawn(this.t, args, { env: { STATE_DIRECTORY: this.directory } });
    await this.evenkeel.said(/ready: /);
  }

  write(servers: unknown): void {
    writeFileSync(`${this.list}.new`, typeof servers === 'string' ? servers : JSON.stringify(servers));
    renameSync(`${this.list}.new`, this.list);
  }

  async upstream(): Promise<UpstreamView> {
    const [web] = (await askStatus(this.socket)).upstreams;
    return web;
  }

  /** The port of the server that has answered. */
  async served(): Promise<number> {
    const { body } = await get(this.port);
    return Number(body);
  }

  /** Those that answer eight requests. */
  async servers(): Promise<ReadonlySet<number>> {
    return new Set(await Promise.all(Array.from({ length: 8 }, () => this.served())));
  }
}

function namesOf({ servers }: UpstreamView): readonly string[] {
  return servers.map(({ name }) => name);
}

test('a file with servers is followed, and one of no use changes nothing', async (t) => {
  const [filed, a, b] = await Promise.all(Array.from({ length: 3 }, () => startBackend(t)));
  const found = new Found(t, await freePort());
  await found.run(filed.address, `{ file: ${found.list}, hold: 0s }`);
  await found.evenkeel.said(/web: no list of servers from .*: there is no such file; the servers of the file count/);
  assert.equal(await found.served(), filed.port);

  found.write([a.address]);
  await found.evenkeel.said(new RegExp(`web: 1 server, ${a.address} new, ${filed.address} gone, by `));
  assert.equal(await found.served(), a.port);

  found.write('[]');
  await found.evenkeel.said(/no list of servers from .*: it has no server; what was found before stays/);
  assert.equal(await found.served(), a.port);
  assert.equal((await found.upstream()).discovery?.problem?.why, 'it has no server');

  found.write(`- ${a.address}\n- { address: "${b.address}", weight: 3 }\n`);
  await found.evenkeel.said(new RegExp(`web: 2 servers, ${b.address} new, by `));
  const web = await found.upstream();
  assert.deepEqual(namesOf(web), [a.address, b.address]);
  assert.equal(web.servers[1].weight, 3);
  assert.equal(web.discovery?.problem, null);
  assert.deepEqual(await found.servers(), new Set([a.port, b.port]));

  // what is said by hand is said of servers that were found too
  await askOverride(found.socket, `/v1/upstreams/web/servers/${a.address}/disable`, { by: 'alice' });
  assert.deepEqual(await found.servers(), new Set([b.port]));
});

test('a URL is asked again and again, what it had is remembered, and a restart begins with it', async (t) => {
  const [filed, a, b] = await Promise.all(Array.from({ length: 3 }, () => startBackend(t)));
  let list = JSON.stringify([a.address]);
  let status = 200;
  const asked: (string | undefined)[] = [];
  const registry = http.createServer(({ headers }, response) => {
    asked.push(headers['if-none-match']);
    const isKnown = headers['if-none-match'] === `"${list.length}"`;
    response.writeHead(isKnown && status === 200 ? 304 : status, { etag: `"${list.length}"` }).end(isKnown ? '' : list);
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  t.after(() => registry.close());
  const { port } = registry.address() as { port: number };
  const found = new Found(t, await freePort());
  const discover = `{ url: "http://127.0.0.1:${port}/web.json", every: 1s, timeout: 2s, hold: 0s }`;
  await found.run(filed.address, discover);
  await found.evenkeel.said(/web: 1 server, .* new, .* gone, by http/);
  await until(
    () => asked.includes(`"${list.length}"`),
    () => `no question by the tag of the last answer: ${asked.join(' ')}`,
  );
  assert.equal(await found.served(), a.port);

  list = JSON.stringify([a.address, b.address]);
  await found.evenkeel.said(/web: 2 servers, .* new, by http/);
  status = 500;
  await found.evenkeel.said(/web: no list of servers from http.*: it answers 500; what was found before stays/);
  assert.deepEqual(namesOf(await found.upstream()), [a.address, b.address]);

  found.evenkeel.signal('SIGTERM');
  assert.equal(await found.evenkeel.exit, 0);
  await found.run(filed.address, discover);
  assert.deepEqual(namesOf(await found.upstream()), [a.address, b.address], 'those of before the restart');
  await found.evenkeel.said(/it answers 500; what was found before stays/);
  status = 200;
  await found.evenkeel.said(/web: http.* has a list again/);
});
