/** Answers that come before the end of their request: what a server said before it closed reaches the client. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { assertSameText, RawConnection, RawServer, text } from './raw.ts';

const MIB = 1024 * 1024;

for (const engine of ENGINES) {
  test(`[${engine}] answers before the end of the request`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    /** A client that has sent more than a server that does not read takes. */
    async function upload(t: TestContext): Promise<{
      client: RawConnection;
      backend: RawConnection;
    }> {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
      const { connection: backend } = await server.exchange();
      backend.socket.pause();
      client.write(Buffer.alloc(16 * MIB, 'u'));
      return { client, backend };
    }

    for (const size of [200, 100_000]) {
      await t.test(`a server that answers ${size} bytes under an upload and closes: the client gets all`, async (t) => {
        for (let round = 0; round < 10; round++) {
          const { client, backend } = await upload(t);
          const body = text(size, round);
          backend.write(
            `HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n${body}`,
          );
          await backend.delivered();
          backend.reset();
          const response = await client.response();
          assert.equal(response.status, 413);
          assert.equal(response.get('connection'), 'close');
          assertSameText(response.body, body);
          client.socket.destroy();
        }
      });
    }

    await t.test('the same for a client that reads late', async (t) => {
      const { client, backend } = await upload(t);
      client.socket.pause();
      const body = text(MIB);
      backend.write(`HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: ${MIB}\r\n\r\n${body}`);
      // what the proxy's kernel and the client's cannot hold waits at the server, which waits too
      const delivered = backend.delivered();
      client.socket.resume();
      await delivered;
      client.socket.pause();
      backend.reset();
      client.socket.resume();
      assertSameText((await client.response()).body, body);
      client.socket.destroy();
    });

    await t.test('a server that closes without an answer is still a 502', async (t) => {
      const { client, backend } = await upload(t);
      backend.reset();
      assert.equal((await client.response()).status, 502);
      client.socket.destroy();
    });

    for (const status of [200, 401]) {
      await t.test(
        `${status} by a server that keeps its connection: it gets the rest, and is used again`,
        async (t) => {
          server.forget();
          const client = await RawConnection.open(t, port);
          const body = text(3 * MIB);
          client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, MIB)}`);
          const first = await server.exchange();
          first.send(`HTTP/1.1 ${status} Early\r\nContent-Length: 5\r\n\r\nearly`);
          const response = await client.response();
          assert.equal(response.body, 'early');
          assert.equal(response.get('connection'), 'close');
          client.write(body.slice(MIB));
          assertSameText(await first.body(), body);
          assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
          const other = await RawConnection.open(t, port);
          other.write('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
          const second = await server.exchange();
          assert.equal(second.connection, first.connection);
          second.ok('next');
          assert.equal((await other.response()).body, 'next');
        },
      );
    }

    await t.test('the same with chunks; what follows them in the same segment is no request any more', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
      const first = await server.exchange();
      first.ok('early');
      assert.equal((await client.response()).body, 'early');
      client.write('3\r\ndef\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal(await first.body(), 'abcdef');
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
      assert.equal(server.hasRequest, false);
    });

    await t.test(
      'a server that ends after such an answer: the client is told, and what it sends on is dropped',
      async (t) => {
        for (const how of ['end', 'reset'] as const) {
          server.forget();
          const client = await RawConnection.open(t, port);
          client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * MIB}\r\n\r\nabc`);
          const exchange = await server.exchange();
          exchange.ok('early');
          assert.equal((await client.response()).body, 'early');
          exchange.connection[how]();
          client.write(Buffer.alloc(MIB));
          assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
        }
      },
    );

    await t.test('a second answer behind such an answer is nobody’s', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nabc');
      const exchange = await server.exchange();
      exchange.ok('early');
      assert.equal((await client.response()).body, 'early');
      exchange.ok('forged');
      await exchange.connection.ending();
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('a client that waits for 100 and gets a final answer need not send the body', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n');
      (await server.exchange()).send('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n');
      const response = await client.response();
      assert.equal(response.status, 417);
      assert.equal(response.get('connection'), 'close');
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });
  });
}
