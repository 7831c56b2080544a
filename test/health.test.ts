/** Health from outside: who gets requests while servers fail and come back. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { askStatus } from '../src/commands/control-client.ts';
import { endOf, engineSkip, ENGINES, Evenkeel, freePort, get, getUntil, startBackend } from './evenkeel.ts';
import { peerSkip, temporaryDirectory } from './peers.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

const FAST = 'health: { http: /, interval: 50ms, timeout: 10s, rise: 2, fall: 2 }';

const configuration = (port: number, servers: readonly string[], rest = ''): string => `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ ${servers.map((server) => `"${server}"`).join(', ')} ], ${rest} } }
`;

for (const engine of ENGINES) {
  test(`[${engine}] a server that is down takes no request; when it is back it does`, engineSkip(engine), async (t) => {
    const [a, b] = [await startBackend(t), await startBackend(t)];
    const port = await freePort();
    const evenkeel = await Evenkeel.start(t, configuration(port, [a.address, b.address], FAST), { engine });
    await b.stop();
    await evenkeel.said(
      new RegExp(`server web/${b.address} down: \\d+ probes? failed, last: connection (refused|reset)`),
    );
    for (let i = 0; i < 20; i++) assert.equal((await get(port)).body, `${a.port}\n`);
    await b.restart();
    await evenkeel.said(new RegExp(`server web/${b.address} up: 2 probes passed`));
    const bodies = await Promise.all(Array.from({ length: 20 }, () => get(port)));
    assert.ok(bodies.some(({ body }) => body === `${b.port}\n`));
  });

  test(`[${engine}] an unhealthy answer is as bad as none`, engineSkip(engine), async (t) => {
    let status = 200;
    const a = await startBackend(t, (request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 200).end('a');
    });
    const b = await startBackend(t, (_, response) => response.end('b'));
    const port = await freePort();
    const check = 'health: { http: /healthz, interval: 50ms, timeout: 10s, rise: 1, fall: 2 }';
    const evenkeel = await Evenkeel.start(t, configuration(port, [a.address, b.address], check), { engine });
    status = 503;
    await evenkeel.said(new RegExp(`server web/${a.address} down: \\d+ probes? failed, last: status 503`));
    for (let i = 0; i < 10; i++) assert.equal((await get(port)).body, 'b');
  });

  test(
    `[${engine}] if every server is down, HTTP is 503 at once and recovers by itself`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const evenkeel = await Evenkeel.start(t, configuration(port, [backend.address], FAST), { engine });
      assert.equal((await get(port)).status, 200);
      await backend.stop();
      await evenkeel.said(/down: /);
      await evenkeel.said(/ error upstream web: no server is up\n/);
      assert.equal((await getUntil(port, ({ status }) => status !== 502)).status, 503);
      await backend.restart();
      await getUntil(port, ({ status }) => status === 200);
      await evenkeel.said(/ info {2}upstream web: a server takes clients again\n/);
    },
  );

  test(
    `[${engine}] if every server is down, a TCP connection is reset and the next one after recovery is not`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: web } }
upstreams: { web: { servers: [ "${backend.address}" ], health: { tcp: true, interval: 50ms, timeout: 10s, rise: 1, fall: 1 } } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, hasSocket: true });
      await backend.stop();
      await evenkeel.said(/down: /);
      assert.equal(await endOf(port), 'ECONNRESET');
      await evenkeel.said(/ warn {2}upstream web: 1 connection reset: no server is up/);
      const { answers } = await askStatus(`${evenkeel.file}.sock`);
      assert.deepEqual(
        answers.map(({ name, count, resets }) => [name, count, resets]),
        [['no-server', 1, 1]],
      );
      await backend.restart();
      await evenkeel.said(/up: /);
      assert.equal((await get(port)).status, 200);
    },
  );

  test(
    `[${engine}] failures of real requests eject a server, and its time brings it back`,
    engineSkip(engine),
    async (t) => {
      const [a, b] = [await startBackend(t), await startBackend(t)];
      const port = await freePort();
      const passive = 'passive: { failures: 3, within: 10s, eject: 1s }';
      const evenkeel = await Evenkeel.start(t, configuration(port, [a.address, b.address], passive), { engine });
      await b.stop();
      while (!/ejected/.test(evenkeel.stderr)) assert.equal((await get(port)).status, 200, 'tried again at the other');
      assert.match(
        evenkeel.stderr,
        new RegExp(`server web/${b.address} ejected for 1 s: 3 failures within 10 s, last: `),
      );
      await b.restart();
      await evenkeel.said(new RegExp(`server web/${b.address} takes requests again`));
      await getUntil(port, ({ body }) => body === `${b.port}\n`);
    },
  );

  test(`[${engine}] a check of a server's own, and a reload that changes it`, engineSkip(engine), async (t) => {
    const [a, b] = [await startBackend(t), await startBackend(t)];
    const sick = await startBackend(t, (_, response) => response.writeHead(500).end());
    const port = await freePort();
    const yaml = (agent: number): string => `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams:
  web:
    servers:
      - "${a.address}"
      - { address: "${b.address}", health: { http: /agent, port: ${agent}, interval: 50ms, timeout: 10s, rise: 1, fall: 1 } }
`;
    const evenkeel = await Evenkeel.start(t, yaml(sick.port), { engine, hasSocket: true });
    await evenkeel.said(new RegExp(`server web/${b.address} down: 1 probe failed, last: status 500`));
    for (let i = 0; i < 10; i++) assert.equal((await get(port)).body, `${a.port}\n`);
    const { upstreams } = await askStatus(`${evenkeel.file}.sock`);
    assert.equal(upstreams[0].check, null);
    assert.deepEqual(
      upstreams[0].servers.map(({ check, state }) => [check, state]),
      [
        [null, 'unchecked'],
        [`http /agent on port ${sick.port}`, 'down'],
      ],
    );
    writeFileSync(evenkeel.file, yaml(b.port));
    assert.deepEqual((await reload(evenkeel)).changes, [`upstream web: server ${b.address}: health changed`]);
    await evenkeel.said(new RegExp(`server web/${b.address} up: 1 probe passed`));
    await getUntil(port, ({ body }) => body === `${b.port}\n`);
  });

  test(`[${engine}] a program that checks a server`, engineSkip(engine), async (t) => {
    const [a, b] = [await startBackend(t), await startBackend(t)];
    const port = await freePort();
    const flag = join(temporaryDirectory(t), 'sick');
    const script = `echo asked {address} {port}; ! test -e ${flag}-{port}`;
    const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams:
  web:
    servers: [ "${a.address}", "${b.address}" ]
    health: { run: [ /bin/sh, -c, "${script}" ], user: ${userInfo().username}, interval: 100ms, timeout: 20s, rise: 1, fall: 1 }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine });
    writeFileSync(`${flag}-${b.port}`, '');
    await evenkeel.said(new RegExp(`server web/${b.address} down: .*exit code 1: asked 127\\.0\\.0\\.1 ${b.port}\\n`));
    for (let i = 0; i < 10; i++) assert.equal((await get(port)).body, `${a.port}\n`);
    rmSync(`${flag}-${b.port}`);
    await evenkeel.said(new RegExp(`server web/${b.address} up: 1 probe passed`));
    await getUntil(port, ({ body }) => body === `${b.port}\n`);
  });

  test(
    `[${engine}] a program that checks a server and hangs is ended, with what it started`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const pids = join(temporaryDirectory(t), 'pids');
      const script = `sleep 600 & echo $! >> ${pids}; wait`;
      const yaml = `
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams:
  web:
    servers: [ "${backend.address}" ]
    health: { run: [ /bin/sh, -c, "${script}" ], user: ${userInfo().username}, interval: 2s, timeout: 2s }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine });
      await evenkeel.said(new RegExp(`server web/${backend.address} down: 1 probe failed, last: not ended after 2 s`));
      // a slow machine may not have come so far in the first run
      await until(() => existsSync(pids) && readFileSync(pids, 'utf8').includes('\n'));
      const [pid] = readFileSync(pids, 'utf8').trim().split('\n');
      await until(() => !existsSync(`/proc/${pid}`) || /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
      assert.equal((await get(port)).status, 503);
    },
  );

  test(`[${engine}] the last server is not ejected`, engineSkip(engine), async (t) => {
    const backend = await startBackend(t, (_, response) => response.destroy());
    const port = await freePort();
    const passive = 'passive: { failures: 2, within: 10s, eject: 60s }';
    const evenkeel = await Evenkeel.start(t, configuration(port, [backend.address], passive), { engine });
    while (!/fails but is the last one and stays/.test(evenkeel.stderr)) assert.equal((await get(port)).status, 502);
  });

  test(
    `[${engine}] without a descriptor for a check, servers keep their states`,
    peerSkip(engine, 'prlimit'),
    async (t) => {
      const [a, b] = [await startBackend(t), await startBackend(t)];
      const port = await freePort();
      const check = 'health: { http: /, interval: 50ms, timeout: 10s, rise: 1, fall: 1 }';
      const evenkeel = await Evenkeel.start(t, configuration(port, [a.address, b.address], check), { engine });
      const limit = (soft: number): void => {
        const args = ['--pid', `${evenkeel.child.pid}`, `--nofile=${soft}:`];
        assert.equal(spawnSync('prlimit', args, { encoding: 'utf8' }).stderr, '');
      };
      limit(3);
      await evenkeel.said(
        /server web\/\S+ could not be checked and keeps its state: no file descriptor is left in the keeper/,
      );
      for (let i = 0; i < 10; i++) assert.equal((await get(port)).status, 200);
      limit(1024);
      await b.stop();
      await evenkeel.said(new RegExp(`server web/${b.address} down: `));
      assert.doesNotMatch(evenkeel.stderr, new RegExp(`web/${a.address} down`));
      assert.equal(evenkeel.stderr.match(/could not be checked/g)?.length, 1);
    },
  );

  test(`[${engine}] a server that comes back gets few requests at first`, engineSkip(engine), async (t) => {
    const [a, b] = [await startBackend(t), await startBackend(t)];
    const port = await freePort();
    const rest = `${FAST}, slow-start: 1h`;
    const evenkeel = await Evenkeel.start(t, configuration(port, [a.address, b.address], rest), { engine, workers: 1 });
    await b.stop();
    await evenkeel.said(/down: /);
    await b.restart();
    await evenkeel.said(/up: /);
    await getUntil(port, ({ body }) => body === `${b.port}\n`);
    const bodies: string[] = [];
    for (let i = 0; i < 90; i++) bodies.push((await get(port)).body);
    // A weight of 1/8 against 1: every ninth.
    assert.equal(bodies.filter((body) => body === `${b.port}\n`).length, 10);
  });

  test(
    `[${engine}] servers are found by name, and a name that does not resolve stops nothing`,
    engineSkip(engine),
    async (t) => {
      const backend = await startBackend(t);
      const port = await freePort();
      const names = [`localhost:${backend.port}`, 'nowhere.invalid:80'];
      const evenkeel = await Evenkeel.start(t, configuration(port, names), { engine });
      assert.match(evenkeel.stderr, /name nowhere\.invalid does not resolve/);
      assert.equal((await get(port)).body, `${backend.port}\n`);
    },
  );

  test(`[${engine}] if no name resolves, HTTP is 503`, engineSkip(engine), async (t) => {
    const port = await freePort();
    await Evenkeel.start(t, configuration(port, ['nowhere.invalid:80']), { engine });
    assert.equal((await get(port)).status, 503);
  });
}
