/** What is sent in place of what came, and responses that say where a request goes on: with bodies of every kind and size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer, text } from './raw.ts';

const LARGE = text(300_000);
const POST = 'POST /x HTTP/1.1\r\nHost: a\r\n';

/** One body in each framing, as the lines that end the head and what follows. */
const BODIES = {
  small: 'Content-Length: 3\r\n\r\nabc',
  large: `Content-Length: ${LARGE.length}\r\n\r\n${LARGE}`,
  chunked: `Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${LARGE.length.toString(16)}\r\n${LARGE}\r\n0\r\n\r\n`,
};

for (const engine of ENGINES) {
  test(`[${engine}] requests that go on elsewhere`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const [first, second] = [await RawServer.start(t), await RawServer.start(t)];
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /text }, upstream: first, send: { method: PUT, text: "for {client}" } }
      - { match: { path: /none }, upstream: first, send: { fields: drop, body: drop } }
      - { match: { path: /inside/ }, internal: true, upstream: second }
      - { name: named, upstream: second, retry: { on: [] } }
      - { name: sorry, respond: { status: 503, body: sorry } }
      - { match: { path: /gone }, upstream: nobody, errors: [ { status: 502, call: sorry } ] }
      - { upstream: first, target-by: { field: X-To, calls: { "@named": named } } }
