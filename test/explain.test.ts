/** What `explain` says would become of a request is what becomes of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { commandOf, run, type Said } from './commands.ts';
import { askSocket } from './control-socket.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

interface Told {
  readonly outcome: string;
  readonly target: { readonly server: string | null } | null;
  readonly request: { readonly line: string; readonly fields: readonly Field[] } | null;
  readonly answer: { readonly status: number; readonly by: string; readonly fields: readonly Field[] } | null;
}

interface Field {
  readonly name: string;
  readonly value: string;
  readonly change: string;
}

function explained(socket: string, query: Readonly<Record<string, string>>): Promise<Told> {
  return askSocket<Told>(socket, 'GET', `/v1/explain?${new URLSearchParams(query).toString()}`);
}

/** As the server has got it: its first line and its fields. */
interface Got {
  readonly server: string;
  readonly line: string;
  readonly fields: readonly string[];
}

async function startEcho(t: TestContext): Promise<string> {
  const backend = await startBackend(t, (request, response) => {
    const fields = request.rawHeaders.flatMap((name, i) =>
      i % 2 === 0 ? [`${name}: ${request.rawHeaders[i + 1]}`] : [],
    );
    response.setHeader('X-Powered-By', 'echo');
    response.end(
      JSON.stringify({
        server: backend.address,
        line: `${request.method} ${request.url} HTTP/${request.httpVersion}`,
        fields,
      } satisfies Got),
    );
  });
  return backend.address;
}

const fileWith = (port: number, [first, second]: readonly string[]): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    protocol: http
    via: lb
    routes:
      - { name: soon, respond: { status: 503, body: "soon" } }
      - { match: { host: shop.example, path: /api/, method: [GET, POST] }, rewrite: { prefix: /v2/ }, upstream: one }
      - { match: { path: { regex: "^/user/[0-9]+$" } }, rewrite: { regex: "^/user/([0-9]+)$", to: "/u?id=$1" }, upstream: two }
      - match: { path: /steps/ }
        upstream: both
        steps:
          - { if: { value: "{query:off}" }, do: [ { call: soon } ] }
          - { rewrite: { regex: "^/steps/(.*)$", to: "/done/{capture:1}", end: stop } }
      - { match: { path: /old/ }, redirect: { to: "https://{host}{uri}", status: 308 } }
      - match: { host: "*.example" }
        upstream: both
        headers:
          request: { set: { X-Client: "{client}", User-Agent: evenkeel }, add: { X-Also: "{host}" }, remove: [ Cookie ] }
          response: { set: { X-Frame-Options: DENY }, remove: [ X-Powered-By ] }
upstreams:
  one: { servers: [ "${first}" ] }
  two: { servers: [ "${second}" ] }
  both: { servers: [ "${first}", "${second}" ], balance: hash, hash: { path: true } }
`;

const REQUESTS: readonly {
  readonly host: string;
  readonly target: string;
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
}[] = [
  { host: 'shop.example', target: '/api/cart?x=1' },
  { host: 'shop.example', target: '/api/cart', method: 'POST', fields: { 'Content-Length': '0' } },
  { host: 'shop.example', target: '/api/cart', method: 'DELETE' },
  { host: 'nowhere', target: '/api/cart' },
  { host: 'x', target: '/user/17' },
  { host: 'x', target: '/user/a' },
  { host: 'x', target: '/steps/a%20b?y' },
  { host: 'x', target: '/steps/a?off=1' },
  { host: 'x.example', target: '/old/%41' },
  { host: 'x.example', target: '/%2e%2e/a' },
  {
    host: 'x.example',
    target: '/a',
    fields: {
      Cookie: 'a=b',
      'User-Agent': 'curl',
      'X-Also': 'me',
      'X-Forwarded-For': '1.2.3.4',
      Connection: 'X-Hop',
      'X-Hop': '1',
    },
  },
  ...Array.from({ length: 8 }, (_, i) => ({ host: 'y.example', target: `/page/${i}` })),
];

for (const engine of ENGINES) {
  test(`${engine}: what becomes of requests is what was said before`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const servers = [await startEcho(t), await startEcho(t)];
    const node = await Evenkeel.start(t, fileWith(port, servers), { engine, workers: 1, hasSocket: true });
    const taken = new Set<string>();
    for (const { host, target, method = 'GET', fields = {} } of REQUESTS) {
      const headers = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
      const told = await explained(`${node.file}.sock`, {
        url: `http://${host}${target}`,
        method,
        headers: headers.join('\n'),
      });
      const request = http.request({
        port,
        host: '127.0.0.1',
        method,
        path: target,
        headers: { Host: host, ...fields },
        agent: false,
      });
      request.end();
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const body = await readText(response);
      const what = `${method} ${host}${target}`;
      if (told.outcome !== 'server') {
        assert.equal(response.statusCode, told.answer?.status, what);
        continue;
      }
      const got = JSON.parse(body) as Got;
      assert.equal(got.line, told.request?.line, what);
      assert.equal(got.server, told.target?.server, what);
      taken.add(got.server);
      const isTold = ({ name }: Field): boolean => !/^(x-request-id|connection)$/i.test(name);
      const sent = told.request!.fields.filter((one) => one.change !== 'removed' && isTold(one));
      assert.deepEqual(
        got.fields.filter((line) => !/^(x-request-id|connection):/i.test(line)),
        sent.map(({ name, value }) => `${name}: ${value}`),
        what,
      );
      for (const { name, value, change } of told.answer!.fields) {
        if (change === 'removed') assert.equal(response.headers[name.toLowerCase()], undefined, what);
        else if (change !== 'kept') assert.equal(response.headers[name.toLowerCase()], value, what);
      }
    }
    assert.equal(taken.size, 2, 'both servers had their part');
  });
}

