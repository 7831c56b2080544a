/** What servers are told of the client, and values of the request in header changes and redirects. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';
import type { Exchange, Response } from './raw.ts';

/** The fields of a row of the page's table. `-Port` stands for another one with the beginning of that before it. */
function fieldsOnPage(row: RegExp): string[] {
  const page = readFileSync(new URL('../../docs/headers.md', import.meta.url), 'utf8');
  const [, cell] = page
    .split('\n')
    .find((line) => row.test(line))!
    .split('|');
  let before = '';
  return Array.from(cell.matchAll(/`([A-Za-z0-9-]+)`/g), ([, name]) => {
    if (name.startsWith('-')) return before.replace(/-[A-Za-z]+$/, name);
    before = name;
    return name;
  });
}

const CLAIMS = ['x_real_ip', ...fieldsOnPage(/^\| `Forwarded`, /)].map((name) => `${name}: 6.6.6.6`);
const PROXY_CLAIMS = [
  'X-Forwarded-Port',
  'X-Forwarded-Ssl',
  'X-Forwarded-Prefix',
  ...fieldsOnPage(/^\| every other `X-Forwarded-/),
].map((name) => `${name}: evil`);
assert.deepEqual([CLAIMS.length, PROXY_CLAIMS.length], [30, 13], 'the fields that the page names');

const names = (claims: readonly string[]): string[] => claims.map((claim) => claim.split(':')[0].toLowerCase());
const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** The body that a request of this client, named by a trusted proxy, is answered with. */
async function serverOf(t: TestContext, port: number, client: string): Promise<string> {
  const connection = await RawConnection.open(t, port);
  connection.write(`GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, ${client}\r\n\r\n`);
  const { body } = await connection.response();
  connection.socket.destroy();
  return body;
}

for (const engine of ENGINES) {
  test(`[${engine}] what servers are told of the client`, engineSkip(engine), async (t) => {
    const ports = {
      replace: await freePort(),
      append: await freePort(),
      trust: await freePort(),
      far: await freePort(),
      named: await freePort(),
      only: await freePort(),
    };
    const hashed = await freePort();
    const server = await RawServer.start(t);
    const pair = [await startBackend(t), await startBackend(t)];
    await Evenkeel.start(
      t,
      `
listeners:
  replace:
    bind: "127.0.0.1:${ports.replace}"
    routes:
      - match: { path: /values }
        upstream: web
        headers:
          request:
            set: { X-Real-IP: "{client}", X-Info: "{method} {authority}{uri} {scheme} {cookie:a} {query:q} {header:X-None}.", X-Json: '{"a":{"b":1}}' }
            add: { X-Id: "{request-id}" }
          response: { set: { X-Request-Id: "{request-id}", X-Client: "{client}" } }
      - { match: { path: /own-id }, upstream: web, headers: { request: { set: { X-Request-Id: "k-{request-id}" } } } }
      - match: { path: /moved }
        redirect: { to: "https://{host}{uri}" }
        headers: { response: { set: { X-From: "{client} {path}" } } }
      - match: { path: /gone }
        respond: { status: 410, body: "<p style='{margin:0}'>{client}: {query:q}</p>", content-type: text/html }
      - upstream: web
  append: { bind: "127.0.0.1:${ports.append}", forwarded: append, routes: [ { upstream: web } ] }
  trust:
    bind: "127.0.0.1:${ports.trust}"
    forwarded: { trust: [127.0.0.1, 10.0.0.0/8] }
    routes:
      - match: { path: /values }
        upstream: web
        headers: { request: { set: { X-Real-IP: "{client}", X-Peer: "{peer}", X-Scheme: "{scheme}" } } }
      - upstream: web
  far: { bind: "127.0.0.1:${ports.far}", forwarded: { trust: 10.0.0.0/8 }, routes: [ { upstream: web } ] }
  named: { bind: "127.0.0.1:${ports.named}", forwarded: { trust: 127.0.0.1, field: CF-Connecting-IP }, routes: [ { upstream: web } ] }
  only:
    bind: "127.0.0.1:${ports.only}"
    forwarded: { trust: [127.0.0.1, 10.0.0.0/8], hops: last, pass: true }
    routes: [ { upstream: web, headers: { request: { set: { X-Seen: "{client} {peer} {scheme}" } } } } ]
  hashed: { bind: "127.0.0.1:${hashed}", forwarded: { trust: 127.0.0.1 }, routes: [ { upstream: pair } ] }
upstreams:
  web: { servers: [ "${server.address}" ] }
  pair: { balance: source-hash, servers: [ "${pair[0].address}", "${pair[1].address}" ] }
`,
      { engine, workers: 1 },
    );

    const pass = async (
      port: number,
      lines: readonly string[],
      start = 'GET / HTTP/1.1',
    ): Promise<{ sent: Exchange; got: Response }> => {
      const client = await RawConnection.open(t, port);
      client.write(`${start}\r\nHost: shop.example:81\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
      const sent = await server.exchange();
      sent.send(plain);
      const got = await client.response();
      client.socket.destroy();
      return { sent, got };
    };

    for (const mode of ['replace', 'append', 'far'] as const) {
      await t.test(`${mode}: what a client claims of itself does not reach a server`, async () => {
        const { sent } = await pass(ports[mode], [
          ...CLAIMS,
          ...PROXY_CLAIMS,
          'X-Forwarded-Proto: https',
          'X-Request-Id: mine',
        ]);
        for (const name of names([...CLAIMS, ...PROXY_CLAIMS])) assert.equal(sent.has(name), false, name);
        assert.equal(sent.get('x-forwarded-for'), '127.0.0.1');
        assert.equal(sent.get('x-forwarded-proto'), 'http');
        assert.equal(sent.get('x-forwarded-host'), 'shop.example:81');
        assert.match(sent.get('x-request-id')!, /^[0-9a-f]{32}$/);
      });
    }

    await t.test('X-Forwarded-For is replaced, or extended', async () => {
      const lines = ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2, garbage'];
      assert.equal((await pass(ports.replace, lines)).sent.get('x-forwarded-for'), '127.0.0.1');
      assert.equal((await pass(ports.far, lines)).sent.get('x-forwarded-for'), '127.0.0.1');
      const { sent } = await pass(ports.append, lines);
      assert.equal(sent.get('x-forwarded-for'), '192.0.2.1, 192.0.2.2, garbage, 127.0.0.1');
    });

    await t.test('a trusted proxy is believed, and what it only passed on is cut off', async () => {
      const { sent } = await pass(ports.trust, [
        ...CLAIMS,
        ...PROXY_CLAIMS,
        'X-Forwarded-For: 6.6.6.6, 198.51.100.9:4711',
        'X-Forwarded-For: 10.1.1.1',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: shop.example',
        'X-Request-Id: Root=1-67891233-abcdef012345678912345678',
      ]);
      assert.equal(sent.get('x-forwarded-for'), '198.51.100.9:4711, 10.1.1.1, 127.0.0.1');
      assert.equal(sent.get('x-forwarded-proto'), 'https');
      assert.equal(sent.get('x-forwarded-host'), 'shop.example');
      assert.equal(sent.get('x-request-id'), 'Root=1-67891233-abcdef012345678912345678');
      for (const name of names(CLAIMS)) assert.equal(sent.has(name), false, name);
      for (const name of names(PROXY_CLAIMS)) assert.equal(sent.has(name), true, name);
    });

    await t.test('a field of the proxy names the client: it is the first hop of X-Forwarded-For', async () => {
      const named = await pass(ports.named, ['CF-Connecting-IP: 198.51.100.9', 'X-Forwarded-For: 6.6.6.6']);
      assert.equal(named.sent.get('x-forwarded-for'), '198.51.100.9, 127.0.0.1');
      const { sent } = await pass(ports.named, ['X-Forwarded-For: 6.6.6.6']);
      assert.equal(sent.get('x-forwarded-for'), '127.0.0.1');
    });

    await t.test('only the address is believed: the rest is passed on, and nothing is added', async () => {
      const { sent } = await pass(ports.only, [
        'X-Forwarded-For: 6.6.6.6, 10.1.1.1',
        'X-Forwarded-Proto: https',
        'X-Real-IP: 6.6.6.6',
      ]);
      assert.equal(sent.get('x-seen'), '10.1.1.1 127.0.0.1 http');
      assert.equal(sent.get('x-forwarded-for'), '6.6.6.6, 10.1.1.1');
      assert.equal(sent.get('x-forwarded-proto'), 'https');
      assert.equal(sent.get('x-real-ip'), '6.6.6.6');
      assert.equal(sent.has('x-request-id'), false);
    });

    await t.test('of a trusted proxy, what is missing, there twice or malformed is made', async () => {
      for (const lines of [
        [],
        ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http', 'X-Request-Id: a', 'X-Request-Id: b'],
        ['X-Request-Id: a b', 'X-Forwarded-For: unknown'],
        [`X-Request-Id: ${'x'.repeat(129)}`, 'X-Forwarded-For: 6.6.6.6, '],
      ]) {
        const { sent } = await pass(ports.trust, lines);
        assert.equal(sent.get('x-forwarded-for'), '127.0.0.1');
        assert.equal(sent.get('x-forwarded-proto'), 'http');
        assert.equal(sent.get('x-forwarded-host'), 'shop.example:81');
        assert.match(sent.get('x-request-id')!, /^[0-9a-f]{32}$/);
      }
    });

    await t.test('values of the request in fields of the request and of the response', async () => {
      const { sent, got } = await pass(
        ports.replace,
        ['X-Real-IP: 6.6.6.6', 'Cookie: a=b'],
        'GET /values/x?q=1%0d%0aX:y HTTP/1.1',
      );
      assert.equal(sent.get('x-real-ip'), '127.0.0.1');
      assert.equal(sent.get('x-info'), 'GET shop.example:81/values/x?q=1%0d%0aX:y http b 1%0d%0aX:y .');
      assert.equal(sent.get('x-json'), '{"a":{"b":1}}');
      assert.equal(sent.get('x-id'), sent.get('x-request-id'));
      assert.equal(got.get('x-request-id'), sent.get('x-request-id'));
      assert.equal(got.get('x-client'), '127.0.0.1');
      const own = await pass(ports.replace, [], 'GET /own-id HTTP/1.1');
      assert.match(own.sent.get('x-request-id')!, /^k-[0-9a-f]{32}$/);
      const trusted = await pass(
        ports.trust,
        ['X-Forwarded-For: 2001:DB8::0:1', 'X-Forwarded-Proto: https'],
        'GET /values HTTP/1.1',
      );
      assert.equal(trusted.sent.get('x-real-ip'), '2001:db8::1');
      assert.equal(trusted.sent.get('x-peer'), '127.0.0.1');
      assert.equal(trusted.sent.get('x-scheme'), 'https');
    });

    await t.test('values in a redirect and its fields', async () => {
      const client = await RawConnection.open(t, ports.replace);
      client.write('GET /moved/a?b HTTP/1.1\r\nHost: shop.example:81\r\n\r\n');
      const got = await client.response();
      assert.equal(got.get('location'), 'https://shop.example/moved/a?b');
      assert.equal(got.get('x-from'), '127.0.0.1 /moved/a');
    });

    await t.test('values that make a head too large are answered 431, and the connection goes on', async () => {
      const client = await RawConnection.open(t, ports.replace);
      client.write(`GET /moved/${'x'.repeat(5000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.equal((await client.response()).status, 431);
      client.write('GET /moved/a HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response()).status, 302);
    });

    await t.test('values in a body are escaped; those that make it too large are answered 431', async () => {
      const client = await RawConnection.open(t, ports.replace);
      client.write('GET /gone?q=<b>"&amp HTTP/1.1\r\nHost: a\r\n\r\n');
      const got = await client.response();
      assert.equal(got.status, 410);
      assert.equal(got.body, "<p style='{margin:0}'>127.0.0.1: &#60;b&#62;&#34;</p>");
      client.write(`GET /gone?q=${'<'.repeat(6000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.equal((await client.response()).status, 431);
      client.write('HEAD /gone HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response('HEAD')).get('content-length'), '37');
    });

    await t.test('balancing by source goes by the client that a trusted proxy names', async () => {
      const seen = new Set<string>();
      for (let i = 1; i <= 30; i++) {
        const body = await serverOf(t, hashed, `198.51.100.${i}`);
        assert.equal(await serverOf(t, hashed, `198.51.100.${i}:99`), body);
        seen.add(body);
      }
      assert.equal(seen.size, 2);
    });
  });
}
