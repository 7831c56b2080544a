import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { createBalancer } from './create.ts';
import { FixedLoad, NOTHING_TRIED, endpoints, histogram, pickMany, weighted } from './fixtures.test.ts';

test('of two endpoints the less loaded one is always picked', () => {
  const balancer = createBalancer('random-two', new Prng(1));
  balancer.update(weighted(1, 3));
  assert.deepEqual(histogram(pickMany(balancer, 50, new FixedLoad([5, 14])), 2), [0, 50]);
  assert.deepEqual(histogram(pickMany(balancer, 50, new FixedLoad([5, 16])), 2), [50, 0]);
});

test('the most loaded of many is never picked', () => {
  const balancer = createBalancer('random-two', new Prng(1));
  balancer.update(endpoints(10));
  const load = new FixedLoad([1, 1, 1, 1, 2, 1, 1, 1, 1, 1]);
  assert.equal(histogram(pickMany(balancer, 2000, load), 10)[4], 0);
});

test('without load the shares are those of the weights', () => {
  const balancer = createBalancer('random-two', new Prng(1));
  balancer.update(weighted(1, 2, 5, 2));
  const counts = histogram(pickMany(balancer, 50_000), 4);
  for (const [i, share] of [0.1, 0.2, 0.5, 0.2].entries()) {
    assert.ok(Math.abs(counts[i] / 50_000 - share) < 0.01, `${counts[i]} for ${share}`);
  }
});

test('connections stay within a few of each other: the power of two choices', () => {
  const count = 100;
  const balancer = createBalancer('random-two', new Prng(1));
  balancer.update(endpoints(count));
  const load = new FixedLoad(new Array<number>(count).fill(0));
  for (let i = 0; i < count * 100; i++) load.connections[balancer.pick(load, 0, NOTHING_TRIED, 0)]++;
  const highest = Math.max(...load.connections);
  assert.ok(highest <= 105, `highest ${highest}`); // one random choice would reach about 130
});
