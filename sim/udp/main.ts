/**
 * `npm run sim:udp`: a node with a listener of UDP, under reloads, upgrades, kills and floods, on a network that loses, repeats and overtakes.
 *
 *   -- --seed N              one seed, with its history
 *   -- --from N --count K    many
 *   -- --canary KIND         broken on purpose: must fail
 */
import { parseArgs } from 'node:util';
import { World } from '../world.ts';
import type { UdpSabotage } from './datagrams.ts';
import { playUdp } from './run.ts';
import { drawUdpScenario } from './scenario.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    canary: { type: 'string', default: 'none' },
  },
});

const sabotage = values.canary as UdpSabotage;
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const totals = { asked: 0, answered: 0, handedOn: 0 };
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  const world = new World(seed, values.seed !== undefined);
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
