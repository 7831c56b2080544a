import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Prng } from '../../base/prng.ts';
import type { Balance } from '../../config/plan/upstream.ts';
import { PICK_FULL } from './balancer.ts';
import { createBalancer } from './create.ts';
import { endpoint, FixedLoad, NOTHING_TRIED } from './fixtures.test.ts';
import { HOLD_MS_MAX, ServiceTime } from './service-time.ts';

interface World {
  readonly balance: Balance;
  readonly servers: number;
  /** Each asks again as soon as it has an answer. */
  readonly clients: number;
  readonly maxConnections: number;
  readonly meanMs: number;
  readonly seed: number;
}

/** How long it takes to know how long servers take. */
const WARM_UP = 2000;
const REQUESTS = 4000;

/** The share of server 0, which fails at once, of what all get. Virtual time; the others take up to twice the mean. */
function shareOfFailing(world: World, isHeld: boolean): number {
  const prng = new Prng(world.seed);
  const balancer = createBalancer(world.balance, prng);
  const { maxConnections } = world;
  balancer.update(Array.from({ length: world.servers }, (_, slot) => endpoint(slot, { maxConnections })));
  const load = new FixedLoad(new Array<number>(world.servers).fill(0));
  const time = new ServiceTime();
  let now = 0;
  let queued = world.clients;
  let failed = 0;
  const events: { at: number; run: () => void }[] = [];
  const after = (delay: number, run: () => void): void => {
    const at = now + delay;
    let place = events.length;
    while (place > 0 && events[place - 1].at > at) place--;
    events.splice(place, 0, { at, run });
  };
  for (let sent = 0; sent < WARM_UP + REQUESTS;) {
    const picked = queued === 0 ? PICK_FULL : balancer.pick(load, 0, NOTHING_TRIED, 0);
    if (picked < 0) {
      const event = events.shift()!;
      now = event.at;
      event.run();
      continue;
    }
    queued--;
    sent++;
    load.connections[picked]++;
    const tookMs = picked === 0 ? 0.1 : (prng.below(2000) / 1000) * world.meanMs;
    if (picked === 0 && sent > WARM_UP) failed++;
    after(tookMs, () => {
      queued++;
      if (picked !== 0) time.note(tookMs);
      const heldMs = picked === 0 && isHeld ? time.holdMs(tookMs) : 0;
      if (heldMs === 0) load.connections[picked]--;
      else after(heldMs, () => load.connections[picked]--);
    });
  }
  return failed / REQUESTS;
}

test('a server that fails at once gets hardly more than its share, of least connections, of random two, and of the queue', () => {
  fc.assert(
    fc.property(
      fc.record({
        balance: fc.constantFrom<Balance>('least-connections', 'random-two', 'round-robin'),
        servers: fc.integer({ min: 2, max: 8 }),
        clients: fc.integer({ min: 1, max: 60 }),
        maxConnections: fc.constantFrom(0, 1, 4),
        meanMs: fc.integer({ min: 2, max: 2000 }),
        seed: fc.nat(),
      }),
      (world) => {
        const { clients, servers } = world;
        const share = shareOfFailing(world, true);
        // of few connections one more, which an even count may have, is much
        const perServer = Math.max(1, clients / servers);
        const fair = (perServer + 1) / (servers * perServer + 1);
        assert.ok(share < 1.25 * fair, `it gets ${share}, where ${fair} is fair`);
      },
    ),
    { numRuns: 60 },
  );
});

test('without that it gets nearly everything, or of random two one draw of two', () => {
  const world = { servers: 4, clients: 40, maxConnections: 0, meanMs: 100, seed: 1 };
  assert.ok(shareOfFailing({ ...world, balance: 'least-connections' }, false) > 0.8);
  assert.ok(shareOfFailing({ ...world, balance: 'random-two' }, false) > 0.45);
  assert.ok(shareOfFailing({ ...world, balance: 'round-robin', maxConnections: 4 }, false) > 0.8);
});

test('a failure counts on for what is missing to the mean, and not for ever', () => {
  const time = new ServiceTime();
  assert.equal(time.holdMs(0), 100);
  time.note(260);
  assert.equal(time.holdMs(0), 110);
  assert.equal(time.holdMs(70), 40);
  assert.equal(time.holdMs(3000), 0);
  for (let i = 0; i < 200; i++) time.note(3_600_000);
  assert.equal(time.holdMs(0), HOLD_MS_MAX);
});
