import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { mixHash } from '../../base/hash.ts';
import { Prng } from '../../base/prng.ts';
import { PICK_NONE, type Balancer, type Endpoint } from './balancer.ts';
import { createBalancer } from './create.ts';
import {
  FixedLoad,
  NOTHING_TRIED,
  NO_LOAD,
  changed,
  endpoint,
  endpoints,
  histogram,
  weighted,
} from './fixtures.test.ts';
import { buildTable, tableSize } from './maglev.ts';

const KEYS = 20_000;

function balancerOf(list: readonly Endpoint[]): Balancer {
  const balancer = createBalancer('hash', new Prng(1));
  balancer.update(list);
  return balancer;
}

/** The slot that each of KEYS keys goes to. */
function slots(balancer: Balancer, list: readonly Endpoint[], load = NO_LOAD): number[] {
  return Array.from({ length: KEYS }, (_, i) => {
    const pick = balancer.pick(load, mixHash(i), NOTHING_TRIED, 0);
    return pick < 0 ? pick : list[pick].slot;
  });
}

function movedShare(before: readonly number[], after: readonly number[]): number {
  return before.filter((slot, i) => slot !== after[i]).length / before.length;
}

function shuffled<T>(list: readonly T[], seed: number): T[] {
  const prng = new Prng(seed);
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

test('the table of three endpoints is the same for ever', () => {
  const table = buildTable(['192.0.2.1:80', '192.0.2.2:80', '[2001:db8::3]:80'], Int32Array.of(1, 1, 1), 31);
  assert.equal(table.join(''), '2200022011200112220122011100110');
});

test('every table size is prime', () => {
  for (const count of [1, 1025]) {
    const size = tableSize(count);
    for (let d = 2; d * d <= size; d++) assert.notEqual(size % d, 0);
  }
});

test('the order in which endpoints are given, and what random numbers a proxy drew, change nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (count, seed) => {
      const list = weighted(...Array.from({ length: count }, (_, i) => 1 + (i % 3)));
      const mixed = shuffled(list, seed);
      const other = createBalancer('hash', new Prng(seed));
      other.update(mixed);
      const one = balancerOf(list);
      for (let i = 0; i < 500; i++) {
        const key = mixHash(i);
        const a = list[one.pick(NO_LOAD, key, NOTHING_TRIED, 0)];
        const b = mixed[other.pick(NO_LOAD, key, NOTHING_TRIED, 0)];
        assert.equal(a.identity, b.identity);
      }
    }),
    { numRuns: 20 },
  );
});

test('keys spread evenly, and by weight', () => {
  for (const count of [3, 10, 100]) {
    const list = endpoints(count);
    const counts = histogram(slots(balancerOf(list), list), count);
    const mean = KEYS / count;
    // the keys themselves scatter by the square root of their number
    for (const n of counts) assert.ok(Math.abs(n - mean) < 0.01 * mean + 5 * Math.sqrt(mean), `${n} of ${mean}`);
  }
  const list = weighted(1, 2, 5);
  const counts = histogram(slots(balancerOf(list), list), 3);
  for (const [i, share] of [1 / 8, 2 / 8, 5 / 8].entries()) {
    assert.ok(Math.abs(counts[i] / KEYS - share) < 0.015, `${counts[i]} for ${share}`);
  }
});

test('an endpoint that goes down moves its own keys and no others, evenly, and coming back takes back just those', () => {
  for (const count of [2, 3, 10, 100]) {
    const list = endpoints(count);
    const balancer = balancerOf(list);
    const before = slots(balancer, list);
    const gone = count >> 1;
    balancer.update(changed(list, gone, { isUsable: false }));
    const during = slots(balancer, list);
    const counts = new Array<number>(count).fill(0);
    for (let i = 0; i < KEYS; i++) {
      if (before[i] !== gone) assert.equal(during[i], before[i]);
      else counts[during[i]]++;
    }
    assert.equal(counts[gone], 0);
    assert.ok(movedShare(before, during) < 1 / count + 0.01);
    const mean = KEYS / count / (count - 1);
    for (const [slot, n] of counts.entries()) {
      if (slot !== gone) assert.ok(Math.abs(n - mean) < 0.2 * mean + 5 * Math.sqrt(mean), `${n} of ${mean}`);
    }
    balancer.update(list);
    assert.deepEqual(slots(balancer, list), before);
  }
});

