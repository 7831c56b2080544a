/** Seeds of balancers that announce the same addresses; and what is broken on purpose, which must be caught. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIM_SECONDS } from '../seconds.ts';
import { AnnounceWorld, type Canary } from './world.ts';

const SEEDS = 4 * SIM_SECONDS;
const CANARY_SEEDS = 20;

test('nothing is announced by who does not run or is not well, and everybody is announced when all is well', () => {
  let withdrawals = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = new AnnounceWorld(seed).run();
    assert.equal(outcome.fault, null, `seed ${seed}`);
    withdrawals += outcome.withdrawals;
  }
  assert.ok(withdrawals > SEEDS, `${withdrawals} withdrawals`);
});

const CANARIES = { immortal: 'has not run for', hasty: 'is without its addresses' } satisfies Partial<
  Record<Canary, string>
>;
for (const [canary, caught] of Object.entries(CANARIES)) {
  test(`canary: nodes that are broken by ${canary} are caught`, () => {
    const seeds = Array.from({ length: CANARY_SEEDS }, (_, i) => i + 1);
    assert.ok(seeds.some((seed) => new AnnounceWorld(seed, canary as Canary).run().fault?.includes(caught)));
  });
}
