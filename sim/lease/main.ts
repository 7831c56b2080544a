/**
 * `npm run sim:lease`: nodes that want one lease, with clocks that run differently, a network that loses and cuts, and processes that stand still.
 *
 *   -- --seed N              one seed
 *   -- --from N --count K    many
 *   -- --canary KIND         broken on purpose: must fail
 */
import { seedsAsked } from '../seeds.ts';
import { type Canary, LeaseWorld } from './world.ts';

const { canary, count, first } = seedsAsked();
let failures = 0;
let takeovers = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = new LeaseWorld(seed, canary as Canary).run();
  takeovers += outcome.takeovers;
  if (outcome.fault === null) continue;
  failures++;
  console.log(`seed ${seed}: ${outcome.fault}`);
}
console.log(`${count} seeds from ${first}: ${failures} failed; ${takeovers} times the address was taken`);
process.exitCode = failures > 0 ? 1 : 0;
