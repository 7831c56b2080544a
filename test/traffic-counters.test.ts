/** What was counted of requests never falls: proxies are killed, configurations change, another program takes over. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import tls from 'node:tls';
import type { RouteTrafficView } from '../src/api/traffic.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get, kill, startBackend } from './evenkeel.ts';
import { reload } from './reloading.ts';
import { ask, endAfter, status, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

interface Page {
  readonly items: readonly RouteTrafficView[];
}

/** By route and upstream, and for those that are timed how many times there are. */
async function routesOf(evenkeel: Evenkeel): Promise<Readonly<Record<string, readonly number[]>>> {
  const { items } = await ask<Page>(evenkeel, 'GET', '/v1/traffic/routes');
  return Object.fromEntries(
    items.map(({ listener, route, upstream, requests, duration }) => {
      return [`${listener} ${route} ${upstream}`, [requests['2xx'], ...(duration === null ? [] : [duration.count])]];
    }),
  );
}

for (const engine of ENGINES) {
  test(`[${engine}] counters go on over killed proxies, reloads and an upgrade`, engineSkip(engine), async (t) => {
    const heldBack: ServerResponse[] = [];
    const backend = await startBackend(t, (request, response) => {
      if (request.url === '/held') heldBack.push(response);
      else response.end();
    });
    const [port, extra] = [await freePort(), await freePort()];
    const yaml = (more: string, route: string): string => `
listeners:
  ${more}
  web:
    bind: "127.0.0.1:${port}"
    routes:
      ${route}
      - { match: { path: /timed }, upstream: web, histogram: true }
      - { match: { path: { exact: /own } }, respond: { body: own } }
      - { upstream: web }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, yaml('', ''), { engine, workers: 2, hasSocket: true });
    const asked = { timed: 0, own: 0, rest: 0 };
    const askAll = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        for (const path of ['/timed', '/own', '/']) assert.equal((await get(port, path)).status, 200);
        asked.timed++;
        asked.own++;
        asked.rest++;
      }
    };
    const all = (): number => asked.timed + asked.own + asked.rest;
    let counted = 0;
    /** A response may be here before it is counted. */
    const areCounted = async (): Promise<boolean> => {
      const { listeners } = await status(evenkeel);
      const { traffic } = listeners.find(({ name }) => name === 'web')!;
      const now = traffic!.requests['2xx'];
      assert.ok(now >= counted, `${now} after ${counted}`);
      counted = now;
      return now >= all();
    };
    const assertCounted = async (when: string): Promise<void> => {
      await until(areCounted, () => `${all()} requests, ${when}: ${counted}`);
      const { listeners, upstreams, endings } = await status(evenkeel);
      const { traffic } = listeners.find(({ name }) => name === 'web')!;
      assert.equal(traffic!.requests['2xx'], all(), when);
      assert.equal(traffic!.duration.count, all(), when);
      const forwarded = asked.timed + asked.rest;
      assert.equal(upstreams[0].traffic!.duration.count, forwarded, when);
      assert.equal(upstreams[0].traffic!.firstByte.count, forwarded, when);
      assert.equal(upstreams[0].servers[0].traffic!.requests['2xx'], forwarded, when);
      assert.deepEqual(
        endings!.map(({ name, by, count }) => [name, by, count]),
        [
          ['served', 'nobody', forwarded],
          ['answered', 'nobody', asked.own],
        ],
        when,
      );
      const routes = await routesOf(evenkeel);
      assert.deepEqual(routes['web /timed web'], [asked.timed, asked.timed], when);
      assert.deepEqual(routes['web =/own '], [asked.own], when);
      assert.deepEqual(routes['web * web'], [asked.rest], when);
      assert.deepEqual(routes['web  '], [0], when);
    };

    await askAll(3);
    await assertCounted('at first');
    for (const pid of evenkeel.proxies()) {
      const { proxies: before } = await status(evenkeel);
      const restarts = before.reduce((sum, each) => sum + each.restarts, 0);
      kill(pid, 'SIGKILL');
      await until(async () => {
        const { proxies } = await status(evenkeel);
        const now = proxies.reduce((sum, each) => sum + each.restarts, 0);
        return now > restarts && proxies.every(({ state }) => state === 'serving');
      });
    }
    await assertCounted('when both proxies have been killed');
    await askAll(2);
    await assertCounted('with what their successors count');

    const other = yaml(
      `more: { bind: "127.0.0.1:${extra}", routes: [ { upstream: web } ] }`,
      '- { match: { path: /new }, respond: { body: new } }',
    );
    writeFileSync(evenkeel.file, other);
    assert.equal((await reload(evenkeel)).error, undefined);
    await assertCounted('with another listener and another route in front');
    assert.deepEqual((await routesOf(evenkeel))['more * web'], [0]);
    await askAll(1);
    writeFileSync(evenkeel.file, 'listeners: 7\n');
    assert.notEqual((await reload(evenkeel)).error, undefined);
    await assertCounted('when a configuration was refused');
    const { configuration } = await status(evenkeel);
    assert.deepEqual([configuration.applied, configuration.refused, configuration.isRefused], [1, 1, true]);

    writeFileSync(evenkeel.file, other);
    const held = get(port, '/held');
    await until(() => heldBack.length > 0);
    const { pid, error } = await upgrade(evenkeel);
    assert.equal(error, undefined);
    endAfter(t, pid!);
    await assertCounted('by the next program');
    await askAll(2);
    await assertCounted('with what that counts');
    heldBack[0].end();
    assert.equal((await held).status, 200);
    asked.rest++;
    await assertCounted('with what the one before has finished');
  });

  test(
    `[${engine}] handshakes of TLS, connections that are kept, and the loop are counted`,
    engineSkip(engine),
    async (t) => {
      const maker = new CertificateMaker();
      t.after(() => maker.remove());
      maker.make('site', { names: ['site.test'] });
      const backend = await startBackend(t);
      const port = await freePort();
      const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls: { certificate: "${maker.path('site.pem')}", key: "${maker.path('site.key')}" }
    routes: [ { upstream: web } ]
upstreams: { web: { servers: [ "${backend.address}" ] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
      const shake = async (session?: Buffer): Promise<Buffer> => {
        const options = { port, host: '127.0.0.1', servername: 'site.test', rejectUnauthorized: false };
        const client = tls.connect({
          ...options,
          maxVersion: 'TLSv1.2',
          ...(session === undefined ? {} : { session }),
        });
        await once(client, 'secureConnect');
        assert.equal(client.isSessionReused(), session !== undefined);
        client.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
        await once(client, 'data');
        const kept = client.getSession()!;
        client.destroy();
        return kept;
      };
      await shake(await shake());
      const stranger = await connect(port);
      stranger.on('error', () => undefined);
      stranger.write('\x16\x03\x01\x00\x05nonsense');
      await new Promise((resolve) => stranger.once('close', resolve).resume());
      const { listeners } = await status(evenkeel);
      assert.deepEqual(listeners[0].handshakes, { full: 1, resumed: 1, failed: 1 });
      await until(async () => {
        const { proxies, upstreams, processes } = await status(evenkeel);
        const { loop } = proxies[0];
        const { traffic } = upstreams[0].servers[0];
        const isLooping = loop!.turns.count > 0 && loop!.submissions > 0 === (engine === 'uring');
        return isLooping && traffic!.idle === 1 && processes!.map(({ name }) => name).join() === 'keeper,proxy 0';
      });
    },
  );
}