test('it goes by how servers stand now, and by what was said by hand', async (t) => {
  const [first, second] = [await startBackend(t), await startBackend(t)];
  const port = await freePort();
  const node = await Evenkeel.start(
    t,
    `
listeners:
  web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "${first.address}", "${second.address}" ], health: { http: /, interval: 100ms, timeout: 5s, fall: 1 } }
`,
    { engine: 'node', workers: 1, hasSocket: true },
  );
  const socket = `${node.file}.sock`;
  const command = commandOf(socket);
  const explain = (): Promise<Said> => command('explain', `http://127.0.0.1:${port}/`);
  await command('server', 'drain', `web/${first.address}`);
  const drained = await explain();
  assert.equal(drained.code, 0);
  assert.match(drained.stdout, new RegExp(`goes to server web/${second.address}\n`));
  assert.match(drained.stdout, new RegExp(`${first.address}: draining: by hand, .*: drained`));
  await second.stop();
  await until(
    async () => (await explain()).code === 1,
    () => 'the server that is gone is still chosen',
  );
  const { stdout } = await explain();
  assert.match(stdout, /503: no server is up/);
  assert.match(stdout, new RegExp(`${second.address}: down: .*connection refused`));
});

test('files are explained without anything that runs, of nginx too', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `
events {}
http {
  upstream app { server 192.0.2.1:8000; }
  server {
    listen 8080;
    server_name shop.example;
    location = /exact { return 204; }
    location /api/ { proxy_pass http://app/v2/; proxy_set_header X-Real "$remote_addr"; }
    location ~ \\.php$ { return 403; }
    location / { root /srv/www; }
  }
}
`,
  );
  const explain = (url: string, ...more: readonly string[]): Promise<Said> =>
    run(['explain', '--config', file, url, ...more]);
  const api = await explain('http://shop.example:8080/api/cart', '--from', '203.0.113.9');
  assert.equal(api.code, 0, api.stderr);
  assert.match(api.stdout, /path = \/exact.*: no, the path is \/api\/cart\n/);
  assert.match(api.stdout, /request   GET \/v2\/cart HTTP\/1.1  \(rewritten\)/);
  assert.match(api.stdout, /\+ X-Real: 203\.0\.113\.9/);
  assert.match((await explain('http://shop.example:8080/index.html')).stdout, /goes to the files below \/srv\/www/);
  assert.equal((await explain('http://shop.example:8080/x.php')).code, 0);
  writeFileSync(file, 'events {} http { server { listen 80; wrong; } }');
  const wrong = await explain('http://h/');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /wrong/);
});

test('who asks for what cannot be is told what can', async (t) => {
  const port = await freePort();
  const node = await Evenkeel.start(
    t,
    `
listeners:
  web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { respond: { status: 200 } } ] }
`,
    { engine: 'node', workers: 1, hasSocket: true },
  );
  const command = commandOf(`${node.file}.sock`);
  const explain = (...words: readonly string[]): Promise<Said> => command('explain', ...words);
  const other = await explain('https://h/');
  assert.equal(other.code, 1);
  assert.match(
    other.stderr,
    new RegExp(`^evenkeel: no listener takes https at port 443: .*web \\(http:// at 127.0.0.1:${port}\\)`),
  );
  assert.equal((await explain('http://h/', '-H', 'no field')).code, 2);
  assert.equal((await explain()).code, 2);
  assert.equal((await explain('http://h/')).code, 0);
});
