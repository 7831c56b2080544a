/** Rules about paths in front of real servers: no spelling of a path reaches what its rule keeps closed. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ENGINES, type Engine, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { peerSkip, startNginx } from './peers.ts';
import { RawConnection } from './raw.ts';

const PIECES = [
  '/',
  'admin',
  'x',
  '..',
  '.',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  ';',
  '%3b',
  '%252f',
  '%252e',
  '%2e',
  '%61dmin',
  '%2561dmin',
  '%20',
];

/** Every path of up to three pieces, and some longer ones that are known. */
function spellings(): string[] {
  const known = [
    '/admin%2Fx',
    '/%2Fadmin/x',
    '/x/..%2Fadmin/x',
    '/x%2F..%2F%61dmin%2Fx',
    '/x/.%2e%2fadmin/x',
    '/./%2fadmin/x',
    '//%2Fadmin/x',
  ];
  const all = PIECES.flatMap((a) => PIECES.flatMap((b) => PIECES.map((c) => `/${a}${b}${c}/x`)));
  const deep = PIECES.flatMap((a) => PIECES.map((b) => `/x${a}${b}admin/x`));
  return [...known, ...all, ...deep];
}

async function counts(
  t: TestContext,
  engine: Engine,
  serverPort: number,
  targets: readonly string[],
): Promise<Map<string, number>> {
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /admin/ }, respond: { status: 403, body: closed } }
      - { upstream: web }
upstreams: { web: { servers: [ "127.0.0.1:${serverPort}" ] } }
`;
  await Evenkeel.start(t, yaml, { engine, workers: 1 });
  const seen = new Map<string, number>();
  const client = await RawConnection.open(t, port);
  for (const target of targets) {
    client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const { status, body } = await client.response();
    assert.notEqual(body, 'opened', `${target} was let through`);
    const kind = status === 200 ? body : `${status}`;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  return seen;
}

for (const engine of ENGINES) {
  test(
    `[${engine}] nginx: no spelling gets into a location that a rule closes`,
    peerSkip(engine, 'nginx'),
    async (t) => {
      const nginx = await startNginx(t, 'location / { return 200 passed; } location /admin/ { return 200 opened; }');
      const seen = await counts(t, engine, nginx.port, spellings());
      // the test would prove nothing if all were refused, or none
      for (const kind of ['passed', '400', '403']) assert.ok((seen.get(kind) ?? 0) > 20, `${kind}: ${seen.get(kind)}`);
    },
  );

  test(`[${engine}] Node's URL: no spelling gets behind a path that a rule closes`, peerSkip(engine), async (t) => {
    const server = await startBackend(t, (request, response) => {
      const { pathname } = new URL(`http://a${request.url}`);
      const isOpened = pathname.startsWith('/admin/') || decodeURIComponent(pathname).startsWith('/admin/');
      response.end(isOpened ? 'opened' : 'passed');
    });
    await counts(t, engine, server.port, spellings());
  });
}

test('packages and message brokers: an honest %2F passes unchanged', async (t) => {
  const server = await startBackend(t, (request, response) => response.end(request.url));
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /admin/ }, respond: { status: 403 } }
      - { upstream: web }
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
  await Evenkeel.start(t, yaml, { workers: 1 });
  const client = await RawConnection.open(t, port);
  for (const target of [
    '/@types%2fnode',
    '/api/queues/%2F/orders',
    '/map;zoom=3/x',
    '/wiki/U.S.',
    '/100%2520off',
    '/a\\b',
  ]) {
    client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal((await client.response()).body, target);
  }
  client.write('GET /admin%2Fx HTTP/1.1\r\nHost: a\r\n\r\n');
  const refused = await client.response();
  assert.equal(refused.status, 400);
  assert.match(refused.body, /servers differ/);
});
