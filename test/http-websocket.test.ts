/** Upgrade as a tunnel (RFC 9110 section 7.8), with a WebSocket library on both sides and by hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer, text } from './raw.ts';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Mine: 1\r\n\r\n';

function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
}

for (const engine of ENGINES) {
  test(`[${engine}] Upgrade`, engineSkip(engine), async (t) => {
    const [port, shortPort] = [await freePort(), await freePort()];
    const server = await RawServer.start(t);
    const web = http.createServer((_request, response) => response.end('plain'));
    const sockets = new WebSocketServer({ server: web });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    t.after(() => {
      sockets.close();
      web.close();
      web.closeAllConnections();
    });
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    timeouts: { head: 1500ms, idle: 1500ms, body: 1500ms }
    routes:
      - { match: { path: /ws }, upstream: raw, timeout: 1500ms }
      - { upstream: web }
  short: { bind: "127.0.0.1:${shortPort}", routes: [ { upstream: short } ] }
upstreams:
  web: { servers: [ "127.0.0.1:${(web.address() as net.AddressInfo).port}" ] }
  raw: { servers: [ "${server.address}" ], timeouts: { response: 1500ms } }
  short: { servers: [ "${server.address}" ], timeouts: { tunnel: 1s } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });

    await t.test('a WebSocket library talks through: texts, binary, pings, close codes', async () => {
      sockets.once('connection', echo);
      const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
      await once(socket, 'open');
      const exchange = async (data: string | Buffer): Promise<Buffer> => {
        const answer = once(socket, 'message');
        socket.send(data);
        return (await answer)[0] as Buffer;
      };
      assert.equal((await exchange('hello')).toString(), 'hello');
      for (const size of [0, 125, 126, 65_535, 65_536, 2_000_000]) {
        const bytes = Buffer.from(text(size));
        assert.ok(bytes.equals(await exchange(bytes)), `${size} bytes`);
      }
      const pong = once(socket, 'pong');
      socket.ping('are you there');
      assert.equal((await pong).toString(), 'are you there');
      const closed = once(socket, 'close');
      socket.close(4001, 'done');
      const [code, reason] = (await closed) as [number, Buffer];
      assert.equal(code, 4001);
      assert.equal(reason.toString(), 'done');
    });

    await t.test(
      'whatever the method, with a body: what follows it before the 101 is the new protocol’s',
      async (t) => {
        const fields = 'Host: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n';
        const bodies = {
          none: ['Content-Length: 0\r\n\r\n', ''],
          length: ['Content-Length: 12\r\n\r\n{"Tty":false', '{"Tty":false'],
          chunked: ['Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'abc'],
        };
        for (const method of ['POST', 'PUT', 'OPTIONS']) {
          for (const [rest, body] of Object.values(bodies)) {
            const client = await RawConnection.open(t, port);
            client.write(`${method} /ws HTTP/1.1\r\n${fields}${rest}early`);
            const exchange = await server.exchange();
            assert.equal(exchange.get('upgrade'), 'tcp');
            assert.equal(exchange.get('connection'), 'upgrade');
            assert.equal(await exchange.body(), body);
            exchange.send('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst');
            assert.match((await client.head()).startLine, / 101 /);
            assert.equal(await client.bytes(5), 'first');
            client.write(' and late');
            assert.equal(await exchange.connection.bytes(14), 'early and late');
            client.reset();
            await exchange.connection.ending();
          }
        }
      },
    );

    await t.test('a server that switches before the end of the request is not believed', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(
        'POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 60000\r\n\r\nabc',
      );
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      assert.equal((await client.response()).status, 502);
      await exchange.connection.ending();
    });

    await t.test('a server that ignores the Upgrade of a POST: what follows is the next request', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(
        'POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 3\r\n\r\nabc',
      );
      const first = await server.exchange();
      assert.equal(await first.body(), 'abc');
      first.ok('no');
      assert.equal((await client.response()).body, 'no');
      client.write('GET /ws HTTP/1.1\r\nHost: a\r\n\r\n');
      const second = await server.exchange();
      assert.equal(second.get('upgrade'), undefined);
      second.ok('next');
      assert.equal((await client.response()).body, 'next');
    });

    await t.test('a message that the server sends first', async () => {
      sockets.once('connection', (socket) => socket.send('welcome'));
      const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
      const [data] = (await once(socket, 'message')) as [Buffer];
      assert.equal(data.toString(), 'welcome');
      socket.terminate();
    });

    await t.test('a hundred of them at the same time', async () => {
      sockets.on('connection', echo);
      const clients = Array.from({ length: 100 }, () => new WebSocket(`ws://127.0.0.1:${port}/chat`));
      const answers = await Promise.all(
        clients.map(async (socket, i) => {
          await once(socket, 'open');
          const answer = once(socket, 'message');
          socket.send(`I am ${i}`);
          return String((await answer)[0]);
        }),
      );
      answers.forEach((answer, i) => assert.equal(answer, `I am ${i}`));
      for (const socket of clients) socket.terminate();
      sockets.off('connection', echo);
    });

    await t.test('the server sees the Upgrade, the client the 101 with its fields', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(UPGRADE);
      const exchange = await server.exchange();
      assert.equal(exchange.get('connection')?.toLowerCase(), 'upgrade');
      assert.equal(exchange.get('upgrade'), 'websocket');
      assert.ok(exchange.get('sec-websocket-key'));
      exchange.send(SWITCHING);
      const response = await client.response();
      assert.equal(response.status, 101);
      assert.equal(response.get('connection')?.toLowerCase(), 'upgrade');
      assert.equal(response.get('upgrade'), 'websocket');
      assert.equal(response.get('x-mine'), '1');
      client.reset();
      await exchange.connection.ending();
    });

    await t.test('bytes behind the request and behind the 101 are not lost', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(`${UPGRADE}early from client`);
      const exchange = await server.exchange();
      exchange.send(`${SWITCHING}early from server`);
      assert.equal((await client.response()).status, 101);
      assert.equal(await client.bytes(17), 'early from server');
      assert.equal(await exchange.connection.bytes(17), 'early from client');
      client.reset();
      await exchange.connection.ending();
    });

    await t.test('in the tunnel each side ends for itself (half-close)', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(UPGRADE);
      const exchange = await server.exchange();
      exchange.send(SWITCHING);
      await client.response();
      client.write('last words');
      client.end();
      assert.deepEqual(await exchange.connection.ending(), { how: 'end', rest: 'last words' });
      exchange.send('heard');
      exchange.connection.end();
      assert.deepEqual(await client.ending(), { how: 'end', rest: 'heard' });
    });

    await t.test('a reset goes through the tunnel in both directions', async (t) => {
      for (const side of ['client', 'server'] as const) {
        const client = await RawConnection.open(t, port);
        client.write(UPGRADE);
        const exchange = await server.exchange();
        exchange.send(SWITCHING);
        await client.response();
        const [here, there] = side === 'client' ? [client, exchange.connection] : [exchange.connection, client];
        here.reset();
        assert.equal((await there.ending()).how, 'reset');
      }
    });

    await t.test('a tunnel is subject to `tunnel` only, not to the timeouts of exchanges', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(UPGRADE);
      const exchange = await server.exchange();
      exchange.send(SWITCHING);
      await client.response();
      await new Promise((resolve) => setTimeout(resolve, 2500));
      client.write('still here');
      assert.equal(await exchange.connection.bytes(10), 'still here');
      client.reset();
    });

    await t.test('silence in both directions ends a tunnel after `tunnel`', async (t) => {
      const client = await RawConnection.open(t, shortPort);
      client.write(UPGRADE);
      const exchange = await server.exchange();
      exchange.send(SWITCHING);
      await client.response();
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        exchange.send('x');
        await client.bytes(1);
      }
      const begun = performance.now();
      assert.equal((await client.ending()).how, 'reset');
      assert.ok(performance.now() - begun > 500);
      await exchange.connection.ending();
    });

    await t.test('a server that does not switch answers as ever, and the connection goes on', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(UPGRADE);
      const exchange = await server.exchange();
      exchange.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      const response = await client.response();
      assert.equal(response.status, 403);
      assert.equal(response.body, 'no');
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response()).body, 'plain');
    });

    await t.test('what a server would change to is said, where it can be: 426 with Upgrade', async (t) => {
      const answers = [
        ['HTTP/1.1', 'Connection: upgrade\r\nUpgrade: websocket\r\n', 'websocket'],
        ['HTTP/1.0', 'Connection: upgrade\r\nUpgrade: websocket\r\n', undefined],
        ['HTTP/1.1', 'Upgrade: websocket\r\n', undefined],
        // as Apache says it to everybody
        ['HTTP/1.1', 'Connection: Upgrade, Keep-Alive\r\nUpgrade: h2,h2c\r\n', undefined],
      ] as const;
      for (const [version, fields, upgrade] of answers) {
        const client = await RawConnection.open(t, port);
        client.write(`GET /ws ${version}\r\nHost: a\r\n\r\n`);
        const exchange = await server.exchange();
        exchange.send(`HTTP/1.1 426 Upgrade Required\r\n${fields}Content-Length: 0\r\n\r\n`);
        const response = await client.response();
        assert.deepEqual([response.status, response.get('upgrade')], [426, upgrade], fields);
        if (upgrade !== undefined) assert.equal(response.get('connection'), 'upgrade');
      }
    });

    await t.test('requests that cannot be upgraded are passed on without Upgrade', async (t) => {
      const requests = {
        'not named in Connection': UPGRADE.replace('Connection: Upgrade\r\n', ''),
        'HTTP/1.0': UPGRADE.replace('HTTP/1.1', 'HTTP/1.0'),
      };
      for (const [why, request] of Object.entries(requests)) {
        const client = await RawConnection.open(t, port);
        client.write(request);
        const exchange = await server.exchange();
        assert.equal(exchange.has('upgrade'), false, why);
        exchange.ok();
        assert.equal((await client.response()).status, 200);
      }
    });
  });
}
