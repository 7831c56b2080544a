/** What is too large is refused with the status that says so, and what is too slow ends (docs/limits.md, docs/timeouts.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer, silentPort, text } from './raw.ts';

const HOST = 'Host: a\r\n';

for (const engine of ENGINES) {
  test(`[${engine}] HTTP limits and timeouts`, engineSkip(engine), async (t) => {
    const [port, fewPort, roomPort] = [await freePort(), await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { head: 1s, body: 1s, idle: 1300ms }
    limits: { head: 4KiB, headers: 20, body: 10KiB }
    routes:
      - { match: { path: /timed }, upstream: web, timeout: 800ms }
      - { match: { path: /patient }, upstream: patient }
      - { match: { path: /nobody }, upstream: nobody }
      - { upstream: web }
  room: { bind: "127.0.0.1:${roomPort}", limits: { connections: 3 }, routes: [ { upstream: patient } ] }
  few: { bind: "127.0.0.1:${fewPort}", limits: { connections: 3 }, routes: [ { upstream: patient } ] }
upstreams:
  web: { servers: [ "${server.address}" ], timeouts: { response: 1200ms, idle: 1500ms, connect: 1s } }
  patient: { servers: [ "${server.address}" ] }
  nobody: { servers: [ "127.0.0.1:${await silentPort(t)}" ], timeouts: { connect: 500ms } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });

    await t.test('a request line longer than a head may be: 414', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET /${'x'.repeat(5000)} HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal((await client.response()).status, 414);
      assert.equal((await client.ending()).how, 'end');
    });

    await t.test('a request line that never ends: 414', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET /${'x'.repeat(5000)}`);
      assert.equal((await client.response()).status, 414);
    });

    await t.test('a head that is too long: 431', async (t) => {
      for (const isComplete of [true, false]) {
        const client = await RawConnection.open(t, port);
        client.write(`GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(4100)}${isComplete ? '\r\n\r\n' : ''}`);
        assert.equal((await client.response()).status, 431);
        assert.equal((await client.ending()).how, 'end');
      }
    });

    await t.test('too many fields: 431; as many as allowed: served', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET / HTTP/1.1\r\n${HOST}${'X: 1\r\n'.repeat(19)}\r\n`);
      (await server.exchange()).ok();
      assert.equal((await client.response()).status, 200);
      client.write(`GET / HTTP/1.1\r\n${HOST}${'X: 1\r\n'.repeat(20)}\r\n`);
      assert.equal((await client.response()).status, 431);
    });

    await t.test('a Content-Length that is too large: 413 at once, before any of the body', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10241\r\n\r\n`);
      assert.equal((await client.response()).status, 413);
      assert.equal((await client.ending()).how, 'end');
      assert.equal(server.connections.length, 0);
    });

    await t.test('as large as allowed: served', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10240\r\n\r\n${text(10240)}`);
      const exchange = await server.exchange();
      assert.equal(await exchange.body(), text(10240));
      exchange.ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('chunks that become too large: 413, and the server can tell that it is not whole', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1000\r\n${text(4096)}\r\n`);
      const exchange = await server.exchange();
      client.write(`1000\r\n${text(4096)}\r\n1000\r\n${text(4096)}\r\n0\r\n\r\n`);
      assert.equal((await client.response()).status, 413);
      const { rest } = await exchange.connection.ending();
      assert.ok(!rest.endsWith('0\r\n\r\n'));
    });

    await t.test('a head that does not come to its end: 408 after `head`', async (t) => {
      const begun = performance.now();
      const client = await RawConnection.open(t, port);
      client.write('GET / HTTP/1.1\r\nHo');
      assert.equal((await client.response()).status, 408);
      assertAfter(performance.now() - begun, 1000);
      assert.equal((await client.ending()).how, 'end');
    });

    await t.test('a head of which a little comes from time to time: 408 all the same', async (t) => {
      const begun = performance.now();
      const client = await RawConnection.open(t, port);
      const drip = setInterval(() => client.write('X: 1\r\n'), 100);
      t.after(() => clearInterval(drip));
      client.write(`GET / HTTP/1.1\r\n${HOST}`);
      assert.equal((await client.response()).status, 408);
      clearInterval(drip);
      assertAfter(performance.now() - begun, 1000);
    });

    await t.test('a body that stops: 408 after `body`, and the request at the server is dropped', async (t) => {
      const client = await RawConnection.open(t, port);
      const begun = performance.now();
      client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10000\r\n\r\nabc`);
      const exchange = await server.exchange();
      assert.equal((await client.response()).status, 408);
      assertAfter(performance.now() - begun, 1000);
      assert.equal((await client.ending()).how, 'end');
      await exchange.connection.ending();
    });

    await t.test('a body of which something comes all the time may take long', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10000\r\n\r\n`);
      const exchange = await server.exchange();
      for (let i = 0; i < 10; i++) {
        client.write(`${i}`.repeat(1000));
        await exchange.connection.wait('a part', () => exchange.connection.buffered.length === (i + 1) * 1000);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      exchange.ok('done');
      assert.equal((await client.response()).body, 'done');
      exchange.connection.buffered = '';
    });

    await t.test('silence between requests: the connection is closed after `idle`', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      const begun = performance.now();
      exchange.ok();
      assert.equal((await client.response()).status, 200);
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
      assertAfter(performance.now() - begun, 1300);
    });

    await t.test('a connection on which nothing is ever sent is closed after `idle`', async (t) => {
      const begun = performance.now();
      const client = await RawConnection.open(t, port);
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
      assertAfter(performance.now() - begun, 1300);
    });

    await t.test('a server that does not answer: 504 after `response`', async (t) => {
      const client = await RawConnection.open(t, port);
      const begun = performance.now();
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      assert.equal((await client.response()).status, 504);
      assertAfter(performance.now() - begun, 1200);
      await exchange.connection.ending();
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).ok('next');
      assert.equal((await client.response()).body, 'next');
    });

    await t.test('a response that stops: cut off after `response`', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      const begun = performance.now();
      exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      await client.until('abc');
      assert.equal((await client.ending()).rest, '');
      assertAfter(performance.now() - begun, 1200);
      await exchange.connection.ending();
    });

    await t.test('the whole exchange: 504 after the route’s `timeout`', async (t) => {
      const client = await RawConnection.open(t, port);
      const begun = performance.now();
      client.write(`GET /timed HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      assert.equal((await client.response()).status, 504);
      assertAfter(performance.now() - begun, 800);
      await exchange.connection.ending();
    });

    await t.test('the whole exchange: a response that takes longer than `timeout` is cut off', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET /timed HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const drip = setInterval(() => exchange.send('1\r\nx\r\n'), 50);
      t.after(() => clearInterval(drip));
      const { rest } = await client.ending();
      clearInterval(drip);
      assert.ok(!rest.includes('0\r\n\r\n'));
    });

    await t.test(
      'a server that cannot be reached: 504 after `connect`, or 502 where the network says no',
      async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(`GET /nobody HTTP/1.1\r\n${HOST}\r\n`);
        const { status } = await client.response();
        assert.ok(status === 504 || status === 502, `${status}`);
      },
    );

    await t.test('a client that does not read is given up after `body`', async (t) => {
      const client = await RawConnection.open(t, port);
      client.socket.pause();
      client.write(`GET /patient HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      const piece = text(1024 * 1024);
      exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * piece.length}\r\n\r\n`);
      for (let i = 0; i < 64; i++) exchange.send(piece);
      await exchange.connection.ending();
    });

    await t.test('a pooled connection is closed after the upstream’s `idle`', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      const exchange = await server.exchange();
      const begun = performance.now();
      exchange.ok();
      await client.ending();
      assert.equal((await exchange.connection.ending()).how, 'end');
      assertAfter(performance.now() - begun, 1500);
    });

    await t.test('more connections than a listener takes wait until one ends', async (t) => {
      const first = [];
      for (let i = 0; i < 3; i++) {
        const client = await RawConnection.open(t, fewPort);
        client.write(`GET /${i} HTTP/1.1\r\n${HOST}\r\n`);
        first.push({ client, exchange: await server.exchange() });
      }
      const late = await RawConnection.open(t, fewPort);
      late.write(`GET /late HTTP/1.1\r\n${HOST}\r\n`);
      // longer than a client has to be idle to be closed
      await new Promise((resolve) => setTimeout(resolve, 1200));
      assert.equal(server.hasRequest, false);
      first[1].client.socket.destroy();
      const exchange = await server.exchange();
      assert.equal(exchange.startLine, 'GET /late HTTP/1.1');
      exchange.ok('late');
      assert.equal((await late.response()).body, 'late');
      for (const i of [0, 2]) {
        first[i].exchange.ok(`${i}`);
        assert.equal((await first[i].client.response()).body, `${i}`);
      }
    });

    await t.test('clients that are idle make room at the limit, the longest idle first', async (t) => {
      const first = [];
      for (let i = 0; i < 3; i++) {
        const client = await RawConnection.open(t, roomPort);
        client.write(`GET /${i} HTTP/1.1\r\n${HOST}\r\n`);
        const exchange = await server.exchange();
        // the first one is busy, and stays
        if (i > 0) exchange.ok(`${i}`);
        if (i > 0) assert.equal((await client.response()).body, `${i}`);
        first.push({ client, exchange });
      }
      for (const [i, name] of [
        [1, 'late'],
        [2, 'later'],
      ] as const) {
        const late = await RawConnection.open(t, roomPort);
        late.write(`GET /${name} HTTP/1.1\r\n${HOST}\r\n`);
        const exchange = await server.exchange();
        assert.equal(exchange.startLine, `GET /${name} HTTP/1.1`);
        assert.equal((await first[i].client.ending()).how, 'end');
        exchange.ok(name);
        assert.equal((await late.response()).body, name);
      }
      first[0].exchange.ok('busy');
      assert.equal((await first[0].client.response()).body, 'busy');
      await evenkeel.said(/listener room closes idle clients for new ones: connection limit reached/);
    });
  });
}

/**
 * Not before: `actualMs` is from before what started the timer, which goes off at the next tick. That it does go off is seen
 * by what came; how much later depends on how busy this machine is.
 */
function assertAfter(actualMs: number, expectedMs: number): void {
  assert.ok(actualMs > expectedMs - 60, `${actualMs} ms is too soon`);
}
