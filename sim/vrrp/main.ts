/**
 * `npm run sim:vrrp`: scenarios of virtual routers on a faulty segment, thousands a minute.
 *
 *   -- --seed N         one scenario, with a trace of what happened
 *   -- --seed N --pcap FILE   and what was on the segment, for Wireshark
 *   -- --count N --from N     so many, from that seed on
 *   -- --seconds N      as many as fit
 *   -- --canary KIND    a node is sabotaged (addresses-for-ever, deaf, never-ticks): the checks must find it
 */
import { parseArgs } from 'node:util';
import type { Sabotage } from './node.ts';
import { PcapWriter } from './pcap.ts';
import { PLAIN_RUN, runScenario } from './run.ts';
import { drawScenario } from './scenario.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    pcap: { type: 'string' },
    count: { type: 'string' },
    from: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    canary: { type: 'string', default: 'none' },
  },
});

const sabotage = values.canary as Sabotage;

if (values.seed === undefined) runMany();
else runOne(Number(values.seed));

function runOne(seed: number): void {
  const scenario = drawScenario(seed);
  const { nodes, faults: _, ...rest } = scenario;
  console.log(JSON.stringify(rest));
  for (const node of nodes) console.log(JSON.stringify(node));
  const writer = values.pcap === undefined ? null : new PcapWriter(values.pcap);
  const tap = writer === null ? null : writer.write.bind(writer);
  const result = runScenario(scenario, { ...PLAIN_RUN, sabotage, sabotagedNode: 0, tap, trace: console.log });
  writer?.close();
  console.log(`seed ${seed}: ${result.violations.length} violations, ${result.changes} changes of a role`);
  if (result.violations.length > 0) process.exitCode = 1;
}

function runMany(): void {
  const from = Number(values.from);
  const count = values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count);
  const endMs = values.seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.seconds) * 1000;
  const until = Number.isFinite(count) || Number.isFinite(endMs) ? count : 10_000;
  const startedMs = Date.now();
  let failed = 0;
  let simulatedS = 0;
  let seed = from;
  for (; seed < from + until && Date.now() < endMs; seed++) {
    const result = runScenario(drawScenario(seed), { ...PLAIN_RUN, sabotage, sabotagedNode: 0 });
    simulatedS += result.simulatedUs / 1e6;
    if (result.violations.length === 0) continue;
    failed++;
    const [{ condition, atUs, detail }] = result.violations;
    if (failed <= 20) console.log(`seed ${seed}: ${condition}, ${detail}, at ${(atUs / 1e6).toFixed(3)} s`);
  }
  const tookS = (Date.now() - startedMs) / 1000;
  const played = seed - from;
  console.log(
    `${played} scenarios, ${Math.round(simulatedS / 3600)} hours, in ${tookS.toFixed(1)} s (${Math.round((played / tookS) * 60)} a minute): ${failed} failed`,
  );
  if (failed > 0) process.exitCode = 1;
}
