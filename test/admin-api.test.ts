/** The admin API of a running evenkeel, against the document that it serves. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { tokenOf } from './commands.ts';
import { type Engine, ENGINES, engineSkip, Evenkeel, freePort, program, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { endAfter } from './upgrading.ts';
import { until } from './waiting.ts';

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface DescribedOperation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

/** What it has is shown, and there is at least one of everything that needs no rights. */
const fileWith = (server: string, port: number): string => `
listeners:
  web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] }
  dns: { bind: "127.0.0.1:${port}", protocol: udp, upstream: dns }
upstreams:
  web: { servers: [ "${server}", "localhost:9" ], health: { http: /, interval: 1s, timeout: 500ms } }
  dns: { servers: [ "127.0.0.1:9" ] }
`;

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
}

function ask(socketPath: string, method: string, path: string): Promise<Reply> {
  return askFor({ socketPath, method, path });
}

async function askFor(what: http.RequestOptions): Promise<Reply> {
  const { text, ...reply } = await askText(what);
  return { ...reply, body: JSON.parse(text) };
}

function askText(what: http.RequestOptions): Promise<Omit<Reply, 'body'> & { text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ ...what, agent: false }, (response) => {
      readText(response).then(
        (text) => resolve({ status: response.statusCode!, headers: response.headers, text }),
        reject,
      );
    });
    request.on('error', reject);
    request.end();
  });
}

/** A schema by which a field that the document does not have is wrong. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  return 'properties' in copy ? { ...copy, additionalProperties: false } : copy;
}

/** Of operations that want one. */
const QUERIES: Readonly<Record<string, string>> = {
  explain: '?url=http://shop.example/cart',
  configurationPart: '?at=/upstreams',
};

/** Throws if a body is not what the document says of it. */
class Checker {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly document: Described;

  constructor(document: Described) {
    this.document = document;
    this.ajv.addSchema({ $id: 'api', ...(closed({ components: document.components }) as object) });
  }

  check(operation: DescribedOperation, { status, body }: Reply): void {
    const schema = operation.responses[status]?.content['application/json'].schema;
    assert.ok(schema !== undefined, `${operation.operationId} answers ${status}: ${JSON.stringify(body)}`);
    const referring = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
    const isValid = this.ajv.validate(referring, body);
    assert.ok(isValid, `${operation.operationId}: ${this.ajv.errorsText()}`);
  }
}

async function started(t: TestContext, engine: Engine): Promise<{ socket: string; server: string }> {
  const { address } = await startBackend(t);
  const evenkeel = await Evenkeel.start(t, fileWith(address, await freePort()), {
    engine,
    workers: 1,
    hasSocket: true,
  });
  return { socket: `${evenkeel.file}.sock`, server: address };
}

for (const engine of ENGINES) {
  test(`${engine}: everything that is answered is as the document says`, engineSkip(engine), async (t) => {
    const { socket, server } = await started(t, engine);
    const { body } = await ask(socket, 'GET', '/v1/openapi.json');
    const checker = new Checker(body as Described);
    const values: Readonly<Record<string, string>> = {
      listener: 'web',
      upstream: 'web',
      server,
      router: 'nowhere',
      id: 'none',
    };
    let asked = 0;
    for (const [path, methods] of Object.entries(checker.document.paths)) {
      const { get } = methods;
      // One does not end, and one is no JSON: test/metrics.test.ts.
      if (get === undefined || ['followEvents', 'metrics'].includes(get.operationId)) continue;
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name]));
      const reply = await ask(socket, 'GET', `${filled}${QUERIES[get.operationId] ?? ''}`);
      assert.equal(reply.status, /\{(?:router|id)\}/.test(path) ? 404 : 200, path);
      assert.equal(reply.headers['content-type'], 'application/json');
      checker.check(get, reply);
      asked++;
    }
    assert.ok(asked >= 14);
    // What is ordered and refused too. One that ends it comes last.
    const place = `/v1/upstreams/web/servers/${encodeURIComponent(server)}`;
    const orders = checker.document.paths;
    for (const [path, request, status] of [
      ['/v1/upstreams/{upstream}/servers/{server}/weight', `${place}/weight?to=7&by=alice`, 200],
      ['/v1/upstreams/{upstream}/servers/{server}/weight', `${place}/weight?to=257`, 400],
      ['/v1/upstreams/{upstream}/servers/{server}/drain', `${place}/drain?bye=alice`, 400],
      ['/v1/upstreams/{upstream}/servers/{server}/drain', '/v1/upstreams/web/servers/nowhere/drain', 404],
      ['/v1/routers/{router}/hand-over', '/v1/routers/nowhere/hand-over?for=5', 404],
      ['/v1/reload', '/v1/reload', 200],
    ] as const) {
      const reply = await ask(socket, 'POST', request);
      assert.equal(reply.status, status, `${request}: ${JSON.stringify(reply.body)}`);
      checker.check(orders[path].post, reply);
    }
    const { body: page } = await ask(socket, 'GET', '/v1/servers?limit=1');
    const { items } = page as { readonly items: readonly { readonly upstream: string; readonly weight: number }[] };
    assert.deepEqual([items.length, items[0].upstream, items[0].weight], [1, 'web', 7]);
  });
}

