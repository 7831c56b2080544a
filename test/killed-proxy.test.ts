/** What a proxy carries is reset when it is ended by force: nobody takes a part for the whole (docs/timeouts.md). */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Engine, engineSkip, ENGINES, Evenkeel, freePort, kill } from './evenkeel.ts';
import { RawConnection, RawServer } from './raw.ts';

const WAYS: readonly (readonly [what: string, grace: string, end: (evenkeel: Evenkeel) => void])[] = [
  ['the proxy is killed', '30s', (evenkeel) => kill(evenkeel.proxies()[0], 'SIGKILL')],
  ['the grace time is over', '300ms', (evenkeel) => evenkeel.signal('SIGTERM')],
  [
    'a second signal comes',
    '30s',
    (evenkeel) => {
      evenkeel.signal('SIGTERM');
      void evenkeel.said(/SIGTERM: finishing/).then(() => evenkeel.signal('SIGTERM'));
    },
  ],
  ['the keeper of a service is killed, and the grace time is over', '300ms', (evenkeel) => evenkeel.signal('SIGKILL')],
];

for (const engine of ENGINES) {
  test(`[${engine}] what a proxy carried that is ended by force is reset`, engineSkip(engine), async (t) => {
    for (const [what, grace, end] of WAYS) await t.test(what, (each) => carryAndEnd(each, engine, grace, end));
  });
}

async function carryAndEnd(
  t: TestContext,
  engine: Engine,
  grace: string,
  end: (evenkeel: Evenkeel) => void,
): Promise<void> {
  const [tcpPort, webPort] = [await freePort(), await freePort()];
  const server = await RawServer.start(t);
  const yaml = `
grace: ${grace}
listeners:
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
  web: { bind: "127.0.0.1:${webPort}", routes: [ { upstream: web } ] }
upstreams:
  tcp: { servers: [ "${server.address}" ] }
  web: { servers: [ "${server.address}" ] }
`;
  // No proxy of a service serves on without a keeper.
  const env = { NOTIFY_SOCKET: '@evenkeel-test-nobody' };
  const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, env });

  const session = await RawConnection.open(t, tcpPort);
  session.write('GET /session\r\n\r\n');
  const served = await server.exchange();
  served.send('a part');
  await session.until('a part');

  const download = await RawConnection.open(t, webPort);
  download.write('GET / HTTP/1.0\r\n\r\n');
  const loading = await server.exchange();
  loading.send('HTTP/1.0 200 OK\r\n\r\na part');
  await download.until('a part');

  const tunnel = await RawConnection.open(t, webPort);
  tunnel.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: talk\r\n\r\n');
  const talking = await server.exchange();
  talking.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: talk\r\n\r\na part');
  await tunnel.until('a part');

  end(evenkeel);
  for (const connection of [session, served.connection, download, tunnel, talking.connection]) {
    assert.equal((await connection.ending()).how, 'reset');
  }
}
