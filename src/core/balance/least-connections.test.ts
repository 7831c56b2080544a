import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WEIGHT_UNIT } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import { createBalancer } from './create.ts';
import {
  FixedLoad,
  NOTHING_TRIED,
  changed,
  endpoint,
  endpoints,
  histogram,
  pickMany,
  weighted,
} from './fixtures.test.ts';

test('the endpoint with the fewest connections for its weight is picked', () => {
  const one = fc.record({ weight: fc.integer({ min: 1, max: 4 }), connections: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 10 }), fc.nat(), (all, seed) => {
      const balancer = createBalancer('least-connections', new Prng(seed));
      balancer.update(weighted(...all.map(({ weight }) => weight)));
      const pick = balancer.pick(new FixedLoad(all.map(({ connections }) => connections)), 0, NOTHING_TRIED, 0);
      const loads = all.map(({ weight, connections }) => connections / weight);
      assert.equal(loads[pick], Math.min(...loads));
    }),
  );
});

test('equals share by weight', () => {
  const balancer = createBalancer('least-connections', new Prng(1));
  balancer.update(weighted(3, 1, 2));
  assert.deepEqual(histogram(pickMany(balancer, 60), 3), [30, 10, 20]);
});

test('connections level out, whatever the weights', () => {
  const balancer = createBalancer('least-connections', new Prng(1));
  balancer.update(weighted(1, 2, 5));
  const load = new FixedLoad([0, 0, 0]);
  for (let i = 0; i < 800; i++) load.connections[balancer.pick(load, 0, NOTHING_TRIED, 0)]++;
  assert.deepEqual(load.connections, [100, 200, 500]);
});

test('with hundreds of endpoints the drawn least keeps connections within a few of each other', () => {
  const count = 500;
  const balancer = createBalancer('least-connections', new Prng(1));
  balancer.update(endpoints(count));
  const load = new FixedLoad(new Array<number>(count).fill(0));
  for (let i = 0; i < count * 40; i++) load.connections[balancer.pick(load, 0, NOTHING_TRIED, 0)]++;
  assert.ok(Math.max(...load.connections) <= 42, `highest ${Math.max(...load.connections)}`);
});

test('with hundreds of endpoints and no load, weights still set the shares', () => {
  const count = 200;
  const balancer = createBalancer('least-connections', new Prng(1));
  const heavy = 4 * WEIGHT_UNIT;
  balancer.update(Array.from({ length: count }, (_, i) => endpoint(i, { weight: i < 100 ? heavy : WEIGHT_UNIT })));
  const counts = histogram(pickMany(balancer, 20_000), count);
  const heavyShare = counts.slice(0, 100).reduce((a, b) => a + b, 0) / 20_000;
  assert.ok(Math.abs(heavyShare - 0.8) < 0.02, `${heavyShare}`);
});

test('the only free one among hundreds is found', () => {
  const count = 300;
  const balancer = createBalancer('least-connections', new Prng(1));
  balancer.update(changed(endpoints(count), 'all', { maxConnections: 1 }));
  const load = new FixedLoad(new Array<number>(count).fill(1));
  load.connections[211] = 0;
  assert.equal(balancer.pick(load, 0, NOTHING_TRIED, 0), 211);
});
