/** What a proxy removes, adds and leaves alone in heads (RFC 9110 section 7.6), and what routes change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';
import type { Exchange, Response } from './raw.ts';

/** Every value of a field, in order. */
function valuesOf(message: Pick<Exchange, 'fields'>, wanted: string): string[] {
  return message.fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

for (const engine of ENGINES) {
  test(`[${engine}] HTTP header fields`, engineSkip(engine), async (t) => {
    const [port, viaPort, port6] = [await freePort(), await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web:
    bind: ["127.0.0.1:${port}", "[::1]:${port6}"]
    routes:
      - match: { path: /edited }
        upstream: web
        headers:
          request: { set: { X-Env: prod, Host: inner.example }, add: { X-More: [one, two] }, remove: [X-Debug, Cookie] }
          response: { set: { X-Served-By: evenkeel }, add: { X-More: three }, remove: [Server, X-Secret] }
      - upstream: web
  via: { bind: "127.0.0.1:${viaPort}", via: keel, routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    /** One exchange: what the server got, and what the client got back. */
    const pass = async (request: string, answer: string, to = port): Promise<{ sent: Exchange; got: Response }> => {
      const client = await RawConnection.open(t, to, to === port6 ? '::1' : '127.0.0.1');
      client.write(request);
      const sent = await server.exchange();
      sent.send(answer);
      const got = await client.response();
      client.socket.destroy();
      return { sent, got };
    };
    const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

    await t.test('hop-by-hop fields are removed from requests, and those that Connection names', async () => {
      const { sent } = await pass(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop, x-other\r\nKeep-Alive: timeout=5\r\n' +
          'Proxy-Connection: keep-alive\r\nTE: trailers\r\nX-Hop: 1\r\nX-OTHER: 2\r\nX-Stays: 3\r\nUpgrade: foo\r\n\r\n',
        plain,
      );
      for (const name of ['connection', 'keep-alive', 'proxy-connection', 'te', 'x-hop', 'x-other', 'upgrade']) {
        assert.equal(sent.has(name), false, name);
      }
      assert.equal(sent.get('x-stays'), '3');
    });

    await t.test('hop-by-hop fields are removed from responses, and those that Connection names', async () => {
      const { got } = await pass(
        'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n' +
          'Proxy-Connection: x\r\nX-Stays: 2\r\nContent-Length: 0\r\n\r\n',
      );
      for (const name of ['connection', 'keep-alive', 'proxy-connection', 'x-hop']) {
        assert.equal(got.get(name), undefined, name);
      }
      assert.equal(got.get('x-stays'), '2');
    });

    await t.test('everything else is passed on as it is, in order, repeated fields too', async () => {
      const fields = 'Accept: a\r\nX-A: 1\r\nx-a: 2\r\nCookie: c=d; e="f g"\r\nX-Empty: \r\nX-8: caf\xe9\r\n';
      const { sent, got } = await pass(
        `GET /p?q=%20&r HTTP/1.1\r\nHost: A.Example:8080\r\n${fields}\r\n`,
        'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nETag: W/"x"\r\nContent-Length: 0\r\n\r\n',
      );
      assert.equal(sent.startLine, 'GET /p?q=%20&r HTTP/1.1');
      assert.deepEqual(sent.fields.slice(0, 7), [
        ['Host', 'A.Example:8080'],
        ['Accept', 'a'],
        ['X-A', '1'],
        ['x-a', '2'],
        ['Cookie', 'c=d; e="f g"'],
        ['X-Empty', ''],
        ['X-8', 'caf\xe9'],
      ]);
      assert.deepEqual(valuesOf(got, 'set-cookie'), ['a=1', 'b=2; Path=/']);
      assert.equal(got.get('etag'), 'W/"x"');
    });

    await t.test('X-Forwarded-For is the client’s address, whatever the client says', async () => {
      const first = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain);
      assert.equal(first.sent.get('x-forwarded-for'), '127.0.0.1');
      const many = await pass(
        'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2, 192.0.2.3\r\n\r\n',
        plain,
      );
      assert.equal(many.sent.get('x-forwarded-for'), '127.0.0.1');
    });

    await t.test('X-Forwarded-For of an IPv6 client', async (t) => {
      try {
        const { sent } = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain, port6);
        assert.equal(sent.get('x-forwarded-for'), '::1');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
        t.skip('no IPv6 here');
      }
    });

    await t.test('X-Forwarded-Proto and -Host are the proxy’s own, whatever the client says', async () => {
      const { sent } = await pass(
        'GET / HTTP/1.1\r\nHost: shop.example:81\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\r\n',
        plain,
      );
      assert.equal(sent.get('x-forwarded-proto'), 'http');
      assert.equal(sent.get('x-forwarded-host'), 'shop.example:81');
    });

    await t.test('X-Request-Id is the proxy’s own, whatever the client says, and never made twice', async () => {
      const given = await pass('GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n', plain);
      assert.match(given.sent.get('x-request-id')!, /^[0-9a-f]{32}$/);
      const ids = new Set<string | undefined>();
      for (let i = 0; i < 20; i++) {
        const { sent } = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain);
        assert.match(sent.get('x-request-id')!, /^[0-9a-f]{32}$/);
        ids.add(sent.get('x-request-id'));
      }
      assert.equal(ids.size, 20);
    });

    await t.test('Via is added in both directions where the listener says so (RFC 9110 7.6.3)', async () => {
      const without = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain);
      assert.equal(without.sent.has('via'), false);
      assert.equal(without.got.get('via'), undefined);
      const { sent, got } = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain, viaPort);
      assert.equal(sent.get('via'), '1.1 keel');
      assert.equal(got.get('via'), '1.1 keel');
      const chained = await pass(
        'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 first\r\n\r\n',
        'HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n',
        viaPort,
      );
      assert.equal(valuesOf(chained.sent, 'via').join(', '), '1.0 first, 1.1 keel');
      assert.equal(valuesOf(chained.got, 'via').join(', '), '1.1 inner, 1.1 keel');
    });

    await t.test('an absolute target becomes a path, and its host the Host (RFC 9112 3.2.2)', async () => {
      const { sent } = await pass('GET http://Shop.example/x?y HTTP/1.1\r\nHost: shop.example\r\n\r\n', plain);
      assert.equal(sent.startLine, 'GET /x?y HTTP/1.1');
      assert.equal(sent.get('host')?.toLowerCase(), 'shop.example');
      const root = await pass('OPTIONS http://shop.example HTTP/1.1\r\nHost: shop.example\r\n\r\n', plain);
      assert.match(root.sent.startLine, /^OPTIONS (\*|\/) HTTP\/1\.1$/);
    });

    await t.test('OPTIONS * is passed on (RFC 9110 9.3.7)', async () => {
      const { sent } = await pass('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', plain);
      assert.equal(sent.startLine, 'OPTIONS * HTTP/1.1');
    });

    await t.test('methods that nobody knows are passed on', async () => {
      const { sent } = await pass('PROPFIND /x HTTP/1.1\r\nHost: a\r\nDepth: 1\r\n\r\n', plain);
      assert.equal(sent.startLine, 'PROPFIND /x HTTP/1.1');
    });

    await t.test('a response without Date gets one; one that has keeps it (RFC 9110 6.6.1)', async () => {
      const without = await pass('GET / HTTP/1.1\r\nHost: a\r\n\r\n', plain);
      const date = without.got.get('date')!;
      assert.equal(new Date(date).toUTCString(), date);
      assert.ok(Math.abs(Date.parse(date) - Date.now()) < 5000);
      const old = 'Sun, 06 Nov 1994 08:49:37 GMT';
      const dated = await pass(
        'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
        `HTTP/1.1 200 OK\r\nDate: ${old}\r\nContent-Length: 0\r\n\r\n`,
      );
      assert.equal(dated.got.get('date'), old);
    });

    await t.test('a route sets, adds and removes fields of the request', async () => {
      const { sent } = await pass(
        'GET /edited HTTP/1.1\r\nHost: a\r\nx-env: test\r\nX-Env: stage\r\nX-More: zero\r\nx-debug: 1\r\nCookie: a\r\nX-Stays: 1\r\n\r\n',
        plain,
      );
      assert.equal(sent.get('x-env'), 'prod');
      assert.equal(sent.get('host'), 'inner.example');
      assert.deepEqual(valuesOf(sent, 'x-more'), ['zero', 'one', 'two']);
      assert.equal(sent.has('x-debug'), false);
      assert.equal(sent.has('cookie'), false);
      assert.equal(sent.get('x-stays'), '1');
      assert.equal(sent.get('x-forwarded-host'), 'a', 'what the client asked for');
    });

    await t.test('no other spelling of a field that a route sets reaches a server', async () => {
      const { sent } = await pass(
        'GET /edited HTTP/1.1\r\nHost: a\r\nX_Env: evil\r\nX.ENV: evil\r\nX_Debug: 1\r\nX_Stays: 1\r\n\r\n',
        plain,
      );
      for (const name of ['x_env', 'x.env', 'x_debug']) assert.equal(sent.has(name), false, name);
      assert.equal(sent.get('x_stays'), '1');
    });

    await t.test('a route sets, adds and removes fields of the response', async () => {
      const { got } = await pass(
        'GET /edited HTTP/1.1\r\nHost: a\r\n\r\n',
        'HTTP/1.1 200 OK\r\nServer: inner\r\nX-Served-By: b\r\nX-More: 1\r\nx-secret: 1\r\nContent-Length: 0\r\n\r\n',
      );
      assert.equal(got.get('server'), undefined);
      assert.equal(got.get('x-secret'), undefined);
      assert.equal(got.get('x-served-by'), 'evenkeel');
      assert.deepEqual(valuesOf(got, 'x-more'), ['1', 'three']);
    });

    // last: the server has the beginning of this request
    await t.test('a trailer that is a field which a route sets is refused', async (t) => {
      const client = await RawConnection.open(t, port);
      const head = 'POST /edited HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
      client.write(`${head}1\r\na\r\n0\r\nX_Env: evil\r\n\r\n`);
      assert.equal((await client.response()).status, 400);
    });
  });
}