test('a list is read page by page, and each item is on one of them', async (t) => {
  const { socket } = await started(t, 'node');
  const names: string[] = [];
  let next: string | null = '0';
  while (next !== null) {
    const { body } = await ask(socket, 'GET', `/v1/upstreams?limit=1&after=${next}`);
    const page = body as { readonly items: readonly { readonly name: string }[]; readonly next: string | null };
    names.push(...page.items.map(({ name }) => name));
    ({ next } = page);
  }
  assert.deepEqual(names, ['web', 'dns']);
  assert.equal((await ask(socket, 'GET', '/v1/upstreams?limit=0')).status, 400);
  assert.equal((await ask(socket, 'GET', '/v1/upstreams?after=web')).status, 400);
});

/** Over TCP, with what a client says of itself. */
function askPort(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return askFor({ host: '127.0.0.1', port, method, path, headers });
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

async function statusOf(...asked: Parameters<typeof askPort>): Promise<number> {
  return (await askPort(...asked)).status;
}

for (const engine of ENGINES) {
  test(
    `${engine}: over TCP anybody on the machine sees, and who has a token changes`,
    engineSkip(engine),
    async (t) => {
      const directory = temporaryDirectory(t);
      const token = tokenOf(directory);
      const [port, next, web] = [await freePort(), await freePort(), await freePort()];
      const fileAt = (admin: number): string => `
admin: { bind: "127.0.0.1:${admin}" }
listeners: { web: { bind: "127.0.0.1:${web}", routes: [ { respond: { status: 200 } } ] } }
`;
      const evenkeel = await Evenkeel.start(t, fileAt(port), {
        engine,
        workers: 1,
        hasSocket: true,
        env: { STATE_DIRECTORY: directory },
      });
      assert.equal(await statusOf(port, 'GET', '/v1/status'), 200);
      assert.equal(await statusOf(port, 'GET', '/v1/status', { host: 'evil.example' }), 403);
      assert.equal(await statusOf(port, 'GET', '/v1/status', { origin: 'http://evil.example' }), 403);
      assert.equal(await statusOf(port, 'POST', '/v1/node/drain'), 401);
      const [reader, writer] = [token('add', 'grafana'), token('add', 'ci', '--full')];
      assert.equal(token('list'), 'grafana read\nci full');
      assert.equal(await statusOf(port, 'POST', '/v1/node/drain', bearer(reader)), 403);
      assert.equal(await statusOf(port, 'POST', '/v1/node/drain?by=alice', bearer(writer)), 200);
      const { body } = await askPort(port, 'GET', '/v1/overrides');
      assert.equal((body as readonly { readonly by: string }[])[0].by, 'alice (token ci)');
      token('remove', 'ci');
      assert.equal(await statusOf(port, 'POST', '/v1/node/enable', bearer(writer)), 401);
      // It moves with a reload, and stays where it is over an upgrade.
      writeFileSync(evenkeel.file, fileAt(next));
      assert.equal((await ask(`${evenkeel.file}.sock`, 'POST', '/v1/reload')).status, 200);
      await until(() =>
        statusOf(next, 'GET', '/v1/ready').then(
          (status) => status === 503,
          () => false,
        ),
      );
      await assert.rejects(statusOf(port, 'GET', '/v1/ready'), /ECONNREFUSED/);
      const upgraded = await ask(`${evenkeel.file}.sock`, 'POST', '/v1/upgrade');
      assert.equal(upgraded.status, 200, JSON.stringify(upgraded.body));
      const { pid } = upgraded.body as { readonly pid: number };
      endAfter(t, pid);
      const pidAt = (): Promise<number> =>
        askPort(next, 'GET', '/v1/node').then(
          ({ body }) => (body as { readonly pid: number }).pid,
          () => 0,
        );
      await until(async () => (await pidAt()) === pid);
    },
  );
}

/** Of who asks for events: the status, and how to leave. */
function follow(socketPath: string, method: string): Promise<{ readonly status: number; readonly leave: () => void }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: '/v1/events/stream', agent: false }, (response) => {
      response.resume().on('error', () => {});
      resolve({ status: response.statusCode!, leave: () => request.destroy() });
    });
    request.on('error', reject);
    request.end();
  });
}

