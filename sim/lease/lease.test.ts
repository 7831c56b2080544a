/** Seeds of nodes that want one lease; and what is broken on purpose, which must be caught. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIM_SECONDS } from '../seconds.ts';
import { type Canary, LeaseWorld } from './world.ts';

const SEEDS = 10 * SIM_SECONDS;
const CANARY_SEEDS = 200;

test('never two have the address, and one has it when all is well', (t) => {
  let takeovers = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = new LeaseWorld(seed).run();
    assert.equal(outcome.fault, null, `seed ${seed}`);
    takeovers += outcome.takeovers;
  }
  assert.ok(takeovers > 2 * SEEDS, `${takeovers} takeovers`);
  t.diagnostic(`${takeovers} takeovers`);
});

for (const canary of ['fast-clock', 'frees-unasked'] satisfies Canary[]) {
  test(`canary: nodes that are broken by ${canary} are caught`, () => {
    const seeds = Array.from({ length: CANARY_SEEDS }, (_, i) => i + 1);
    assert.ok(seeds.some((seed) => new LeaseWorld(seed, canary).run().fault?.includes('have the address')));
  });
}
