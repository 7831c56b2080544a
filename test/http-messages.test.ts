/** HTTP/1.0 and 1.1 on both sides: bodies, framing, order, interim responses (RFC 9110, RFC 9112). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { assertSameText, RawConnection, RawServer, text } from './raw.ts';

const HOST = 'Host: shop.example\r\n';

for (const engine of ENGINES) {
  test(`[${engine}] HTTP messages`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    protocol: http
    routes: [ { match: { path: /at-once }, upstream: web, request-buffering: false }, { upstream: web } ]
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const open = (t: TestContext): Promise<RawConnection> => RawConnection.open(t, port);

    await t.test('a Content-Length is passed on as it was read, not as it was spelt', async (t) => {
      const client = await RawConnection.open(t, port);
      for (const spelt of ['0005', '5\t', '5 ', '  5', '\t5', '00000000000000000000000000005\t \t']) {
        client.write(
          `POST / HTTP/1.1\r\n${HOST}content-length:${spelt === '0005' ? '' : ' '}${spelt}\r\nX: 1\r\n\r\nhello`,
        );
        const exchange = await server.exchange();
        assert.deepEqual(
          exchange.fields.filter(([name]) => /length/i.test(name)),
          [['Content-Length', '5']],
          spelt,
        );
        assert.equal(await exchange.body(), 'hello');
        exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${spelt}\r\nX: 1\r\n\r\nthere`);
        const response = await client.response();
        assert.deepEqual(
          response.fields.filter(([name]) => /length/i.test(name)),
          [['Content-Length', '5']],
          spelt,
        );
        assert.equal(response.body, 'there');
        // it says something of a body that does not come
        client.write(`HEAD / HTTP/1.1\r\n${HOST}\r\n`);
        (await server.exchange()).send(`HTTP/1.1 200 OK\r\nContent-Length: ${spelt}\r\n\r\n`);
        assert.equal((await client.response('HEAD')).get('content-length'), '5');
      }
    });

    await t.test('without request-buffering a small body goes on as it comes, too', async (t) => {
      const client = await open(t);
      client.write(`POST /at-once HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\n`);
      const exchange = await server.exchange();
      for (const part of ['ab', 'cd']) {
        client.write(part);
        assert.equal(await exchange.connection.bytes(2), part);
      }
      exchange.ok('got it');
      assert.equal((await client.response()).body, 'got it');
    });

    await t.test('a connection is kept alive for the next request, on both sides (RFC 9112 9.3)', async (t) => {
      const client = await open(t);
      const used = new Set<RawConnection>();
      for (let i = 0; i < 5; i++) {
        client.write(`GET /${i} HTTP/1.1\r\n${HOST}\r\n`);
        const exchange = await server.exchange();
        used.add(exchange.connection);
        assert.equal(exchange.startLine, `GET /${i} HTTP/1.1`);
        exchange.ok(`answer ${i}`);
        const response = await client.response();
        assert.equal(response.body, `answer ${i}`);
        assert.equal(response.get('connection'), undefined);
      }
      assert.equal(used.size, 1);
    });

    await t.test('Connection: close ends the connection after the response (RFC 9112 9.6)', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      const exchange = await server.exchange();
      assert.equal(exchange.get('connection'), undefined, 'it is this connection’s business only');
      exchange.ok('bye');
      const response = await client.response();
      assert.equal(response.get('connection'), 'close');
      assert.equal(response.body, 'bye');
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('a server that closes after its response does not end the client’s connection', async (t) => {
      const client = await open(t);
      client.write(`GET /1 HTTP/1.1\r\n${HOST}\r\n`);
      const first = await server.exchange();
      first.ok('one', 'Connection: close\r\n');
      first.connection.end();
      const response = await client.response();
      assert.equal(response.body, 'one');
      assert.equal(response.get('connection'), undefined);
      client.write(`GET /2 HTTP/1.1\r\n${HOST}\r\n`);
      const second = await server.exchange();
      assert.notEqual(second.connection, first.connection);
      second.ok('two');
      assert.equal((await client.response()).body, 'two');
    });

    await t.test('pipelined requests are served in order, one at a time (RFC 9112 9.3.2)', async (t) => {
      const client = await open(t);
      const count = 20;
      let all = '';
      for (let i = 0; i < count; i++) {
        all += `POST /${i} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nbody${i % 10}`;
      }
      client.write(all);
      for (let i = 0; i < count; i++) {
        const exchange = await server.exchange();
        assert.equal(exchange.startLine, `POST /${i} HTTP/1.1`);
        assert.equal(await exchange.body(), `body${i % 10}`);
        assert.equal(server.hasRequest, false, 'the next one waits for this response');
        exchange.ok(`answer ${i}`);
      }
      for (let i = 0; i < count; i++) assert.equal((await client.response()).body, `answer ${i}`);
    });

    await t.test('more pipelined requests than fit a buffer', async (t) => {
      const client = await open(t);
      const filler = `X-Filler: ${text(3000)}\r\n`;
      client.write(Array.from({ length: 60 }, (_, i) => `GET /${i} HTTP/1.1\r\n${HOST}${filler}\r\n`).join(''));
      for (let i = 0; i < 60; i++) {
        const exchange = await server.exchange();
        assert.equal(exchange.startLine, `GET /${i} HTTP/1.1`);
        assertSameText(exchange.get('x-filler')!, text(3000));
        exchange.ok(`${i}`);
        assert.equal((await client.response()).body, `${i}`);
      }
    });

    await t.test('a request that comes byte by byte', async (t) => {
      const client = await open(t);
      await client.writeByteByByte(
        `\r\nPOST /slow HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      );
      const exchange = await server.exchange();
      assert.equal(await exchange.body(), 'abc');
      exchange.ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('a response that comes byte by byte', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      await exchange.connection.writeByteByByte(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX-Sum: 1\r\n\r\n',
      );
      const response = await client.response();
      assert.equal(response.body, 'abcd');
      assert.deepEqual(response.trailers, [['X-Sum', '1']]);
    });

    for (const size of [0, 1, 1000, 40_000, 3_000_000]) {
      await t.test(`bodies of ${size} bytes with a length, both ways`, async (t) => {
        const client = await open(t);
        const body = text(size);
        client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${size}\r\n\r\n${body}`);
        const exchange = await server.exchange();
        assert.equal(exchange.get('content-length'), `${size}`);
        assert.equal(exchange.has('transfer-encoding'), false);
        assertSameText(await exchange.body(), body);
        exchange.ok(text(size, 2));
        const response = await client.response();
        assert.equal(response.framing, 'length');
        assertSameText(response.body, text(size, 2));
      });

      await t.test(`bodies of ${size} bytes in chunks, both ways`, async (t) => {
        const client = await open(t);
        client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${inChunks(text(size))}0\r\n\r\n`);
        const exchange = await server.exchange();
        assert.equal(exchange.get('transfer-encoding'), 'chunked');
        assert.equal(exchange.has('content-length'), false);
        assertSameText(await exchange.body(), text(size));
        exchange.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks(text(size, 2))}0\r\n\r\n`);
        const response = await client.response();
        assert.equal(response.framing, 'chunked');
        assertSameText(response.body, text(size, 2));
      });

      await t.test(`a body of ${size} bytes until the server closes becomes chunks`, async (t) => {
        const client = await open(t);
        client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
        const exchange = await server.exchange();
        exchange.send(`HTTP/1.0 200 OK\r\n\r\n${text(size)}`);
        exchange.connection.end();
        const response = await client.response();
        assert.equal(response.framing, 'chunked');
        assertSameText(response.body, text(size));
        client.write(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
        (await server.exchange()).ok('next');
        assert.equal((await client.response()).body, 'next');
      });
    }

    await t.test('HTTP/1.0: the response has a length or ends with the connection, never chunks', async (t) => {
      for (const framing of ['length', 'chunked', 'close']) {
        const client = await open(t);
        client.write('GET /old HTTP/1.0\r\n\r\n');
        const exchange = await server.exchange();
        assert.equal(exchange.startLine, 'GET /old HTTP/1.1');
        assert.ok(exchange.get('host'), 'HTTP/1.1 requires a Host');
        const body = text(50_000);
        if (framing === 'length') exchange.ok(body);
        else if (framing === 'chunked') {
          exchange.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks(body)}0\r\nX-Sum: 1\r\n\r\n`);
        } else {
          exchange.send(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${body}`);
          exchange.connection.end();
        }
        const response = await client.response();
        assert.equal(response.framing, framing === 'length' ? 'length' : 'close');
        assertSameText(response.body, body);
        assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
      }
    });

    await t.test('HTTP/1.0 with keep-alive is kept alive, and told so (RFC 9112 C.2.2)', async (t) => {
      const client = await open(t);
      for (let i = 0; i < 3; i++) {
        client.write(`GET /${i} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
        (await server.exchange()).ok(`${i}`);
        const response = await client.response();
        assert.equal(response.get('connection')?.toLowerCase(), 'keep-alive');
        assert.equal(response.body, `${i}`);
      }
    });

    await t.test('an HTTP/1.0 server’s connection is not used again, unless it says so', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const first = await server.exchange();
      first.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
      assert.equal((await client.response()).body, 'ok');
      assert.equal((await first.connection.ending()).how, 'end');
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const second = await server.exchange();
      second.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok');
      assert.equal((await client.response()).body, 'ok');
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const third = await server.exchange();
      assert.equal(third.connection, second.connection);
      third.ok();
      assert.equal((await client.response()).body, 'ok');
    });

    await t.test('trailers are passed on in both directions (RFC 9112 7.1.2)', async (t) => {
      const client = await open(t);
      client.write(
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-More: 8\r\n\r\n`,
      );
      const exchange = await server.exchange();
      const { body, trailers } = await exchange.wholeBody();
      assert.equal(body, 'abc');
      assert.deepEqual(trailers, [
        ['X-Sum', '7'],
        ['X-More', '8'],
      ]);
      exchange.send(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Back\r\n\r\n2\r\nhi\r\n0\r\nX-Back: 9\r\n\r\n',
      );
      const response = await client.response();
      assert.equal(response.body, 'hi');
      assert.deepEqual(response.trailers, [['X-Back', '9']]);
    });

    await t.test('a response whose trailers are wrong is broken off, and none follows it', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const { connection } = await server.exchange();
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nHost: b\r\n\r\n');
      const { rest } = await client.ending();
      assert.deepEqual(rest.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200']);
      assert.ok(rest.endsWith('2\r\nhi\r\n0\r\n'), rest);
    });

    await t.test('chunk extensions do no harm (RFC 9112 7.1.1)', async (t) => {
      const client = await open(t);
      client.write(
        `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3;a=1;b="x y"\r\nabc\r\n0;last\r\n\r\n`,
      );
      const exchange = await server.exchange();
      assert.equal(await exchange.body(), 'abc');
      exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;c=3\r\nhi\r\n0\r\n\r\n');
      assert.equal((await client.response()).body, 'hi');
    });

    await t.test('Expect: 100-continue is passed on, and so is the 100 (RFC 9110 10.1.1)', async (t) => {
      const client = await open(t);
      client.write(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n`);
      const exchange = await server.exchange();
      assert.equal(exchange.get('expect')?.toLowerCase(), '100-continue');
      exchange.send('HTTP/1.1 100 Continue\r\n\r\n');
      assert.equal((await client.response()).status, 100);
      client.write('data');
      assert.equal(await exchange.body(), 'data');
      exchange.ok('thanks');
      assert.equal((await client.response()).body, 'thanks');
    });

    await t.test('a client that does not wait for the 100 is served all the same', async (t) => {
      const client = await open(t);
      client.write(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nExpect: 100-continue\r\n\r\ndata`);
      const exchange = await server.exchange();
      assert.equal(await exchange.body(), 'data');
      exchange.ok('thanks');
      assert.equal((await client.response()).body, 'thanks');
    });

    await t.test('a final status instead of 100: the client gets it and the connection ends', async (t) => {
      const client = await open(t);
      client.write(`PUT / HTTP/1.1\r\n${HOST}Content-Length: 400000\r\nExpect: 100-continue\r\n\r\n`);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 3\r\n\r\nno\n');
      const response = await client.response();
      assert.equal(response.status, 417);
      assert.equal(response.get('connection'), 'close');
      assert.equal((await client.ending()).how, 'end');
      await exchange.connection.ending();
    });

    await t.test('1xx responses are passed on before the final one (RFC 9110 15.2)', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
      const early = await client.response();
      assert.equal(early.status, 103);
      assert.equal(early.get('link'), '</a.css>; rel=preload');
      exchange.send('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n');
      exchange.ok('final');
      assert.equal((await client.response()).status, 102);
      assert.equal((await client.response()).status, 103);
      assert.equal((await client.response()).body, 'final');
    });

    await t.test('an HTTP/1.0 client never sees a 1xx', async (t) => {
      const client = await open(t);
      client.write('GET / HTTP/1.0\r\n\r\n');
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 103 Early Hints\r\n\r\n');
      exchange.ok('final');
      assert.equal((await client.response()).body, 'final');
    });

    await t.test('HEAD: the length is told, no body follows (RFC 9110 9.3.2)', async (t) => {
      const client = await open(t);
      client.write(`HEAD /1 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const response = await client.response('HEAD');
      assert.equal(response.get('content-length'), '1000');
      client.write(`HEAD /2 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      assert.equal((await client.response('HEAD')).status, 200);
      client.write(`GET /3 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).ok('three');
      assert.equal((await client.response()).body, 'three');
    });

    await t.test('204 and 304 have no body, whatever their fields say (RFC 9112 6.3)', async (t) => {
      const client = await open(t);
      client.write(`GET /1 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 204 No Content\r\n\r\n');
      const none = await client.response();
      assert.equal(none.status, 204);
      assert.equal(none.get('content-length'), undefined, 'RFC 9110 8.6: not with 204');
      client.write(`GET /2 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: "x"\r\n\r\n');
      const unchanged = await client.response();
      assert.equal(unchanged.status, 304);
      assert.equal(unchanged.get('etag'), '"x"');
      client.write(`GET /3 HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).ok('three');
      assert.equal((await client.response()).body, 'three');
    });

    await t.test('an early response while the body is still coming reaches the client at once', async (t) => {
      const client = await open(t);
      client.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\nfirst part`);
      const exchange = await server.exchange();
      await exchange.connection.bytes(10);
      exchange.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n');
      const response = await client.response();
      assert.equal(response.status, 403);
      assert.equal(response.body, 'no\n');
      assert.equal(response.get('connection'), 'close');
      assert.equal((await client.ending()).how, 'end');
    });

    await t.test('both bodies at the same time: an echo before the request is over', async (t) => {
      const client = await open(t);
      client.write(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const head = await client.head();
      assert.equal(head.startLine, 'HTTP/1.1 200 OK');
      for (let i = 0; i < 10; i++) {
        client.write('5\r\nhello\r\n');
        assert.equal(await exchange.connection.until('hello\r\n'), '5\r\nhello\r\n');
        exchange.send('5\r\nworld\r\n');
        assert.equal(await client.until('world\r\n'), '5\r\nworld\r\n');
      }
      client.write('0\r\n\r\n');
      assert.equal(await exchange.connection.until('0\r\n\r\n'), '0\r\n\r\n');
      exchange.send('0\r\n\r\n');
      assert.equal(await client.until('0\r\n\r\n'), '0\r\n\r\n');
      assert.ok(head.fields.some(([name, value]) => name === 'Connection' && value === 'close'));
      assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
    });

    await t.test('Max-Forwards of OPTIONS and TRACE (RFC 9110 7.6.2)', async (t) => {
      const client = await open(t);
      client.write(`TRACE / HTTP/1.1\r\n${HOST}Max-Forwards: 10\r\n\r\n`);
      const exchange = await server.exchange();
      assert.equal(exchange.get('max-forwards'), '09');
      exchange.ok();
      assert.equal((await client.response()).status, 200);
      client.write(`OPTIONS * HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`);
      assert.equal((await client.response()).status, 200);
      client.write(`TRACE / HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`);
      assert.equal((await client.response()).status, 501);
      assert.equal(server.hasRequest, false);
      client.write(`GET / HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`);
      (await server.exchange()).ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('a TRACE with content is refused (RFC 9110 9.3.8)', async (t) => {
      for (const body of ['Content-Length: 3\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n']) {
        const client = await open(t);
        client.write(`TRACE / HTTP/1.1\r\n${HOST}${body}`);
        assert.equal((await client.response()).status, 400);
        assert.equal(server.hasRequest, false);
      }
    });

    await t.test('empty lines before a request are skipped (RFC 9112 2.2)', async (t) => {
      const client = await open(t);
      client.write(`\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).ok();
      assert.equal((await client.response()).status, 200);
      client.write(`\r\nGET / HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('reason phrases and unknown status codes are passed on', async (t) => {
      const client = await open(t);
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 299 Quite Fine, Thanks\r\nContent-Length: 0\r\n\r\n');
      assert.equal((await client.response()).startLine, 'HTTP/1.1 299 Quite Fine, Thanks');
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      (await server.exchange()).send('HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n');
      assert.equal((await client.response()).status, 500);
    });
  });
}

/** Chunks of uneven sizes, without the last one. */
function inChunks(body: string): string {
  let out = '';
  let size = 1;
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, at + size);
    out += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
    at += size;
    size = (size * 7 + 3) % 70_000;
  }
  return out;
}