test('who asks for the head of the events, or has left, takes no place among those who follow', async (t) => {
  const web = await freePort();
  const file = `listeners: { web: { bind: "127.0.0.1:${web}", routes: [ { respond: { status: 200 } } ] } }`;
  const evenkeel = await Evenkeel.start(t, file, { workers: 1, hasSocket: true });
  const socket = `${evenkeel.file}.sock`;
  for (let i = 0; i < 17; i++) assert.equal((await follow(socket, 'HEAD')).status, 200);
  const all = await Promise.all(Array.from({ length: 16 }, () => follow(socket, 'GET')));
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]));
  assert.equal((await follow(socket, 'GET')).status, 409);
  for (const each of all) each.leave();
  await until(async () => {
    const { status, leave } = await follow(socket, 'GET');
    leave();
    return status === 200;
  });
});

test('a request cannot name the admin API as its server', async (t) => {
  const [port, web] = [await freePort(), await freePort()];
  await Evenkeel.start(
    t,
    `
admin: { bind: "127.0.0.1:${port}" }
listeners:
  web: { bind: "127.0.0.1:${web}", routes: [ { upstream: any } ] }
upstreams:
  any: { server-by: { text: "127.0.0.1:{header:x-port}", names: false } }
`,
    { workers: 1 },
  );
  const { address } = await startBackend(t);
  const through = async (to: string): Promise<number> =>
    (await askText({ host: '127.0.0.1', port: web, path: '/v1/ready', headers: { 'x-port': to } })).status;
  assert.equal(await through(address.split(':')[1]), 200);
  assert.equal(await through(String(port)), 508);
});

