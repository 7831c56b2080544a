/**
 * `npm run sim:announce`: balancers that announce the same addresses while processes are killed and stand still, and things fail and recover.
 *
 *   -- --seed N              one seed
 *   -- --from N --count K    many
 *   -- --canary KIND         broken on purpose: must fail
 */
import { seedsAsked } from '../seeds.ts';
import { AnnounceWorld, type Canary } from './world.ts';

const { canary, count, first } = seedsAsked();
let failures = 0;
let withdrawals = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = new AnnounceWorld(seed, canary as Canary).run();
  withdrawals += outcome.withdrawals;
  if (outcome.fault === null) continue;
  failures++;
  console.log(`seed ${seed}: ${outcome.fault}`);
}
console.log(`${count} seeds from ${first}: ${failures} failed; ${withdrawals} withdrawals`);
process.exitCode = failures > 0 ? 1 : 0;
