import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WEIGHT_UNIT } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import type { Balance } from '../../config/plan/upstream.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint } from './balancer.ts';
import { createBalancer } from './create.ts';
import { FixedLoad, NOTHING_TRIED, NO_LOAD, endpoint } from './fixtures.test.ts';

const BALANCES: readonly Balance[] = ['round-robin', 'least-connections', 'random-two', 'source-hash', 'hash'];

/** Which answers the contract allows, from its words alone. */
function allowed(
  endpoints: readonly Endpoint[],
  connections: readonly number[],
  tried: readonly number[],
): Set<number> {
  const numbers = endpoints.map((_, number) => number);
  const usable = numbers.filter((n) => endpoints[n].isUsable && endpoints[n].weight > 0);
  if (usable.length === 0) return new Set([PICK_NONE]);
  const untried = usable.filter((n) => !tried.includes(n));
  if (untried.length === 0) return new Set([PICK_TRIED]);
  const primaries = untried.filter((n) => !endpoints[n].isBackup);
  const tier = primaries.length > 0 ? primaries : untried;
  const free = tier.filter((n) => {
    const { maxConnections, slot } = endpoints[n];
    return maxConnections === 0 || connections[slot] < maxConnections;
  });
  return new Set(free.length > 0 ? free : [PICK_FULL]);
}

for (const balance of BALANCES) {
  test(`${balance}: picks only what is usable, not tried, not full, and backups only in need`, () => {
    const oneEndpoint = fc.record({
      weight: fc.constantFrom(0, 1, WEIGHT_UNIT, WEIGHT_UNIT, 5 * WEIGHT_UNIT),
      isUsable: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
      isBackup: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
      maxConnections: fc.constantFrom(0, 0, 1, 2),
      connections: fc.nat(3),
    });
    const few = fc.array(oneEndpoint, { maxLength: 6 });
    const many = fc.array(oneEndpoint, { minLength: 17, maxLength: 150, size: 'max' });
    fc.assert(
      fc.property(
        fc.integer(),
        fc.oneof(few, many),
        fc.array(fc.nat(8)),
        fc.infiniteStream(fc.integer()),
        (seed, specs, tried, keys) => {
          const list = specs.map((spec, slot) => endpoint(slot, spec));
          const connections = specs.map((spec) => spec.connections);
          const load = new FixedLoad(connections);
          const expected = allowed(list, connections, tried);
          const balancer = createBalancer(balance, new Prng(seed));
          balancer.update(list);
          for (let i = 0; i < 20; i++) {
            const key = keys.next().value;
            const pick = balancer.pick(load, key, Int32Array.from([...tried, -1, 77]), tried.length);
            assert.ok(expected.has(pick), `${pick} is not one of ${[...expected].join(' ')}`);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test(`${balance}: without endpoints there is none`, () => {
    const balancer = createBalancer(balance, new Prng(1));
    assert.equal(balancer.pick(NO_LOAD, 0, NOTHING_TRIED, 0), PICK_NONE);
    balancer.update([]);
    assert.equal(balancer.pick(NO_LOAD, 0, NOTHING_TRIED, 0), PICK_NONE);
  });

  test(`${balance}: an endpoint comes and goes with updates, and later changes to the objects count only then`, () => {
    const balancer = createBalancer(balance, new Prng(1));
    const changing = { ...endpoint(0), isUsable: true };
    balancer.update([changing]);
    changing.isUsable = false;
    assert.equal(balancer.pick(NO_LOAD, 5, NOTHING_TRIED, 0), 0);
    balancer.update([changing]);
    assert.equal(balancer.pick(NO_LOAD, 5, NOTHING_TRIED, 0), PICK_NONE);
    changing.isUsable = true;
    balancer.update([changing]);
    assert.equal(balancer.pick(NO_LOAD, 5, NOTHING_TRIED, 0), 0);
  });

  test(`${balance}: a request that failed on every primary may go to a backup; one that finds them full may not`, () => {
    const balancer = createBalancer(balance, new Prng(1));
    balancer.update([
      endpoint(0, { maxConnections: 1 }),
      endpoint(1, { maxConnections: 1 }),
      endpoint(2, { isBackup: true }),
    ]);
    const full = new FixedLoad([1, 1, 0]);
    assert.equal(balancer.pick(full, 5, NOTHING_TRIED, 0), PICK_FULL);
    assert.equal(balancer.pick(full, 5, Int32Array.of(1), 1), PICK_FULL);
    assert.equal(balancer.pick(full, 5, Int32Array.of(1, 0), 2), 2);
    assert.equal(balancer.pick(full, 5, Int32Array.of(1, 0, 2), 3), PICK_TRIED);
  });

  test(`${balance}: where nobody is queued, one that finds every primary full goes to a backup`, () => {
    const balancer = createBalancer(balance, new Prng(1), false, true);
    balancer.update([
      endpoint(0, { maxConnections: 1 }),
      endpoint(1, { maxConnections: 1 }),
      endpoint(2, { isBackup: true, maxConnections: 1 }),
    ]);
    assert.equal(balancer.pick(new FixedLoad([1, 1, 0]), 5, NOTHING_TRIED, 0), 2);
    assert.equal(balancer.pick(new FixedLoad([1, 1, 1]), 5, NOTHING_TRIED, 0), PICK_FULL);
    balancer.update([endpoint(0, { maxConnections: 1 })]);
    assert.equal(balancer.pick(new FixedLoad([1]), 5, NOTHING_TRIED, 0), PICK_FULL);
  });
}
