/** Servers by name, while the name's address changes and vanishes: with a hosts file of our own in a mount namespace, and by DNS. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatusDocument } from '../src/api/status.ts';
import { askSocket } from './control-socket.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, get, getUntil, startBackend } from './evenkeel.ts';
import { startNameServer } from './name-server.ts';

test(
  "a name's new address gets the requests, and the last one stays when the name is gone",
  engineSkip('node'),
  async (t) => {
    const probe = spawnSync('unshare', ['--mount', 'true']);
    if (probe.status !== 0) return t.skip('needs the right to make a mount namespace (root)');

    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const hosts = join(directory, 'hosts');
    const say = (lines: string): void => writeFileSync(hosts, `127.0.0.1 localhost\n${lines}`);

    const old = await startBackend(t, (_, response) => response.end('old'));
    const next = http.createServer((_, response) => response.end('new')).listen(old.port, '127.0.0.2');
    await once(next, 'listening');
    t.after(() => {
      next.close();
      next.closeAllConnections();
    });

    say('127.0.0.1 backend.test\n');
    const port = await freePort();
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "backend.test:${old.port}" ] } }
`;
    const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const through = ['unshare', '--mount', 'sh', '-c', mount, hosts];
    const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', through });
    assert.equal((await get(port)).body, 'old');

    say('127.0.0.2 backend.test\n');
    await evenkeel.said(
      new RegExp(`server web/backend\\.test:${old.port} \\(127\\.0\\.0\\.2:${old.port}\\) has an address`),
    );
    await getUntil(port, ({ body }) => body === 'new');

    say('');
    await evenkeel.said(/name backend\.test does not resolve: there is no such name/);
    assert.equal((await get(port)).body, 'new');
  },
);

for (const engine of ENGINES) {
  test(
    `[${engine}] SRV records say which servers there are, and no answer takes none away`,
    engineSkip(engine),
    async (t) => {
      const first = await startBackend(t, (_, response) => response.end('first'));
      const second = await startBackend(t, (_, response) => response.end('second'));
      const dns = await startNameServer(t);
      const service = '_http._tcp.app.test';
      dns.names.set('a.test', ['127.0.0.1']);
      dns.services.set(service, [`10 5 ${first.port} a.test`, `20 5 ${second.port} a.test`]);
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams:
  web:
    servers: [ { address: app.test, service: http } ]
    resolver: { servers: "${dns.address}", valid: 1s, ipv6: false }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
      await getUntil(port, ({ body }) => body === 'first');
      const status = await askSocket<StatusDocument>(`${evenkeel.file}.sock`, 'GET', '/v1/status');
      const [{ servers }] = status.upstreams;
      assert.deepEqual(
        servers.map(({ name, address, weight, isBackup }) => ({ name, address, weight, isBackup })),
        [
          { name: service, address: `127.0.0.1:${first.port}`, weight: 5, isBackup: false },
          { name: service, address: `127.0.0.1:${second.port}`, weight: 5, isBackup: true },
        ],
      );

      dns.services.set(service, []);
      await evenkeel.said(/name SRV _http\._tcp\.app\.test \(.*\) does not resolve/);
      assert.equal((await get(port)).body, 'first');

      // a backup becomes a server, and the other way round, without a change of addresses
      dns.services.set(service, [`30 1 ${first.port} a.test`, `20 2 ${second.port} a.test`]);
      await getUntil(port, ({ body }) => body === 'second');
    },
  );
}
