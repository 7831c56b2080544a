/** `tcp-keepalive` of listeners and upstreams, as the kernel has it (docs/timeouts.md). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { RawConnection, RawServer } from './raw.ts';
import { reload } from './reloading.ts';

/** Until when connections to or from this port of the proxy are asked, in seconds; null: never. */
function timers(what: 'sport' | 'dport', port: number): (number | null)[] {
  const { stdout } = spawnSync('ss', ['-tnoH', 'state', 'established', `${what} = :${port}`]);
  const lines = stdout.toString().split('\n').filter(Boolean);
  return lines.map((line) => {
    const matched = /timer:\(keepalive,(?:(\d+)min)?(?:([\d.]+)sec)?/.exec(line);
    return matched === null ? null : Number(matched[1] ?? 0) * 60 + Number(matched[2] ?? 0);
  });
}

function assertWithin(actual: (number | null)[], seconds: number): void {
  assert.ok(actual.length > 0);
  // what came before can be a minute ago on a slow machine, and is asked sooner
  for (const each of actual) assert.ok(each !== null && each > seconds - 60 && each <= seconds, `${String(each)} s`);
}

for (const engine of ENGINES) {
  test(
    `[${engine}] peers that say nothing are asked, as the file says, from a reload on too`,
    peerSkip(engine, 'ss'),
    async (t) => {
      const [tcpPort, webPort] = [await freePort(), await freePort()];
      const server = await RawServer.start(t);
      const other = await RawServer.start(t);
      const configuration = (ofListeners: string, ofUpstreams: string): string => `
listeners:
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp, ${ofListeners} }
  web: { bind: "127.0.0.1:${webPort}", routes: [ { upstream: web } ], ${ofListeners} }
upstreams:
  tcp: { servers: [ "${server.address}" ], ${ofUpstreams} }
  web: { servers: [ "${other.address}" ], pool: { idle: 0 }, ${ofUpstreams} }
`;
      const first = configuration(
        'tcp-keepalive: { idle: 300s }',
        'tcp-keepalive: { idle: 500s, interval: 7s, probes: 3 }',
      );
      const evenkeel = await Evenkeel.start(t, first, { engine, workers: 1, hasSocket: true });
      const open = async (): Promise<RawConnection[]> => {
        const session = await RawConnection.open(t, tcpPort);
        const request = await RawConnection.open(t, webPort);
        request.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await other.exchange();
        return [session, request, await server.connection()];
      };
      const close = async (connections: RawConnection[]): Promise<void> => {
        for (const { socket } of [...connections, ...other.connections]) socket.destroy();
        while (timers('sport', tcpPort).length + timers('sport', webPort).length > 0) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const reloadTo = async (text: string, change: string): Promise<void> => {
        writeFileSync(evenkeel.file, text);
        const { changes, error } = await reload(evenkeel);
        assert.equal(error, undefined);
        assert.ok(changes?.includes(change), changes?.join());
      };

      const before = await open();
      for (const port of [tcpPort, webPort]) assertWithin(timers('sport', port), 300);
      for (const { port } of [server, other]) assertWithin(timers('dport', port), 500);
      await close(before);

      await reloadTo(
        configuration('tcp-keepalive: true', 'tcp-keepalive: false'),
        'listener web: tcp-keepalive changed',
      );
      const between = await open();
      for (const port of [tcpPort, webPort]) {
        for (const seconds of timers('sport', port))
          assert.ok(seconds !== null && seconds > 1000, 'as the system has it');
      }
      for (const { port } of [server, other]) assert.ok(timers('dport', port).includes(null));
      await close(between);

      const last = configuration('tcp-keepalive: false', 'tcp-keepalive: { idle: 500s }');
      await reloadTo(last, 'upstream tcp: tcp-keepalive changed');
      await open();
      for (const port of [tcpPort, webPort]) assert.deepEqual(timers('sport', port), [null]);
      for (const { port } of [server, other]) assertWithin(timers('dport', port), 500);
    },
  );
}
