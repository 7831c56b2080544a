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
