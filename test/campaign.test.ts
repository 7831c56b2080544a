/**
 * Reloads with random changes, one after the other, under traffic of every kind: not one failed request, not one broken
 * session, and no process that grows. And once more while proxies are killed: then what the killed one carried is lost, and
 * nothing else. A few in `npm test`; `npm run campaign` does a thousand and prints what it saw. EVENKEEL_SEED repeats a seed
 * that failed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { test, type TestContext } from 'node:test';
import { Prng } from '../src/base/prng.ts';
import { type Change, change, type Site } from './campaign/changes.ts';
import { type Footprint, footprint } from './campaign/footprint.ts';
import { REQUESTS_MAX, startServer, Traffic } from './campaign/traffic.ts';
import { connect, engineSkip, ENGINES, Evenkeel, freePort, get, kill } from './evenkeel.ts';
import { reload } from './reloading.ts';

const RELOADS = Number(process.env.EVENKEEL_RELOADS ?? 10);
const SEED = Number(process.env.EVENKEEL_SEED ?? Date.now() % 1_000_000);
const SERVERS = 3;
const EXTRA = 3;
const WORKERS = 2;
/** Buffers and compiled code grow for so many reloads, of a long campaign. */
const WARM_UP = 100;

for (const engine of ENGINES) {
  const name = `[${engine}] ${RELOADS} reloads with random changes (seed ${SEED}) fail no request, and end no session`;
  test(name, { ...engineSkip(engine), timeout: 60_000 + RELOADS * 10_000 }, async (t) => {
    const prng = new Prng(SEED);
    const site = await build(t);
    const evenkeel = await Evenkeel.start(t, change(prng, site, 0).yaml, { engine, workers: WORKERS, hasSocket: true });
    const proxies = evenkeel.proxies();
    const look = (): Footprint => footprint(evenkeel.child.pid!, proxies);
    const traffic = await Traffic.start(site.ports, { hasSessions: true });
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => kept.destroy());
    const took: number[] = [];
    let warm = look();
    for (let round = 1; round <= RELOADS; round++) {
      const next = change(prng, site, round);
      writeFileSync(evenkeel.file, next.yaml);
      const beganAt = performance.now();
      assert.equal((await reload(evenkeel)).error, undefined);
      took.push(performance.now() - beganAt);
      await holds(next, site, kept);
      assert.deepEqual(traffic.failures, [], `after ${round} reloads`);
      if (round === WARM_UP) warm = look();
    }
    const last = look();
    await traffic.stop();
    assert.deepEqual(traffic.failures, []);
    assert.deepEqual(evenkeel.proxies(), proxies, 'a proxy was replaced');
    took.sort((a, b) => a - b);
    const at = (share: number): string => took[Math.floor(share * (took.length - 1))].toFixed(0);
    t.diagnostic(
      `${RELOADS} reloads, seed ${SEED}: ${at(0.5)} ms in the median, ${at(0.99)} ms p99, ${at(1)} ms at most`,
    );
    t.diagnostic(`under ${JSON.stringify(traffic.done)}: no failure`);
    t.diagnostic(`resident, descriptors: ${JSON.stringify(warm)} then ${JSON.stringify(last)}`);
    if (RELOADS < 2 * WARM_UP) return;
    assert.ok(last.keeperKib < 1.2 * warm.keeperKib, 'the keeper has grown');
    assert.ok(last.proxyKib < 1.2 * warm.proxyKib, 'a proxy has grown');
    assert.ok(last.keeperDescriptors < warm.keeperDescriptors + 20, 'the keeper keeps descriptors');
    assert.ok(last.proxyDescriptors < warm.proxyDescriptors + 200, 'proxies keep descriptors');
  });
}

/** What a client sees of a process that is killed. */
const CUT = /^(ECONNRESET|EPIPE)$/;

for (const engine of ENGINES) {
  const name = `[${engine}] ${RELOADS} reloads while proxies are killed (seed ${SEED}) lose what the killed ones carried, and no more`;
  test(name, { ...engineSkip(engine), timeout: 60_000 + RELOADS * 20_000 }, async (t) => {
    const prng = new Prng(SEED);
    const site = await build(t);
    const evenkeel = await Evenkeel.start(t, change(prng, site, 0).yaml, { engine, workers: WORKERS, hasSocket: true });
    const traffic = await Traffic.start(site.ports, { hasSessions: false });
    let kills = 0;
    for (let round = 1; round <= RELOADS; round++) {
      const next = change(prng, site, round);
      writeFileSync(evenkeel.file, next.yaml);
      const reloaded = reload(evenkeel);
      if (prng.below(3) === 0) {
        await new Promise((resolve) => setTimeout(resolve, prng.below(200)));
        const proxies = evenkeel.proxies();
        if (proxies.length > 0 && kill(proxies[prng.below(proxies.length)], 'SIGKILL')) kills++;
      }
      assert.equal((await reloaded).error, undefined);
      await holds(next, site, null);
      const strange = traffic.failures.filter(({ what }) => !CUT.test(what));
      assert.deepEqual(strange, [], `after ${round} reloads and ${kills} kills`);
      assert.ok(traffic.failures.length <= kills * REQUESTS_MAX, `${traffic.failures.length} failures, ${kills} kills`);
    }
    await traffic.stop();
    t.diagnostic(`${RELOADS} reloads, ${kills} kills: ${traffic.total} done, ${traffic.failures.length} cut`);
  });
}

async function build(t: TestContext): Promise<Site> {
  return {
    ports: { http: await freePort(), tcp: await freePort() },
    extra: await Promise.all(Array.from({ length: EXTRA }, () => freePort())),
    servers: await Promise.all(Array.from({ length: SERVERS }, () => startServer(t))),
  };
}

/** The change holds, on open connections and on new ones, as soon as the reload has been answered. */
async function holds({ generation, open }: Change, { ports, extra }: Site, kept: http.Agent | null): Promise<void> {
  for (const agent of kept === null ? [false as const] : [kept, false as const]) {
    assert.equal((await get(ports.http, '/generation', agent)).body, generation);
  }
  for (const port of extra) {
    if (open.includes(port)) assert.equal((await get(port, '/generation')).body, generation);
    else await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
  }
}
