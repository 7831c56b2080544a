import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WEIGHT_UNIT } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import { createBalancer } from './create.ts';
import {
  FixedLoad,
  NOTHING_TRIED,
  NO_LOAD,
  changed,
  endpoint,
  endpoints,
  histogram,
  pickMany,
  weighted,
} from './fixtures.test.ts';

function rotations(round: readonly number[]): string[] {
  return round.map((_, i) => [...round.slice(i), ...round.slice(0, i)].join(''));
}

test('weights 5, 1, 1 give the round of nginx, a a b a c a a, from any place in it', () => {
  const expected = rotations([0, 0, 1, 0, 2, 0, 0]);
  const begun = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const balancer = createBalancer('round-robin', new Prng(seed));
    balancer.update(weighted(5, 1, 1));
    const rounds = pickMany(balancer, 14).join('');
    assert.equal(rounds.slice(0, 7), rounds.slice(7));
    assert.ok(expected.includes(rounds.slice(0, 7)), rounds);
    begun.add(rounds.slice(0, 7));
  }
  assert.ok(begun.size > 1, 'proxies must not all begin with the same server');
});

test('equal weights go round in order', () => {
  const balancer = createBalancer('round-robin', new Prng(1));
  balancer.update(endpoints(3));
  const picks = pickMany(balancer, 9);
  for (let i = 1; i < picks.length; i++) assert.equal(picks[i], (picks[i - 1] + 1) % 3);
});

/** How many turns the endpoint that is furthest from its share is off, at any moment of the first 1000 turns. */
function worstLag(weights: readonly number[], seed: number): number {
  const balancer = createBalancer('round-robin', new Prng(seed));
  balancer.update(weights.map((weight, slot) => endpoint(slot, { weight })));
  const total = weights.reduce((a, b) => a + b, 0);
  const counts = new Array<number>(weights.length).fill(0);
  let worst = 0;
  for (let turn = 1; turn <= 1000; turn++) {
    counts[balancer.pick(NO_LOAD, 0, NOTHING_TRIED, 0)]++;
    for (let i = 0; i < weights.length; i++) worst = Math.max(worst, Math.abs(counts[i] - (turn * weights[i]) / total));
  }
  return worst;
}

test('at every moment each endpoint is within two and a half turns of its share', () => {
  const weight = fc.constantFrom(1, 32, WEIGHT_UNIT, WEIGHT_UNIT, 2 * WEIGHT_UNIT, 7 * WEIGHT_UNIT, 256 * WEIGHT_UNIT);
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 12 }), fc.nat(), (weights, seed) => {
      // about one turn, and another because the round begins anywhere
      assert.ok(worstLag(weights, seed) < 2.5);
    }),
    { numRuns: 200 },
  );
});

test('of many endpoints, each is within two turns of its share, and a heavy one among light ones within eight', () => {
  const likely = fc.constantFrom(WEIGHT_UNIT, 2 * WEIGHT_UNIT, 4 * WEIGHT_UNIT);
  const extreme = fc.constantFrom(1, 1, 1, WEIGHT_UNIT, 256 * WEIGHT_UNIT);
  const bounds = { minLength: 17, maxLength: 90, size: 'max' } as const;
  fc.assert(
    fc.property(fc.array(likely, bounds), fc.array(extreme, bounds), fc.nat(), (weights, extremes, seed) => {
      assert.ok(worstLag(weights, seed) < 2);
      assert.ok(worstLag(extremes, seed) < 8);
    }),
    { numRuns: 40 },
  );
});

for (const count of [8, 200]) {
  test(`${count} endpoints: an update that changes one does not start the round again`, () => {
    const balancer = createBalancer('round-robin', new Prng(3));
    const all = endpoints(count);
    balancer.update(all);
    const seen = new Set(pickMany(balancer, count - 1));
    const last = all.findIndex((_, number) => !seen.has(number));
    const other = (last + 1) % count;
    balancer.update(changed(all, other, { isUsable: false }));
    assert.equal(balancer.pick(NO_LOAD, 0, NOTHING_TRIED, 0), last);
  });

  test(`${count} endpoints: what a full one cannot take is spread over the others, and it has no burst afterwards`, () => {
    const balancer = createBalancer('round-robin', new Prng(3));
    const all = changed(endpoints(count), 0, { maxConnections: 1 });
    balancer.update(all);
    const load = new FixedLoad([1]);
    const rounds = 20;
    const counts = histogram(pickMany(balancer, (count - 1) * rounds, load), count);
    assert.equal(counts[0], 0);
    for (let i = 1; i < count; i++) assert.ok(Math.abs(counts[i] - rounds) <= 1, `${counts[i]} of ${rounds}`);
    load.connections[0] = 0;
    const after = histogram(pickMany(balancer, count * 2), count);
    assert.ok(after[0] <= 3, `a burst of ${after[0]}`);
  });

  test(`${count} endpoints: retries of a failing one spread over the others`, () => {
    const balancer = createBalancer('round-robin', new Prng(3));
    balancer.update(endpoints(count));
    const counts = new Array<number>(count).fill(0);
    const rounds = 20;
    const tried = Int32Array.of(0);
    for (let i = 0; i < count * rounds; i++) {
      let pick = balancer.pick(NO_LOAD, 0, tried, 0);
      if (pick === 0) pick = balancer.pick(NO_LOAD, 0, tried, 1);
      counts[pick]++;
    }
    const fair = (count * rounds) / (count - 1);
    for (let i = 1; i < count; i++) assert.ok(Math.abs(counts[i] - fair) < 3, `${counts[i]} instead of ${fair}`);
  });
}
