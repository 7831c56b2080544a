/** Servers that are found while evenkeel runs: in a file, at a URL, in etcd, in Kubernetes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { UpstreamView } from '../src/api/data-plane.ts';
import { askOverride, askStatus } from '../src/commands/control-client.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { findProgram, peerSkip, run } from './peers.ts';
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

const skipEtcd = peerSkip(null, 'etcd', 'curl').skip;

test('keys of etcd are followed, also over a restart of etcd', { skip: skipEtcd }, async (t) => {
  const [filed, a, b] = await Promise.all(Array.from({ length: 3 }, () => startBackend(t)));
  const [clients, peers, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const found = new Found(t, port);
  const url = `http://127.0.0.1:${clients}`;
  const startEtcd = (): ReturnType<typeof spawn> => {
    const peer = `http://127.0.0.1:${peers}`;
    const args = ['--data-dir', join(found.directory, 'etcd'), '--listen-client-urls', url];
    args.push('--advertise-client-urls', url, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    const child = spawn(findProgram('etcd')!, [...args, '--initial-cluster', `default=${peer}`], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const write = async (what: 'put' | 'deleterange', key: string, value: string): Promise<void> => {
    const body = JSON.stringify({ key: base64(key), ...(what === 'put' ? { value: base64(value) } : {}) });
    const args = [
      '-sf',
      '--retry',
      '300',
      '--retry-all-errors',
      '--retry-delay',
      '1',
      '-d',
      body,
      `${url}/v3/kv/${what}`,
    ];
    assert.equal((await run('curl', args)).code, 0);
  };
  let etcd = startEtcd();
  await write('put', '/services/web/a', a.address);
  await write('put', '/services/other/a', filed.address);
  await found.run(filed.address, `{ etcd: { members: ["${url}"], prefix: /services/web/ }, hold: 0s }`);
  await found.evenkeel.said(
    new RegExp(`web: 1 server, ${a.address} new, ${filed.address} gone, by etcd, /services/web/`),
  );
  assert.equal(await found.served(), a.port);

  await write('put', '/services/web/b', `{ "address": "${b.address}", "weight": 3 }`);
  await found.evenkeel.said(new RegExp(`web: 2 servers, ${b.address} new, by etcd`));
  assert.equal((await found.upstream()).servers[1].weight, 3);

  etcd.kill('SIGKILL');
  await found.evenkeel.said(
    /web: no list of servers from etcd, .*: the connection is refused; what was found before stays/,
  );
  assert.deepEqual(await found.servers(), new Set([a.port, b.port]));
  etcd = startEtcd();
  await found.evenkeel.said(/web: etcd, \/services\/web\/ has a list again/);
  await write('deleterange', '/services/web/a', '');
  await found.evenkeel.said(new RegExp(`web: 1 server, ${a.address} gone, by etcd`));
  assert.equal(await found.served(), b.port);
});

test('the endpoints of a service are followed over the API of Kubernetes', async (t) => {
  const [filed, a, b] = await Promise.all(Array.from({ length: 3 }, () => startBackend(t)));
  const found = new Found(t, await freePort());
  const maker = new CertificateMaker();
  t.after(() => rmSync(maker.folder, { recursive: true }));
  const pair = maker.make('cluster', { names: [], addresses: ['127.0.0.1'] });
  const watches: http.ServerResponse[] = [];
  const asked: string[] = [];
  let endpoints: readonly object[] = [{ addresses: ['127.0.0.1'], conditions: { ready: true } }];
  const slice = (name: string, port: number, version: string): object => ({
    metadata: { name, resourceVersion: version },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port, protocol: 'TCP' }],
  });
  let items = [slice('web-a', a.port, '1')];
  const api = https.createServer(
    { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) },
    (request, response) => {
      const { headers, url = '' } = request;
      asked.push(`${headers.authorization} ${url}`);
      if (url.includes('watch=true')) {
        response.writeHead(200).flushHeaders();
        watches.push(response);
      } else response.end(JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: '1' }, items }));
    },
  );
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  t.after(() => api.close().closeAllConnections());
  const { port } = api.address() as { port: number };
  writeFileSync(join(found.directory, 'token'), 'first\n');
  const files = `token: ${found.directory}/token, ca: ${pair.certificate}`;
  const kubernetes = `{ service: web, namespace: shop, port: http, api: "https://127.0.0.1:${port}", ${files} }`;
  await found.run(filed.address, `{ kubernetes: ${kubernetes}, hold: 0s }`);
  await found.evenkeel.said(new RegExp(`web: 1 server, ${a.address} new, .*by Kubernetes, shop/web:http`));
  await until(
    () => watches.length === 1,
    () => `no watch: ${asked.join('; ')}`,
  );
  assert.match(
    asked[0],
    /^Bearer first \/apis\/discovery\.k8s\.io\/v1\/namespaces\/shop\/endpointslices\?labelSelector=kubernetes\.io%2Fservice-name%3Dweb&/,
  );
  assert.match(asked[1], /watch=true&.*resourceVersion=1&/);

  watches[0].write(`${JSON.stringify({ type: 'ADDED', object: slice('web-b', b.port, '2') })}\n`);
  await found.evenkeel.said(new RegExp(`web: 2 servers, ${b.address} new, by Kubernetes`));
  assert.deepEqual(await found.servers(), new Set([a.port, b.port]));

  // one that ends and still serves gets no new clients
  endpoints = [{ addresses: ['127.0.0.1'], conditions: { ready: false, serving: true, terminating: true } }];
  writeFileSync(join(found.directory, 'token'), 'second\n');
  items = [slice('web-b', b.port, '7'), ...items];
  watches[0].end(`${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old resource version' } })}\n`);
  await until(
    () => watches.length === 2,
    () => `no second watch: ${asked.join('; ')}`,
  );
  assert.match(asked.at(-1)!, /^Bearer second .*resourceVersion=1&/);
  await until(
    async () => (await found.upstream()).servers.some(({ name, state }) => name === b.address && state === 'draining'),
    () => 'it is not draining',
  );
  assert.deepEqual(await found.servers(), new Set([a.port]));
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