upstreams:
  first: { servers: [ "${first.address}" ] }
  second: { servers: [ "${second.address}" ] }
  nobody: { servers: [ "127.0.0.1:1" ] }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    for (const [kind, body] of Object.entries(BODIES)) {
      await t.test(`a text takes the place of a body: ${kind}`, async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(`POST /text HTTP/1.1\r\nHost: a\r\n${body}`);
        const exchange = await first.exchange();
        assert.equal(exchange.startLine, 'PUT /text HTTP/1.1');
        assert.equal(exchange.get('content-length'), '13');
        assert.ok(!exchange.has('transfer-encoding'));
        assert.equal(await exchange.body(), 'for 127.0.0.1');
        exchange.ok('told');
        assert.equal((await client.response()).body, 'told');
      });

      await t.test(`neither fields nor a body go on: ${kind}`, async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(`POST /none HTTP/1.1\r\nHost: a\r\nX-Sent: 1\r\nCookie: a=1\r\n${body}`);
        const exchange = await first.exchange();
        assert.equal(exchange.get('host'), 'a');
        for (const name of ['x-sent', 'cookie', 'content-length', 'transfer-encoding'])
          assert.ok(!exchange.has(name), name);
        exchange.ok('bare');
        assert.equal((await client.response()).body, 'bare');
      });

      await t.test(`a response leads to another route, as GET without the body: ${kind}`, async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(`${POST}${body}`);
        const sent = await first.exchange();
        await sent.body();
        sent.ok('not for the client', 'X-To: /inside/y?q\r\nSet-Cookie: s=1\r\n');
        const exchange = await second.exchange();
        assert.equal(exchange.startLine, 'GET /inside/y?q HTTP/1.1');
        for (const name of ['content-length', 'transfer-encoding']) assert.ok(!exchange.has(name), name);
        exchange.ok('inside');
        const response = await client.response();
        assert.equal(response.body, 'inside');
        assert.equal(response.get('set-cookie'), 's=1');
        assert.equal(response.get('x-to'), undefined);
      });
    }

    await t.test('the next request follows on the same connection when the body was dropped whole', async (t) => {
      const client = await RawConnection.open(t, port);
      for (let i = 0; i < 3; i++) {
        client.write(`POST /text HTTP/1.1\r\nHost: a\r\n${BODIES.small}`);
        const exchange = await first.exchange();
        await exchange.body();
        exchange.ok(`told ${i}`);
        assert.equal((await client.response()).body, `told ${i}`);
      }
    });

    await t.test('a route that is called gets a small body, and one that is gone is an error', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`${POST}${BODIES.small}`);
      const small = await first.exchange();
      await small.body();
      small.ok('', 'X-To: @named\r\n');
      const exchange = await second.exchange();
      assert.equal(exchange.startLine, 'POST /x HTTP/1.1');
      assert.equal(await exchange.body(), 'abc');
      exchange.ok('called');
      assert.equal((await client.response()).body, 'called');
      client.write(`${POST}${BODIES.large}`);
      const large = await first.exchange();
      assert.equal((await large.body()).length, LARGE.length);
      large.ok('', 'X-To: @named\r\n');
      assert.equal((await client.response()).status, 500);
    });

    await t.test('a body whose request is answered in place of an error goes to nobody', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`POST /gone HTTP/1.1\r\nHost: a\r\n${BODIES.small}`);
      assert.equal((await client.response()).body, 'sorry');
      const other = await RawConnection.open(t, port);
      other.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nother`);
      const exchange = await first.exchange();
      assert.equal(await exchange.body(), 'other');
      exchange.ok('as ever');
      assert.equal((await other.response()).body, 'as ever');
    });

    await t.test('a server that leads on before the body is here', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`${POST}Content-Length: ${LARGE.length}\r\n\r\n${LARGE.slice(0, 100_000)}`);
      (await first.exchange()).ok('', 'X-To: /inside/y\r\n');
      const exchange = await second.exchange();
      client.write(LARGE.slice(100_000));
      exchange.ok('inside');
      assert.equal((await client.response()).body, 'inside');
    });

    await t.test("what is no target inside, what is nobody's name, and what leads on for ever", async (t) => {
      for (const [to, status] of [
        ['nowhere', 404],
        ['/../x', 404],
        ['http://elsewhere/', 404],
        ['@other', 500],
      ] as const) {
        const client = await RawConnection.open(t, port);
        client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
        (await first.exchange()).ok('', `X-To: ${to}\r\n`);
        assert.equal((await client.response()).status, status, to);
      }
      const client = await RawConnection.open(t, port);
      client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
      for (let i = 0; i < 11; i++) (await first.exchange()).ok('', 'X-To: /again\r\n');
      assert.equal((await client.response()).status, 500);
      client.write('GET /inside/y HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response()).status, 404);
    });
  });

  test(`[${engine}] a page in place of a small body that does not come in time`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { body: 200ms }
    routes: [ { upstream: web, errors: [ { status: 408, to: /late } ] } ]
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const client = await RawConnection.open(t, port);
    client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
    const late = await server.exchange();
    assert.equal(late.startLine, 'GET /late HTTP/1.1');
    client.write('cde');
    const other = await RawConnection.open(t, port);
    other.write('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
    const next = await server.exchange();
    assert.equal(next.startLine, 'GET /other HTTP/1.1', 'the page is asked for once');
    next.ok('other');
    late.ok('page');
    assert.equal((await other.response()).body, 'other');
    assert.equal((await client.response()).body, 'page');
  });

  test(`[${engine}] a page in place of a response that does not come in time`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const [server, pages] = [await RawServer.start(t), await RawServer.start(t)];
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /late }, upstream: pages }
      - { match: { path: /slow }, upstream: web, timeout: 200ms, errors: [ { status: 504, to: /late } ] }
      - { upstream: web, errors: [ { status: [503, 504], to: /late } ] }
upstreams:
  web: { servers: [ { address: "${server.address}", max-connections: 1 } ], timeouts: { queue: 200ms } }
  pages: { servers: [ "${pages.address}" ] }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const ask = async (path: string): Promise<RawConnection> => {
      const client = await RawConnection.open(t, port);
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return client;
    };

    await t.test('the server that has not answered is given up', async () => {
      const client = await ask('/slow');
      const slow = await server.exchange();
      const late = await pages.exchange();
      assert.equal((await slow.connection.ending()).rest, '');
      late.ok('page');
      assert.equal((await client.response()).body, 'page');
    });

    await t.test('whoever has waited for a server waits no more', async () => {
      const first = await ask('/held');
      const held = await server.exchange();
      const second = await ask('/queued');
      const late = await pages.exchange();
      held.ok('held');
      assert.equal((await first.response()).body, 'held');
      const third = await ask('/next');
      const next = await server.exchange();
      assert.equal(next.startLine, 'GET /next HTTP/1.1');
      next.ok('next');
      assert.equal((await third.response()).body, 'next');
      late.ok('page');
      assert.equal((await second.response()).body, 'page');
      const fourth = await ask('/late?again');
      const again = await pages.exchange();
      assert.equal(again.startLine, 'GET /late?again HTTP/1.1');
      again.ok('again');
      assert.equal((await fourth.response()).body, 'again');
    });
  });

  test(`[${engine}] connections that are used enough`, engineSkip(engine), async (t) => {
    const [port, agedPort] = [await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web: { bind: "127.0.0.1:${port}", limits: { requests: 5 }, routes: [ { upstream: web } ] }
  aged: { bind: "127.0.0.1:${agedPort}", timeouts: { age: 1ms }, routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${server.address}" ], pool: { requests: 2 } } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const ask = async (client: RawConnection): Promise<{ over: RawConnection; word: string | undefined }> => {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const exchange = await server.exchange();
      exchange.ok();
      return { over: exchange.connection, word: (await client.response()).get('connection') };
    };
    const client = await RawConnection.open(t, port);
    const asked: Awaited<ReturnType<typeof ask>>[] = [];
    for (let i = 0; i < 5; i++) asked.push(await ask(client));
    const overs = asked.map(({ over }) => over);
    assert.deepEqual(
      [overs[1] === overs[0], overs[2] === overs[1], overs[3] === overs[2], overs[4] === overs[3]],
      [true, false, true, false],
    );
    assert.deepEqual(
      asked.map(({ word }) => word),
      [undefined, undefined, undefined, undefined, 'close'],
    );
    assert.deepEqual(await client.ending(), { how: 'end', rest: '' });

    const aged = await RawConnection.open(t, agedPort);
    // the first ones may come within a millisecond
    while ((await ask(aged)).word === undefined);
    assert.deepEqual(await aged.ending(), { how: 'end', rest: '' });
  });
}
