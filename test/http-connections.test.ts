/** Who may end a connection when, and what the other side sees of it; slow peers; pooled connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, kill, WAIT_MS } from './evenkeel.ts';
import { assertSameText, RawConnection, RawServer, text } from './raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const MIB = 1024 * 1024;

for (const engine of ENGINES) {
  test(`[${engine}] HTTP connections`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server.address}" ], pool: { idle: 2 } } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const [pid] = evenkeel.proxies();

    await t.test(
      'a request that cannot be repeated is not sent on a connection that the server has closed',
      async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(GET);
        const first = await server.exchange();
        first.ok();
        assert.equal((await client.response()).status, 200);
        // the request is the first that the proxy sees when it goes on
        kill(pid, 'SIGSTOP');
        client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
        await client.delivered();
        const ended = once(first.connection.socket, 'close');
        first.connection.socket.destroy();
        await ended;
        kill(pid, 'SIGCONT');
        const second = await server.exchange();
        assert.notEqual(second.connection, first.connection);
        second.ok('once');
        assert.equal((await client.response()).body, 'once');
      },
    );

    await t.test('a client that sends FIN after its request still gets the response', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(GET);
      client.end();
      (await server.exchange()).ok('late but whole');
      const response = await client.response();
      assert.equal(response.body, 'late but whole');
      assert.equal(response.get('connection'), 'close');
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('a client that sends FIN while the response comes gets the rest of it', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
      await client.head();
      client.end();
      exchange.send('0123456789');
      assert.equal(await client.bytes(10), '0123456789');
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('a client that says that it sends nothing more is not waited for', async (t) => {
      for (const request of ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) {
        const client = await RawConnection.open(t, port);
        client.write(request);
        (await server.exchange()).ok('all there is');
        assert.equal((await client.response()).body, 'all there is');
        assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
        const [reset] = await Promise.all([once(client.socket, 'error'), sendUntilError(client)]);
        assert.match(String(reset), /ECONNRESET|EPIPE/, 'nobody is there any more');
      }
    });

    await t.test('one that sends more all the same still gets the whole response', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}`);
      const body = text(4 * MIB, 9);
      (await server.exchange()).ok(body);
      assertSameText((await client.response()).body, body);
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('a client that sends FIN inside its request: the connection ends, nothing is passed on', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write('GET / HTTP/1.1\r\nHost:');
      client.end();
      await client.ending();
      assert.equal(server.connections.length, 0);
    });

    await t.test('a client that sends FIN inside its body: the server can tell that it is not whole', async (t) => {
      for (const framing of ['Content-Length: 10000', 'Transfer-Encoding: chunked']) {
        server.forget();
        const client = await RawConnection.open(t, port);
        client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n3\r\nabc\r\n`);
        const exchange = await server.exchange();
        await exchange.connection.bytes(8);
        client.end();
        const { rest } = await exchange.connection.ending();
        assert.equal(rest, '', 'no last chunk');
        await client.ending();
      }
    });

    await t.test('a client that is gone: the request at the server is dropped', async (t) => {
      for (const stage of ['waiting', 'in the response', 'in the request']) {
        server.forget();
        const client = await RawConnection.open(t, port);
        client.write(
          stage === 'in the request' ? 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nabc' : GET,
        );
        const exchange = await server.exchange();
        if (stage === 'in the response') {
          exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc');
          await client.head();
        }
        client.reset();
        await exchange.connection.ending();
      }
    });

    await t.test('a client that closes without waiting for the response is noticed as well', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const exchange = await server.exchange();
      client.socket.destroy();
      // FIN only: for a moment it may be one that still reads
      await exchange.connection.ending();
    });

    await t.test(
      'a server that is gone in mid-response: the client can tell, however the response is framed',
      async (t) => {
        const responses = {
          length: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc',
          chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
          'within a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nabc',
        };
        for (const [framing, response] of Object.entries(responses)) {
          for (const how of ['end', 'reset'] as const) {
            for (const version of ['1.1', '1.0']) {
              const client = await RawConnection.open(t, port);
              client.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
              const exchange = await server.exchange();
              exchange.send(response);
              await client.until('abc');
              exchange.connection[how]();
              const ending = await client.ending();
              assert.ok(!ending.rest.includes('0\r\n\r\n'), ending.rest);
              if (version === '1.0' && framing !== 'length') {
                assert.equal(ending.how, 'reset', 'only a reset tells it from the end of the body');
              }
            }
          }
        }
      },
    );

    await t.test('a server that resets a body that lasts until close: the client can tell', async (t) => {
      for (const version of ['1.1', '1.0']) {
        const client = await RawConnection.open(t, port);
        client.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
        const exchange = await server.exchange();
        exchange.send('HTTP/1.0 200 OK\r\n\r\nabc');
        await client.until('abc');
        exchange.connection.reset();
        const ending = await client.ending();
        if (version === '1.1') assert.ok(!ending.rest.includes('0\r\n\r\n'), 'no last chunk');
        else assert.equal(ending.how, 'reset');
      }
    });

    await t.test('a server that resets right behind its last bytes is no different', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const exchange = await server.exchange();
      exchange.connection.socket.write('HTTP/1.0 200 OK\r\n\r\nabc', () => exchange.connection.reset());
      const { rest } = await client.ending();
      assert.ok(!rest.includes('0\r\n\r\n'), `no last chunk in ${JSON.stringify(rest)}`);
    });

    await t.test('a response that is whole when its server resets is whole at the client', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const exchange = await server.exchange();
      exchange.connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole');
      const response = await client.response();
      exchange.connection.reset();
      assert.equal(response.body, 'whole');
      client.write(GET);
      (await server.exchange()).ok('next');
      assert.equal((await client.response()).body, 'next');
    });

    await t.test('a client that does not read stops the server, and nobody’s memory grows', async (t) => {
      const client = await RawConnection.open(t, port);
      client.socket.pause();
      client.write(GET);
      const exchange = await server.exchange();
      const size = 64 * MIB;
      exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = Buffer.from(text(MIB));
      let sent = 0;
      let isStuck = false;
      const { socket } = exchange.connection;
      const before = residentBytes(pid);
      // until the kernel has taken no more for a while
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout;
        const more = (): void => {
          clearTimeout(timer);
          if (isStuck) return;
          timer = setTimeout(() => {
            isStuck = true;
            resolve();
          }, 500);
          if (sent === size) return;
          sent += MIB;
          socket.write(piece, more);
        };
        more();
      });
      assert.ok(sent < size, 'the server is stopped');
      assert.ok(residentBytes(pid) - before < 16 * MIB, 'the proxy holds little of it');
      const other = await RawConnection.open(t, port);
      other.write(GET);
      (await server.exchange()).ok('others are served');
      assert.equal((await other.response()).body, 'others are served');
      for (; sent < size; sent += MIB) socket.write(piece);
      client.socket.resume();
      await client.head();
      let received = 0;
      while (received < size) {
        await client.wait('the rest', () => client.buffered.length > 0);
        received += client.buffered.length;
        client.buffered = '';
      }
      assert.equal(received, size);
    });

    await t.test('a server that does not read stops the client', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
      const exchange = await server.exchange();
      exchange.connection.socket.pause();
      let flushed = 0;
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout;
        const piece = Buffer.alloc(MIB, 'x');
        const more = (): void => {
          clearTimeout(timer);
          timer = setTimeout(resolve, 500);
          if (flushed === 64) return;
          client.socket.write(piece, () => {
            flushed++;
            more();
          });
        };
        more();
      });
      assert.ok(flushed < 64, 'the client is stopped');
      client.reset();
      exchange.connection.socket.resume();
      await exchange.connection.ending();
    });

    await t.test('a slow client gets its body whole, byte by byte at the server’s end', async (t) => {
      const client = await RawConnection.open(t, port);
      const body = text(20_000);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
      const exchange = await server.exchange();
      for (let at = 0; at < body.length; at += 997) {
        client.write(body.slice(at, at + 997));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assertSameText(await exchange.body(), body);
      exchange.ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('an idle pooled connection that the server closes is not used again', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const first = await server.exchange();
      first.ok('one');
      assert.equal((await client.response()).body, 'one');
      first.connection.end();
      await first.connection.ending();
      client.write(GET);
      const second = await server.exchange();
      assert.notEqual(second.connection, first.connection);
      second.ok('two');
      assert.equal((await client.response()).body, 'two');
    });

    await t.test('a pooled connection that ends under a request: it is sent again, once, on a new one', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const first = await server.exchange();
      first.ok('one');
      assert.equal((await client.response()).body, 'one');
      client.write(GET);
      const second = await server.exchange();
      assert.equal(second.connection, first.connection);
      second.connection.reset();
      const third = await server.exchange();
      third.ok('three');
      assert.equal((await client.response()).body, 'three');
    });

    await t.test('a POST on such a connection is not sent again: the client decides (RFC 9110 9.2.2)', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const first = await server.exchange();
      first.ok('one');
      assert.equal((await client.response()).body, 'one');
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
      const second = await server.exchange();
      assert.equal(second.connection, first.connection);
      second.connection.reset();
      assert.equal((await client.response()).status, 502);
      assert.equal(server.connections.length, 1);
    });

    await t.test('a response that began is never tried again', async (t) => {
      server.forget();
      const client = await RawConnection.open(t, port);
      client.write(GET);
      const first = await server.exchange();
      first.ok('one');
      assert.equal((await client.response()).body, 'one');
      client.write(GET);
      const second = await server.exchange();
      second.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      await client.until('abc');
      second.connection.reset();
      await client.ending();
      assert.equal(server.connections.length, 1);
    });

    await t.test('no more idle connections are kept than the pool may have', async (t) => {
      server.forget();
      const clients = await Promise.all(Array.from({ length: 6 }, () => RawConnection.open(t, port)));
      for (const client of clients) client.write(GET);
      const exchanges = [];
      for (let i = 0; i < 6; i++) exchanges.push(await server.exchange());
      for (const exchange of exchanges) exchange.ok();
      for (const client of clients) assert.equal((await client.response()).status, 200);
      const open = (): number => server.connections.filter((connection) => !connection.hasEnded).length;
      while (open() > 2) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(open(), 2);
    });

    await t.test('a thousand connections come and go, and the proxy holds no descriptor of them', async (t) => {
      server.forget();
      const fixed = await RawConnection.open(t, port);
      fixed.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      (await server.exchange()).ok();
      await fixed.ending();
      const before = descriptorsOf(pid);
      for (let i = 0; i < 20; i++) {
        const clients = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(t, port)));
        clients.forEach((client, n) => client.write(n % 3 === 0 ? 'GET / HT' : GET));
        clients.forEach((client, n) => (n % 2 === 0 ? client.reset() : client.socket.destroy()));
        server.forget();
      }
      const deadline = Date.now() + WAIT_MS;
      while (descriptorsOf(pid) > before + 3 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        server.forget();
      }
      assert.ok(descriptorsOf(pid) <= before + 3, `${descriptorsOf(pid)} descriptors, ${before} before`);
    });
  });
}

function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return Number(kib) * 1024;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Sends a byte now and then, until the socket says that it cannot. Whoever waits for more takes them for `timeouts.body`: 30 s. */
async function sendUntilError({ socket }: RawConnection): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!socket.destroyed) {
    assert.ok(Date.now() < deadline, 'what is sent is still taken');
    socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