test('with any set down, a key whose endpoint is up stays there, and one more going down moves only its keys', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 11 }), (down) => {
      const list = endpoints(12);
      const balancer = balancerOf(list);
      let before = slots(balancer, list).slice(0, 2000);
      for (let n = 1; n <= down.length; n++) {
        const isDown = new Set(down.slice(0, n));
        balancer.update(list.map((one) => endpoint(one.slot, { isUsable: !isDown.has(one.slot) })));
        const after = slots(balancer, list).slice(0, 2000);
        for (let i = 0; i < after.length; i++) {
          if (isDown.has(before[i])) assert.ok(!isDown.has(after[i]));
          else assert.equal(after[i], before[i]);
        }
        before = after;
      }
    }),
    { numRuns: 10 },
  );
});

test('an endpoint taken out of the configuration moves about its share', () => {
  for (const count of [3, 10, 100]) {
    const list = endpoints(count);
    const fewer = list.filter((one) => one.slot !== count >> 1);
    const moved = movedShare(slots(balancerOf(list), list), slots(balancerOf(fewer), fewer));
    assert.ok(moved >= 0.8 / count && moved < 1 / count + 0.05, `${moved} of 1/${count}`);
  }
});

test('a full or tried endpoint gives the key to the same next one that a dead endpoint would', () => {
  const list = changed(endpoints(10), 'all', { maxConnections: 1 });
  const balancer = balancerOf(list);
  const dead = balancerOf(changed(list, 4, { isUsable: false }));
  const full = new FixedLoad([0, 0, 0, 0, 1]);
  for (let i = 0; i < 2000; i++) {
    const key = mixHash(i);
    const next = dead.pick(NO_LOAD, key, NOTHING_TRIED, 0);
    assert.equal(balancer.pick(full, key, NOTHING_TRIED, 0), next);
    assert.equal(balancer.pick(NO_LOAD, key, Int32Array.of(4), 1), next);
  }
});

test('slow start brings keys back little by little: each step moves few, and mostly to the one that recovers', () => {
  const list = endpoints(5);
  const steps = [32, 64, 96, 128, 160, 192, 224, 256];
  const at = (weight: number): Endpoint[] => changed(list, 2, { weight });
  const balancer = balancerOf(at(steps[0]));
  let before = slots(balancer, list);
  for (const weight of steps.slice(1)) {
    balancer.update(at(weight));
    const after = slots(balancer, list);
    assert.ok(movedShare(before, after) < 0.08, `${movedShare(before, after)} at ${weight}`);
    before = after;
  }
  assert.deepEqual(before, slots(balancerOf(list), list));
});

test('an endpoint without an address has no keys and no place', () => {
  const list = [endpoint(0), endpoint(1, { identity: '', isUsable: false, weight: 0 }), endpoint(2)];
  const without = [list[0], list[2]];
  assert.deepEqual(slots(balancerOf(list), list), slots(balancerOf(without), without));
});

test('an address configured twice has twice the keys', () => {
  const list = [endpoint(0), endpoint(1), endpoint(2, { identity: endpoint(1).identity })];
  const counts = histogram(slots(balancerOf(list), list), 3);
  assert.ok(Math.abs(counts[0] / KEYS - 1 / 3) < 0.02);
});

test('an endpoint that keeps its keys has those and gets no others, whatever happens to the others', () => {
  const list = endpoints(5);
  const before = slots(balancerOf(list), list);
  const kept = { isUsable: false, keepsKeys: true };
  const draining = changed(list, 2, kept);
  assert.deepEqual(slots(balancerOf(draining), draining), before);
  // The keys of one that is down go to anybody but it.
  const without = changed(draining, 3, { isUsable: false });
  slots(balancerOf(without), without).forEach((slot, i) => {
    assert.equal(slot === 2, before[i] === 2);
    assert.notEqual(slot, 3);
  });
  // Nor do they where nobody else is left, and nobody waits for it either.
  const alone = list.map((one) => Object.assign({}, one, one.slot === 2 ? kept : { isUsable: false }));
  slots(balancerOf(alone), alone).forEach((slot, i) => assert.equal(slot, before[i] === 2 ? 2 : PICK_NONE));
});
