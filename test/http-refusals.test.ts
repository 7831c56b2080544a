/**
 * What is refused because two programs could read it in two ways (RFC 9112 section 11.2, request smuggling): answered with
 * the right status, the connection closed, and nothing of it forwarded.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';

const GET = 'GET / HTTP/1.1\r\n';
const POST = 'POST / HTTP/1.1\r\n';
const HOST = 'Host: a\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
/** What an attacker wants to get past the proxy. */
const SMUGGLED = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

/** Refused with the head alone: nothing reaches the server. */
const HEADS: readonly (readonly [what: string, status: number, request: string])[] = [
  [
    'Content-Length and Transfer-Encoding',
    400,
    `${POST}${HOST}Content-Length: 4\r\n${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  ['Transfer-Encoding and Content-Length', 400, `${POST}${HOST}${CHUNKED}Content-Length: 4\r\n\r\n0\r\n\r\n`],
  ['two Content-Lengths that differ', 400, `${POST}${HOST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`],
  ['two Content-Lengths that agree', 400, `${POST}${HOST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`],
  ['a list of Content-Lengths', 400, `${POST}${HOST}Content-Length: 4, 4\r\n\r\nabcd`],
  ['Content-Length: +4', 400, `${POST}${HOST}Content-Length: +4\r\n\r\nabcd`],
  ['Content-Length: -1', 400, `${POST}${HOST}Content-Length: -1\r\n\r\n`],
  ['Content-Length: 0x4', 400, `${POST}${HOST}Content-Length: 0x4\r\n\r\nabcd`],
  ['Content-Length: 4.0', 400, `${POST}${HOST}Content-Length: 4.0\r\n\r\nabcd`],
  ['Content-Length: 1 2', 400, `${POST}${HOST}Content-Length: 1 2\r\n\r\nabcd`],
  ['an empty Content-Length', 400, `${POST}${HOST}Content-Length:\r\n\r\n`],
  ['a Content-Length beyond 2^64', 400, `${POST}${HOST}Content-Length: 18446744073709551617\r\n\r\na`],
  ['Transfer-Encoding: xchunked', 400, `${POST}${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding: gzip, chunked', 501, `${POST}${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked, identity', 400, `${POST}${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding: identity', 400, `${POST}${HOST}Transfer-Encoding: identity\r\n\r\n`],
  ['Transfer-Encoding: chunked, chunked', 400, `${POST}${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  ['two Transfer-Encodings', 400, `${POST}${HOST}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n`],
  ['Transfer-Encoding : chunked', 400, `${POST}${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding with a vertical tab', 400, `${POST}${HOST}Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding with a NUL', 400, `${POST}${HOST}Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n`],
  ['an empty Transfer-Encoding', 400, `${POST}${HOST}Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n`],
  ['Transfer_Encoding: chunked', 400, `${POST}${HOST}Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding in HTTP/1.0', 400, `POST / HTTP/1.0\r\n${CHUNKED}\r\n0\r\n\r\n`],
  ['a bare LF after the request line', 400, `GET / HTTP/1.1\n${HOST}\r\n`],
  ['a bare LF after a field', 400, `${GET}Host: a\n\r\n`],
  ['a bare LF as the empty line', 400, `${GET}${HOST}\n`],
  ['a bare CR in a value', 400, `${GET}${HOST}X: a\rb\r\n\r\n`],
  ['a bare CR before a field', 400, `${GET}${HOST}\rX: a\r\n\r\n`],
  ['a CR CR LF', 400, `${GET}${HOST}X: a\r\r\n\r\n`],
  ['a folded field', 400, `${GET}${HOST}X: a\r\n b\r\n\r\n`],
  ['a folded field with a tab', 400, `${GET}${HOST}X: a\r\n\tb\r\n\r\n`],
  ['whitespace before the first field', 400, `${GET} ${HOST}\r\n`],
  ['whitespace before a colon', 400, `${GET}Host : a\r\n\r\n`],
  ['a tab before a colon', 400, `${GET}${HOST}X\t: a\r\n\r\n`],
  ['a field without colon', 400, `${GET}${HOST}nonsense\r\n\r\n`],
  ['a field without name', 400, `${GET}${HOST}: nonsense\r\n\r\n`],
  ['a field name with a space', 400, `${GET}${HOST}X Y: a\r\n\r\n`],
  ['a field name with a byte above 127', 400, `${GET}${HOST}X\xe9: a\r\n\r\n`],
  ['a field name with a NUL', 400, `${GET}${HOST}X\0: a\r\n\r\n`],
  ['a NUL in a value', 400, `${GET}${HOST}X: a\0b\r\n\r\n`],
  ['a control byte in a value', 400, `${GET}${HOST}X: a\x01b\r\n\r\n`],
  ['a DEL in a value', 400, `${GET}${HOST}X: a\x7fb\r\n\r\n`],
  ['no Host', 400, `${GET}\r\n`],
  ['two Hosts', 400, `${GET}${HOST}${HOST}\r\n`],
  ['two different Hosts', 400, `${GET}${HOST}Host: b\r\n\r\n`],
  ['a Host with a path', 400, `${GET}Host: a/b\r\n\r\n`],
  ['a Host with user information', 400, `${GET}Host: user@a\r\n\r\n`],
  ['a Host with a space', 400, `${GET}Host: a b\r\n\r\n`],
  ['a Host with a comma', 400, `${GET}Host: a, b\r\n\r\n`],
  ['a Host with a bad port', 400, `${GET}Host: a:http\r\n\r\n`],
  ['an absolute form that contradicts Host', 400, `GET http://b/ HTTP/1.1\r\n${HOST}\r\n`],
  ['an absolute form without a scheme known here', 400, `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`],
  ['CONNECT', 501, `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n`],
  ['a target without slash', 400, `GET index.html HTTP/1.1\r\n${HOST}\r\n`],
  ['a target with a fragment', 400, `GET /#x HTTP/1.1\r\n${HOST}\r\n`],
  ['a target with a byte above 127', 400, `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`],
  ['a target with a control byte', 400, `GET /\x01 HTTP/1.1\r\n${HOST}\r\n`],
  ['a target with a tab', 400, `GET /\ta HTTP/1.1\r\n${HOST}\r\n`],
  ['two spaces in the request line', 400, `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  ['a third word in the target', 400, `GET / x HTTP/1.1\r\n${HOST}\r\n`],
  ['a space after the version', 400, `GET / HTTP/1.1 \r\n${HOST}\r\n`],
  ['no version (HTTP/0.9)', 400, `GET /\r\n\r\n`],
  ['HTTP/2.0', 505, `GET / HTTP/2.0\r\n${HOST}\r\n`],
  ['the preface of HTTP/2', 505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['HTTP/1.10', 400, `GET / HTTP/1.10\r\n${HOST}\r\n`],
  ['http/1.1', 400, `GET / http/1.1\r\n${HOST}\r\n`],
  ['a method that is no token', 400, `G(T / HTTP/1.1\r\n${HOST}\r\n`],
  ['a TLS ClientHello', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['Connection naming Host', 400, `${GET}${HOST}Connection: host\r\n\r\n`],
  ['Connection naming Content-Length', 400, `${POST}${HOST}Content-Length: 1\r\nConnection: content-length\r\n\r\na`],
];

/** Refused in the body, when the head has already been passed on: the server must not see a complete request. */
const BODIES: readonly (readonly [what: string, status: number, body: string])[] = [
  ['a chunk size that is no number', 400, `xyz\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with 0x', 400, `0x3\r\nabc\r\n0\r\n\r\n`],
  ['a negative chunk size', 400, `-3\r\nabc\r\n0\r\n\r\n`],
  ['an empty chunk size', 400, `\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size beyond 2^64', 400, `10000000000000003\r\nabc\r\n0\r\n\r\n`],
  ['a space before the chunk size', 400, ` 3\r\nabc\r\n0\r\n\r\n`],
  ['a bare LF after the chunk size', 400, `3\nabc\r\n0\r\n\r\n`],
  ['a bare CR after the chunk size', 400, `3\rabc\r\n0\r\n\r\n`],
  ['a bare LF after the data', 400, `3\r\nabc\n0\r\n\r\n`],
  ['more data than the chunk size says', 400, `3\r\nabcd\r\n0\r\n\r\n`],
  ['a bare LF in a chunk extension', 400, `3;a\nb\r\nabc\r\n0\r\n\r\n`],
  ['a NUL in a chunk extension', 400, `3;a\0\r\nabc\r\n0\r\n\r\n`],
  ['a control byte in a chunk extension', 400, `3;a="\x01"\r\nabc\r\n0\r\n\r\n`],
  ['an endless chunk extension', 400, `3;${'a'.repeat(10_000)}\r\nabc\r\n0\r\n\r\n`],
  ['a bare LF at the end of the trailers', 400, `3\r\nabc\r\n0\r\n\n`],
  ['a bare LF in the trailers', 400, `3\r\nabc\r\n0\r\nX: a\n\r\n`],
  ['a folded trailer', 400, `3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n`],
  ['a NUL in a trailer', 400, `3\r\nabc\r\n0\r\nX: a\0\r\n\r\n`],
  ['Content-Length in the trailers', 400, `3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n`],
  ['Transfer-Encoding in the trailers', 400, `3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['Host in the trailers', 400, `3\r\nabc\r\n0\r\nHost: b\r\n\r\n`],
  ['too many trailers', 431, `3\r\nabc\r\n0\r\n${'X: aaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(400)}\r\n`],
];

/** Refused of a server: the client gets 502. */
const RESPONSES: readonly (readonly [what: string, response: string])[] = [
  ['Content-Length and Transfer-Encoding', `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n${CHUNKED}\r\n0\r\n\r\n`],
  ['two Content-Lengths that differ', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nwxyz'],
  ['a list of Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nwxyz'],
  ['Content-Length: abc', 'HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nwxyz'],
  ['Transfer-Encoding: gzip', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nwxyz'],
  ['Transfer-Encoding in HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n0\r\n\r\n`],
  ['no status line', 'hello\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of 999', 'HTTP/1.1 999 Odd\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
  ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n'],
  ['whitespace before a colon', 'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n'],
  ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n'],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['a head that never ends', `HTTP/1.1 200 OK\r\n${'X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1000)}`],
  ['the end of the connection within the head', 'HTTP/1.1 200 OK\r\nContent-'],
  ['nothing', ''],
];

for (const engine of ENGINES) {
  test(`[${engine}] ambiguous HTTP is refused`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    for (const [what, status, request] of HEADS) {
      await t.test(`a request with ${what}: ${status}`, async (t) => {
        const client = await RawConnection.open(t, port);
        client.write(request);
        const response = await client.response();
        assert.equal(response.status, status);
        assert.equal(response.get('connection'), 'close');
        assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
        assert.equal(server.connections.length, 0, 'nothing is forwarded');
      });
    }

    await t.test('a refused head that comes byte by byte is refused as well', async (t) => {
      const client = await RawConnection.open(t, port);
      await client.writeByteByByte(`${POST}${HOST}Content-Length: 4\r\n${CHUNKED}\r\n`);
      assert.equal((await client.response()).status, 400);
      assert.equal((await client.ending()).how, 'end');
      assert.equal(server.connections.length, 0);
    });

    for (const [what, status, body] of BODIES) {
      await t.test(`a request body with ${what}: ${status}`, async (t) => {
        server.forget();
        const client = await RawConnection.open(t, port);
        client.write(`${POST}${HOST}${CHUNKED}\r\n${body}${SMUGGLED}`);
        const response = await client.response();
        assert.equal(response.status, status);
        assert.deepEqual(await client.ending(), { how: 'end', rest: '' });
        // whether the head was sent or not: the server never has a whole request
        for (const connection of server.connections) {
          const { rest } = await connection.ending();
          assert.ok(!/0\r\n(.*\r\n)*\r\n$/.test(rest), JSON.stringify(rest));
          assert.ok(!rest.includes('/admin'));
        }
      });

      await t.test(`a response body with ${what}: the client can tell`, async (t) => {
        if (what === 'too many trailers') return;
        server.forget();
        const client = await RawConnection.open(t, port);
        client.write(`${GET}${HOST}Connection: close\r\n\r\n`);
        const exchange = await server.exchange();
        exchange.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n${body}`);
        const { rest } = await client.ending();
        if (!rest.startsWith('HTTP/1.1 502 ')) {
          assert.match(rest, /^HTTP\/1\.1 200 OK\r\n/);
          assert.ok(!/\r\n0\r\n(.*\r\n)*\r\n$/.test(rest), JSON.stringify(rest));
        }
        await exchange.connection.ending();
      });
    }

    for (const [what, bytes] of RESPONSES) {
      await t.test(`a response with ${what}: 502`, async (t) => {
        server.forget();
        const client = await RawConnection.open(t, port);
        client.write(`${POST}${HOST}Content-Length: 0\r\nConnection: close\r\n\r\n`);
        const exchange = await server.exchange();
        exchange.send(bytes);
        exchange.connection.end();
        const response = await client.response();
        assert.equal(response.status, 502);
        assert.doesNotMatch(response.body, /wxyz/);
        await exchange.connection.ending();
      });
    }

    await t.test('bytes behind a response do not become the next one', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`${GET}${HOST}\r\n`);
      const first = await server.exchange();
      first.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
      assert.equal((await client.response()).body, 'ok');
      await first.connection.ending();
      client.write(`${GET}${HOST}\r\n`);
      const second = await server.exchange();
      assert.notEqual(second.connection, first.connection);
      second.ok('clean');
      assert.equal((await client.response()).body, 'clean');
    });

    await t.test('bytes that a server sends unasked do not become the next response', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`${GET}${HOST}\r\n`);
      const first = await server.exchange();
      first.ok('one');
      assert.equal((await client.response()).body, 'one');
      first.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
      await first.connection.ending();
      client.write(`${GET}${HOST}\r\n`);
      const second = await server.exchange();
      assert.notEqual(second.connection, first.connection);
      second.ok('two');
      assert.equal((await client.response()).body, 'two');
    });

    await t.test('an upgrade to h2c is not passed on', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(
        `${GET}${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
      );
      const exchange = await server.exchange();
      for (const name of ['upgrade', 'http2-settings', 'connection']) assert.equal(exchange.has(name), false, name);
      exchange.ok();
      assert.equal((await client.response()).status, 200);
    });
  });
}
