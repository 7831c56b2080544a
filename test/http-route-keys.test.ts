/** Keys of routes that leave more to servers, or less: claims that pass, an Upgrade that does not, a body's size, no answer at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINES, engineSkip, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';

for (const engine of ENGINES) {
  test(
    `[${engine}] forwarded: pass, close, upgrade, limits, headers.success, a host by expression`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const server = await RawServer.start(t);
      await Evenkeel.start(
        t,
        `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    forwarded: pass
    routes:
      - { match: { path: /close }, close: true }
      - { match: { host: { regex: '^shop[0-9]+[.]' } }, respond: { body: shop } }
      - match: { path: /host }
        upstream: web
        headers: { request: { set: { Host: fixed.example, X-For: "{forwarded-for}" } } }
      - match: { path: /small }
        upstream: web
        limits: { body: 3 }
        upgrade: false
        headers: { success: { add: { X-Ok: "{path}" } }, response: { add: { X-All: all } } }
upstreams:
  web: { servers: [ "127.0.0.1:${server.port}" ] }
`,
        { engine, workers: 1 },
      );
      const client = await RawConnection.open(t, port);
      const respond = async (head: string): Promise<string> => {
        const exchange = await server.exchange();
        exchange.send(`${head}\r\nContent-Length: 0\r\n\r\n`);
        return [exchange.startLine, ...exchange.fields.map(([name, value]) => `${name}: ${value}`)].join('\n');
      };

      client.write(
        'GET http://absolute.example/host HTTP/1.1\r\nHost: absolute.example\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
      );
      const seen = await respond('HTTP/1.1 200 OK');
      assert.equal((await client.response()).status, 200);
      assert.equal(
        seen,
        'GET /host HTTP/1.1\nX-Real-IP: 6.6.6.6\nX-Forwarded-For: 6.6.6.6\nHost: fixed.example\nX-For: 6.6.6.6, 127.0.0.1',
      );

      for (const [status, isSuccess] of [
        [200, true],
        [404, false],
        [304, true],
        [500, false],
      ] as const) {
        client.write('GET /small HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
        assert.doesNotMatch(await respond(`HTTP/1.1 ${status} Status`), /upgrade/i);
        const response = await client.response();
        assert.equal(response.get('X-All'), 'all');
        assert.equal(response.get('X-Ok'), isSuccess ? '/small' : undefined, String(status));
      }

      client.write('GET / HTTP/1.1\r\nHost: shop12.example\r\n\r\n');
      assert.equal((await client.response()).body, 'shop');
      client.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
      assert.equal((await client.response()).status, 404);
      client.write('POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd');
      assert.equal((await client.response()).status, 413);

      const closed = await RawConnection.open(t, port);
      closed.write('GET /close HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await closed.ending()).rest, '');
    },
  );
}

for (const engine of ENGINES) {
  test(
    `[${engine}] rules about methods and fields hold for what servers take for the same; odd-fields: drop`,
    engineSkip(engine),
    async (t) => {
      const [port, strictPort] = [await freePort(), await freePort()];
      const server = await RawServer.start(t);
      await Evenkeel.start(
        t,
        `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /m, method: POST }, respond: { status: 403 } }
      - { match: { path: /f, header: { X-Debug: true } }, respond: { status: 403 } }
      - { upstream: web }
  strict: { bind: "127.0.0.1:${strictPort}", odd-fields: drop, routes: [{ upstream: web }] }
upstreams:
  web: { servers: [ "127.0.0.1:${server.port}" ] }
`,
        { engine, workers: 1 },
      );
      const statusOf = async (line: string, field: string): Promise<number> => {
        const client = await RawConnection.open(t, port);
        client.write(`${line} HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`);
        return (await client.response()).status;
      };
      assert.equal(await statusOf('POST /m', 'Content-Length: 0'), 403);
      for (const method of ['post', 'Post', 'pOST'])
        assert.equal(await statusOf(`${method} /m`, 'Content-Length: 0'), 400);
      assert.equal(await statusOf('GET /f', 'X-Debug: 1'), 403);
      for (const field of ['X_Debug: 1', 'X.Debug: 1', 'x_debug:'])
        assert.equal(await statusOf('GET /f', field), 400, field);

      const client = await RawConnection.open(t, strictPort);
      client.write('GET / HTTP/1.1\r\nHost: a\r\nX_User: root\r\nX.User: root\r\nX-User: a\r\n\r\n');
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 204 No Content\r\n\r\n');
      assert.equal((await client.response()).status, 204);
      const names = exchange.fields.map(([name]) => name).filter((name) => /user/i.test(name));
      assert.deepEqual(names, ['X-User']);
    },
  );
}

for (const engine of ENGINES) {
  test(`[${engine}] a target made of values, and one that cannot be made`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await RawServer.start(t);
    await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    limits: { head: 64KiB }
    routes:
      - match: { path: /all/ }
        upstream: web
        rewrite: { target: "/v2/{header:X-Part}/{method}?from={client}" }
        headers: { response: { add: { X-Was: "{decoded-path}" } } }
      - match: { path: /alone/ }
        upstream: web
        rewrite: { target: "{decoded-path}?user={cookie:user}?" }
      - steps: [ { rewrite: { regex: ^/long, to: "/{header:X-Part}{header:X-Part}{header:X-Part}" } } ]
      - upstream: web
upstreams:
  web: { servers: [ "${server.address}" ] }
`,
      { engine },
    );
    const client = await RawConnection.open(t, port);
    const sent = async (target: string, ...fields: string[]): Promise<readonly [string, string | undefined]> => {
      client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      return [exchange.startLine, (await client.response()).get('x-was')];
    };
    assert.deepEqual(await sent('/all/x?q=1', 'X-Part: a b'), [
      'GET /v2/a%20b/GET?from=127.0.0.1&q=1 HTTP/1.1',
      '/all/x',
    ]);
    assert.deepEqual(await sent('/alone/x%20y?q=1', 'Cookie: user=me'), [
      'GET /alone/x%20y?user=me HTTP/1.1',
      undefined,
    ]);
    client.write('GET /all/x HTTP/1.1\r\nHost: a\r\nX-Part: ../..\r\n\r\n');
    assert.equal((await client.response()).status, 500);
    client.write(`GET /long HTTP/1.1\r\nHost: a\r\nX-Part: ${'x'.repeat(30_000)}\r\n\r\n`);
    assert.equal((await client.response()).status, 500);
    assert.equal((await sent('/plain'))[0], 'GET /plain HTTP/1.1');
  });
}
