/** TCP listeners: bytes both ways, ends and resets passed on, other servers tried, nothing held for the slow. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connect, endOf, engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { assertSameText, RawConnection, RawServer, silentPort, text } from './raw.ts';

const MIB = 1024 * 1024;

for (const engine of ENGINES) {
  test(`[${engine}] TCP relay`, engineSkip(engine), async (t) => {
    const ports = await Promise.all(Array.from({ length: 8 }, freePort));
    const [port, downPort, retryPort, silent, idlePort, narrowPort, nobodyPort, sourcePort] = ports;
    const server = await RawServer.start(t);
    const closed = await freePort();
    const hanging = await silentPort(t);
    const yaml = `
listeners:
  tcp: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: tcp }
  down: { bind: "127.0.0.1:${downPort}", protocol: tcp, upstream: down }
  retry: { bind: "127.0.0.1:${retryPort}", protocol: tcp, upstream: retry }
  silent: { bind: "127.0.0.1:${silent}", protocol: tcp, upstream: silent }
  idle: { bind: "127.0.0.1:${idlePort}", protocol: tcp, upstream: idle }
  narrow: { bind: "127.0.0.1:${narrowPort}", protocol: tcp, upstream: narrow }
  nobody: { bind: "127.0.0.1:${nobodyPort}", protocol: tcp, upstream: nobody }
  source: { bind: "127.0.0.1:${sourcePort}", protocol: tcp, upstream: source }
upstreams:
  tcp: { servers: [ "${server.address}" ] }
  down: { servers: [ "127.0.0.1:${closed}" ] }
  retry: { servers: [ "127.0.0.1:${closed}", "127.0.0.2:${closed}", "${server.address}" ] }
  silent: { servers: [ "127.0.0.1:${hanging}", "${server.address}" ], timeouts: { connect: 300ms } }
  idle: { servers: [ "${server.address}" ], timeouts: { idle: 1s } }
  narrow: { servers: [ { address: "${server.address}", max-connections: 1 } ], timeouts: { queue: 2s } }
  nobody: { servers: [ "127.0.0.1:${closed}" ], health: { tcp: true, interval: 20ms, fall: 1, rise: 1 } }
  source: { balance: source-hash, servers: [ "${server.address}", "127.0.0.2:${server.port}", "127.0.0.3:${server.port}" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const [pid] = evenkeel.proxies();

    /** A session through this listener, from both ends. */
    const join = async (t: Parameters<typeof RawConnection.open>[0], to = port): Promise<RawConnection[]> => {
      const client = await RawConnection.open(t, to);
      return [client, await server.connection()];
    };

    await t.test('bytes in both directions, whoever speaks first', async (t) => {
      const [client, backend] = await join(t);
      backend.write('hello, who are you?');
      assert.equal(await client.bytes(19), 'hello, who are you?');
      client.write('me');
      assert.equal(await backend.bytes(2), 'me');
      client.reset();
      await backend.ending();
    });

    await t.test('bytes that came before the server took the connection are not lost', async (t) => {
      const client = await RawConnection.open(t, port);
      client.write(text(100_000));
      client.end();
      const backend = await server.connection();
      const { how, rest } = await backend.ending();
      assert.equal(how, 'end');
      assertSameText(rest, text(100_000));
      backend.end();
      await client.ending();
    });

    await t.test('megabytes in both directions at once', async (t) => {
      const [client, backend] = await join(t);
      const there = text(5 * MIB, 1);
      const back = text(5 * MIB, 2);
      client.write(there);
      backend.write(back);
      client.end();
      backend.end();
      assertSameText((await backend.ending()).rest, there);
      assertSameText((await client.ending()).rest, back);
    });

    await t.test('half-close: the client ends, the server goes on', async (t) => {
      const [client, backend] = await join(t);
      client.write('that is all');
      client.end();
      assert.deepEqual(await backend.ending(), { how: 'end', rest: 'that is all' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      backend.write(text(1_000_000));
      backend.end();
      const { how, rest } = await client.ending();
      assert.equal(how, 'end');
      assertSameText(rest, text(1_000_000));
    });

    await t.test('half-close: the server ends, the client goes on', async (t) => {
      const [client, backend] = await join(t);
      backend.write('that is all');
      backend.end();
      assert.deepEqual(await client.ending(), { how: 'end', rest: 'that is all' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      client.write(text(1_000_000));
      client.end();
      const { how, rest } = await backend.ending();
      assert.equal(how, 'end');
      assertSameText(rest, text(1_000_000));
    });

    await t.test('a reset is passed on as a reset, in both directions', async (t) => {
      for (const index of [0, 1]) {
        const both = await join(t);
        both[0].write('x');
        await both[1].bytes(1);
        both[index].reset();
        assert.equal((await both[1 - index].ending()).how, 'reset');
      }
    });

    await t.test('a reset after a half-close is passed on', async (t) => {
      const [client, backend] = await join(t);
      client.end();
      assert.equal((await backend.ending()).how, 'end');
      client.reset();
      // a socket that has seen FIN no longer listens for a reset: it meets it when it writes
      const error = new Promise<string>((resolve) => {
        backend.socket.on('error', (one: NodeJS.ErrnoException) => resolve(one.code!));
      });
      const writing = setInterval(() => backend.socket.write('x'), 20);
      t.after(() => clearInterval(writing));
      assert.match(await error, /^(ECONNRESET|EPIPE)$/);
      clearInterval(writing);
    });

    await t.test('a reader that stops stops the writer, and nobody’s memory grows', async (t) => {
      const [client, backend] = await join(t);
      client.socket.pause();
      const before = residentBytes(pid);
      const piece = Buffer.from(text(MIB));
      let sent = 0;
      let isStuck = false;
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout;
        const more = (): void => {
          clearTimeout(timer);
          if (isStuck) return;
          timer = setTimeout(() => {
            isStuck = true;
            resolve();
          }, 500);
          if (sent === 64) return;
          sent++;
          backend.socket.write(piece, more);
        };
        more();
      });
      assert.ok(sent < 64, 'the writer is stopped');
      assert.ok(residentBytes(pid) - before < 16 * MIB);
      backend.end();
      client.socket.resume();
      const { how, rest } = await client.ending();
      assert.equal(how, 'end');
      assert.equal(rest.length, sent * MIB);
      client.end();
    });

    await t.test('a connection that cannot be made is tried at other servers', async (t) => {
      for (let i = 0; i < 6; i++) {
        const [client, backend] = await join(t, retryPort);
        client.write('x');
        assert.equal(await backend.bytes(1), 'x');
        client.end();
        backend.end();
      }
    });

    await t.test('a server that does not answer is given up after `connect`', async (t) => {
      for (let i = 0; i < 2; i++) {
        const [client, backend] = await join(t, silent);
        client.write('x');
        assert.equal(await backend.bytes(1), 'x');
        client.end();
        backend.end();
      }
    });

    await t.test('no server takes the connection: the client gets a reset', async () => {
      assert.equal(await endOf(downPort), 'ECONNRESET');
    });

    await t.test('every server is known to be down: a reset at once', async () => {
      await evenkeel.said(/nobody.*down/);
      for (let i = 0; i < 3; i++) assert.equal(await endOf(nobodyPort), 'ECONNRESET');
    });

    await t.test('silence in both directions ends a session after `idle`, with resets', async (t) => {
      const [client, backend] = await join(t, idlePort);
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        backend.write('x');
        await client.bytes(1);
      }
      const begun = performance.now();
      assert.equal((await client.ending()).how, 'reset');
      assert.ok(performance.now() - begun > 500);
      assert.equal((await backend.ending()).how, 'reset');
    });

    await t.test('max-connections: who comes next waits for a place, and no longer than `queue`', async (t) => {
      const [client, backend] = await join(t, narrowPort);
      const waiting = await RawConnection.open(t, narrowPort);
      waiting.write('patience');
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(waiting.hasEnded, false);
      client.end();
      backend.end();
      await client.ending();
      const next = await server.connection();
      assert.equal(await next.bytes(8), 'patience');
      const late = await RawConnection.open(t, narrowPort);
      assert.equal((await late.ending()).how, 'reset');
      waiting.reset();
      await next.ending();
    });

    await t.test('a client that leaves the queue gives its place away', async (t) => {
      const [client, backend] = await join(t, narrowPort);
      const leaving = await RawConnection.open(t, narrowPort);
      leaving.reset();
      const waiting = await RawConnection.open(t, narrowPort);
      waiting.write('mine');
      client.reset();
      await backend.ending();
      // the one that left may or may not have been noticed before its turn
      let next = await server.connection();
      while ((await next.bytes(4).catch(() => 'gone')) !== 'mine') next = await server.connection();
      waiting.reset();
    });

    await t.test(
      'what a side sent before it reset comes before the reset, also to a side that reads late',
      async (t) => {
        for (const from of ['server', 'client'] as const) {
          for (let round = 0; round < 2; round++) {
            const [client, backend] = await join(t);
            const [sender, reader] = from === 'server' ? [backend, client] : [client, backend];
            // the other direction is full, as under an upload: the sender's end is found out by a send too
            sender.socket.pause();
            reader.socket.pause();
            reader.write(Buffer.alloc(300_000, 'u'));
            while (reader.socket.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
            // more than the proxy holds; what it cannot take waits at the sender until the reader goes on
            const bytes = text(2 * MIB, round);
            sender.write(bytes);
            const delivered = sender.delivered();
            reader.socket.resume();
            await delivered;
            reader.socket.pause();
            sender.reset();
            reader.socket.resume();
            const { how, rest } = await reader.ending();
            assertSameText(rest, bytes);
            assert.equal(how, 'reset');
          }
        }
      },
    );

    await t.test('source-hash: a client stays with its server', async (t) => {
      const seen = new Set<string | undefined>();
      for (let i = 0; i < 6; i++) {
        const [client, backend] = await join(t, sourcePort);
        seen.add(backend.socket.localAddress);
        client.reset();
        await backend.ending();
      }
      assert.equal(seen.size, 1);
    });

    await t.test('three hundred sessions at the same time, each with its own bytes', async (t) => {
      const echo = await startTcpBackend(t, (socket) => socket.pipe(socket));
      const echoPort = await freePort();
      const yaml = `
listeners: { tcp: { bind: "127.0.0.1:${echoPort}", protocol: tcp, upstream: tcp } }
upstreams: { tcp: { servers: [ "${echo.address}" ] } }
`;
      await Evenkeel.start(t, yaml, { engine, workers: 2 });
      await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          const connection = new RawConnection(await connect(echoPort, { allowHalfOpen: true }));
          const bytes = text(20_000, i);
          connection.write(bytes);
          connection.end();
          assertSameText((await connection.ending()).rest, bytes);
        }),
      );
      assert.equal(echo.count, 300);
    });
  });
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
