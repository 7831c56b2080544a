/**
 * A part of the simulation of keepers for `npm test`: a fixed range of seeds, as many as the time allows; the same seed twice; and
 * keepers that are broken, which must be caught. Half of SIM_SECONDS is the time for the range.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SIM_SECONDS } from '../seconds.ts';
import type { Sabotage } from './keeper-process.ts';
import type { FleetRun, runFleet as run } from './run.ts';

const SECONDS = SIM_SECONDS / 2;

const thread = new Worker(new URL('./seed-thread.js', import.meta.url));
after(() => thread.terminate());

async function runFleet(...wanted: Parameters<typeof run>): Promise<FleetRun> {
  thread.postMessage(wanted, []);
  const [played] = (await once(thread, 'message')) as [FleetRun];
  return played;
}

test('keepers and proxies keep every invariant over reloads, upgrades and kills', async (t) => {
  const until = performance.now() + SECONDS * 1_000;
  const totals: Record<string, number> = {};
  let seed = 1;
  for (; performance.now() < until; seed++) {
    const { invariant, detail, counts } = await runFleet(seed);
    assert.equal(invariant, null, `seed ${seed}: ${detail}\nreplay: npm run sim:fleet -- --seed ${seed}`);
    for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
  }
  t.diagnostic(`seeds 1 to ${seed - 1}: ${JSON.stringify(totals)}`);
  for (const name of ['served', 'reloads', 'orders', 'upgrades', 'inVain', 'kills']) {
    assert.ok(totals[name] > 0 || seed < 5, `no ${name}`);
  }
});

/** What the simulator itself had wrong, by the seed that showed it. */
const SEEDS: readonly (readonly [seed: number, what: string])[] = [
  [1148, 'a keeper is not killed while nobody else has its sockets'],
  [1372, 'what is sent to a keeper that was killed is closed'],
  [1918, 'keepers whose successor was killed are counted by nobody'],
];

for (const [seed, what] of SEEDS) {
  test(what, async () => {
    const { invariant, detail } = await runFleet(seed);
    assert.equal(invariant, null, `seed ${seed}: ${detail}`);
  });
}

test('the same seed is the same history, to the last event', async () => {
  const [first, second] = [await runFleet(7), await runFleet(7, 'none', true)];
  assert.equal(second.traceHash, first.traceHash);
  assert.ok(second.trace.length > 0);
});

/** And what catches them. */
const SABOTAGES: Readonly<Record<Exclude<Sabotage, 'none'>, string>> = {
  'closes-first': 'no connection is refused',
  'keeps-all': 'bounded generations',
  'both-command': 'one keeper commands',
  'loses-orders': 'orders hold',
  'places-at-once': 'places',
  'keeps-standby': 'one vip process speaks',
  'never-gives-up': 'an address is held by somebody',
};

for (const [sabotage, invariant] of Object.entries(SABOTAGES)) {
  test(`canary: a keeper that is broken (${sabotage}) is caught`, async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const run = await runFleet(seed, sabotage as Sabotage);
      if (run.invariant === invariant) return;
    }
    assert.fail('nothing was seen in 40 seeds');
  });
}