for (const engine of ENGINES) {
  test(`${engine}: events are followed, and over an upgrade too`, engineSkip(engine), async (t) => {
    const { address } = await startBackend(t);
    const evenkeel = await Evenkeel.start(t, fileWith(address, await freePort()), {
      engine,
      workers: 1,
      hasSocket: true,
    });
    const socket = `${evenkeel.file}.sock`;
    const follower = spawn(process.execPath, [program, 'events', '--follow', '--json', '--socket', socket]);
    t.after(() => follower.kill('SIGKILL'));
    let said = '';
    follower.stdout.setEncoding('utf8').on('data', (data: string) => (said += data));
    const heard = (message: RegExp): Promise<unknown> =>
      until(
        () => message.test(said),
        () => said,
      );
    // What was before they came, and what is after.
    await heard(/"message":"evenkeel \S+ starts/);
    assert.equal((await ask(socket, 'POST', '/v1/reload?by=alice')).status, 200);
    await heard(/"message":"reload by alice: nothing has changed"/);
    const { body } = await ask(socket, 'GET', '/v1/events?limit=1000');
    const { items, next, missed } = body as { items: { id: string; message: string }[]; next: string; missed: number };
    assert.equal(missed, 0);
    assert.ok(items.some(({ message }) => message === 'reload by alice: nothing has changed'));
    assert.deepEqual((await ask(socket, 'GET', `/v1/events?after=${next}`)).body, { items: [], next, missed: 0 });
    const page = (await ask(socket, 'GET', `/v1/events?after=${items[0].id}&limit=1`)).body as {
      items: { id: string }[];
    };
    assert.deepEqual(
      page.items.map(({ id }) => id),
      [items[1].id],
    );
    const upgraded = await ask(socket, 'POST', '/v1/upgrade');
    assert.equal(upgraded.status, 200, JSON.stringify(upgraded.body));
    endAfter(t, (upgraded.body as { readonly pid: number }).pid);
    assert.equal((await ask(socket, 'POST', '/v1/reload?by=bob')).status, 200);
    await heard(/"message":"reload by bob: nothing has changed"/);
    const shown = execFileSync(process.execPath, [program, 'events', '--socket', socket], { encoding: 'utf8' });
    assert.match(shown, /^\S+Z info {2}reload by bob: nothing has changed$/m);
  });
}

test('what is secret in the configuration is in no answer, and the rest of it is', async (t) => {
  const { address } = await startBackend(t);
  const [port, web] = [await freePort(), await freePort()];
  const evenkeel = await Evenkeel.start(
    t,
    `
admin: { bind: "127.0.0.1:${port}" }
listeners:
  web:
    bind: "127.0.0.1:${web}"
    routes:
      - { match: { header: { X-Api-Key: { exact: hunter2 } } }, respond: { status: 200 } }
      - { upstream: web, headers: { request: { set: { Authorization: "Basic hunter2", X-Api-Key: hunter2, X-Env: prod } } } }
upstreams:
  web: { servers: [ "${address}" ], health: { http: "/?token=hunter2", interval: 1s } }
  run: { servers: [ "127.0.0.1:9" ], health: { run: [ /bin/false, PGPASSWORD=hunter2, --password, hunter2, "http://user:hunter2@host/" ], interval: 1s } }
`,
    { workers: 1, hasSocket: true },
  );
  const socket = `${evenkeel.file}.sock`;
  await until(async () => {
    const { body } = await ask(socket, 'GET', '/v1/upstreams/run');
    return (body as { servers: { state: string }[] }).servers[0].state === 'down';
  });
  const { paths } = (await ask(socket, 'GET', '/v1/openapi.json')).body as Described;
  const places = Object.keys(paths).filter((path) => 'get' in paths[path] && !/[{]|stream/.test(path));
  for (const path of [...places, '/v1/upstreams/run', '/v1/upstreams/web']) {
    const { text } = await askText({ socketPath: socket, method: 'GET', path });
    assert.ok(!text.includes('hunter2'), `${path}: ${text}`);
  }
  const { body } = await ask(socket, 'GET', '/v1/configuration');
  const { origin, config } = body as { origin: { path: string }[]; config: Record<string, Record<string, unknown>> };
  assert.deepEqual(
    origin.map(({ path }) => path),
    [evenkeel.file],
  );
  assert.deepEqual(Object.keys(config['upstreams']), ['web', 'run']);
  assert.ok(JSON.stringify(config).includes('"X-Env":"prod"'));
  // Over TCP it takes a token, though everybody may see the status.
  assert.equal(await statusOf(port, 'GET', '/v1/configuration'), 401);
  assert.equal(await statusOf(port, 'GET', '/v1/status'), 200);
});

test('the status is watched, until evenkeel is gone', async (t) => {
  const { address } = await startBackend(t);
  const evenkeel = await Evenkeel.start(t, fileWith(address, await freePort()), { workers: 1, hasSocket: true });
  const watch = spawn(process.execPath, [program, 'status', '--watch', '--json', '--socket', `${evenkeel.file}.sock`]);
  t.after(() => watch.kill('SIGKILL'));
  let said = '';
  watch.stdout.setEncoding('utf8').on('data', (data: string) => (said += data));
  await until(
    () => said.split('\n').length > 2,
    () => said,
  );
  const [first, second] = said
    .split('\n')
    .map((line) => (line === '' ? null : (JSON.parse(line) as { uptimeMs: number })));
  assert.ok(second!.uptimeMs > first!.uptimeMs);
  const ended = once(watch, 'exit');
  evenkeel.child.kill('SIGTERM');
  assert.deepEqual(await ended, [1, null]);
});
