/**
 * `npm run sim:udp`: a node with a listener of UDP, under reloads, upgrades, kills and floods, on a network that loses, repeats and overtakes.
 *
 *   -- --seed N              one seed, with its history
 *   -- --from N --count K    many
 *   -- --canary KIND         broken on purpose: must fail
 */
import { seedsAsked } from '../seeds.ts';
import { World } from '../world.ts';
import type { UdpSabotage } from './datagrams.ts';
import { playUdp } from './run.ts';
import { drawUdpScenario } from './scenario.ts';

const { canary, count, first, hasHistory } = seedsAsked();
const sabotage = canary as UdpSabotage;
const totals = { asked: 0, answered: 0, handedOn: 0 };
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  const world = new World(seed, hasHistory);
  try {
    const run = playUdp(seed, { sabotage, world });
    totals.asked += run.asked;
    totals.answered += run.answered;
    totals.handedOn += run.handedOn;
  } catch (error) {
    failures++;
    console.log(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    console.log(`  faults: ${[...drawUdpScenario(seed).faults].join(', ') || 'none'}`);
  }
  for (const line of world.trace()) console.log(line);
}
console.log(`${count} seeds from ${first}: ${failures} failed; ${JSON.stringify(totals)}`);
process.exitCode = failures > 0 ? 1 : 0;
