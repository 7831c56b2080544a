/**
 * `npm run sim:fleet`: one evenkeel with its keepers and proxies under reloads, upgrades and kills.
 *
 *   -- --seed N              one seed, with its history
 *   -- --from N --count K    many
 *   -- --canary KIND         with keepers that are broken: must fail
 */
import { seedsAsked } from '../seeds.ts';
import type { Sabotage } from './keeper-process.ts';
import { runFleet } from './run.ts';

const { canary, count, first, hasHistory } = seedsAsked();
const sabotage = canary as Sabotage;
const totals: Record<string, number> = {};
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  const run = await runFleet(seed, sabotage, hasHistory);
  for (const line of run.trace) console.log(line);
  for (const [name, number] of Object.entries(run.counts)) totals[name] = (totals[name] ?? 0) + number;
  if (run.invariant === null) continue;
  failures++;
  console.log(`seed ${seed}: ${run.detail}`);
}
console.log(`${count} seeds from ${first}: ${failures} failed; ${JSON.stringify(totals)}`);
process.exitCode = failures > 0 ? 1 : 0;
