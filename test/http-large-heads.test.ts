/** Heads of up to 64 KiB, in both directions, and what they cost while they wait (docs/limits.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { assertSameText, RawConnection, RawServer, text } from './raw.ts';

const MAX = 64 * 1024;
/** What a listener takes that says nothing. */
const USUAL = 16 * 1024;

/** A GET whose head has `bytes` bytes. */
function request(bytes: number, path = '/'): string {
  return padded(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Negotiate `, bytes);
}

function padded(before: string, bytes: number): string {
  return `${before}${text(bytes - before.length - 4)}\r\n\r\n`;
}

function ticketOf(head: string): string {
  return /Negotiate ([^\r]*)/.exec(head)![1];
}

/** Sizes around which something changes: a receive buffer's, those of the slots, the most that there may be. */
const SIZES = [1800, 2048, 3000, 7900, 8192, 20_000, 31_000, 32 * 1024, 33_000, 50_000, MAX - 1, MAX];

for (const engine of ENGINES) {
  test(`[${engine}] large heads`, engineSkip(engine), async (t) => {
    const [port, usualPort] = [await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const yaml = `
listeners:
  large:
    bind: "127.0.0.1:${port}"
    limits: { head: 64KiB }
    routes:
      - { match: { path: /moved }, redirect: { to: "http://b{uri}" } }
      - { match: { path: /old/ }, upstream: web, rewrite: { prefix: /new/ } }
      - upstream: web
  usual: { bind: "127.0.0.1:${usualPort}", routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ "${server.address}" ] }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    await t.test('a request arrives whole, whatever its size and however it comes', async (t) => {
      const client = await RawConnection.open(t, port);
      for (const size of SIZES) {
        for (const pieceBytes of [size, 1000, 9000, 40_000]) {
          const head = request(size);
          for (let at = 0; at < size; at += pieceBytes) {
            client.write(head.slice(at, at + pieceBytes));
            await client.delivered();
          }
          const exchange = await server.exchange();
          assertSameText(exchange.get('authorization')!.slice('Negotiate '.length), ticketOf(head));
          exchange.ok();
          assert.equal((await client.response()).body, 'ok');
        }
      }
    });

    await t.test('so do its body and the requests behind it', async (t) => {
      const client = await RawConnection.open(t, port);
      const body = text(100_000, 2);
      const post = padded(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nX: `, MAX);
      client.write(`${post}${body}${request(MAX)}${request(100)}`);
      for (const expected of [body, '', '']) {
        const exchange = await server.exchange();
        assertSameText(await exchange.body(), expected);
        exchange.ok(`${expected.length}`);
        assert.equal((await client.response()).body, `${expected.length}`);
      }
    });

    await t.test('a try that failed is repeated with all of it', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(request(100));
      (await server.exchange()).ok();
      await client.response();
      client.write(request(MAX));
      const first = await server.exchange();
      // closed as if it had been idle for too long
      first.connection.socket.destroy();
      const second = await server.exchange();
      assertSameText(second.get('authorization')!, first.get('authorization')!);
      second.ok();
      assert.equal((await client.response()).status, 200);
    });

    await t.test('more is refused: 431, and 414 where it is the request line', async (t) => {
      for (const [head, status, to] of [
        [request(MAX + 1), 431, port],
        [request(MAX).slice(0, -4) + 'x'.repeat(100), 431, port],
        [`GET /${'x'.repeat(MAX)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, port],
        [request(USUAL + 1), 431, usualPort],
      ] as const) {
        const client = await RawConnection.open(t, to);
        client.write(head);
        assert.equal((await client.response()).status, status);
      }
    });

    await t.test('a long target is rewritten, and redirected', async (t) => {
      const client = await RawConnection.open(t, port);
      const long = 'x'.repeat(20_000);
      client.write(`GET /old/${long} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const exchange = await server.exchange();
      assertSameText(exchange.startLine, `GET /new/${long} HTTP/1.1`);
      exchange.ok();
      await client.response();
      const longest = 'y'.repeat(MAX - 100);
      client.write(`GET /moved?${longest} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.response();
      assertSameText(answer.get('location')!, `http://b/moved?${longest}`);
    });

    await t.test('a response arrives whole, with its body', async (t) => {
      const client = await RawConnection.open(t, usualPort);
      for (const size of SIZES) {
        for (const framing of ['length', 'chunked', 'none'] as const) {
          const body = text(framing === 'none' ? 0 : 50_000, 3);
          const fields = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
          const head = padded(`HTTP/1.1 200 OK\r\n${fields}\r\nSet-Cookie: `, size);
          client.write(request(100));
          const exchange = await server.exchange();
          exchange.send(head + (framing === 'chunked' ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body));
          const response = await client.response();
          assertSameText(response.get('set-cookie')!, /Set-Cookie: ([^\r]*)/.exec(head)![1]);
          assertSameText(response.body, body);
        }
      }
    });

    await t.test('a response with a larger head: 502', async (t) => {
      const client = await RawConnection.open(t, usualPort);
      client.write(request(100));
      (await server.exchange()).send(padded('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ', MAX + 1));
      assert.equal((await client.response()).status, 502);
    });

    await t.test('a switch to another protocol', async (t) => {
      const client = await RawConnection.open(t, port);
      const upgrade = 'Connection: Upgrade\r\nUpgrade: other\r\n';
      client.write(padded(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade}X: `, MAX));
      const exchange = await server.exchange();
      exchange.send(`${padded(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}X: `, MAX)}${text(40_000)}`);
      assert.equal((await client.response()).status, 101);
      assertSameText(await client.bytes(40_000), text(40_000));
    });
  });
}
