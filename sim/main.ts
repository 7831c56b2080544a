/**
 * `npm run sim -- --seed N [--count K] [--seconds S] [--verbose] [--reduce]`
 *
 * Runs seeds N, N+1, ... and prints each that breaks an invariant, with what happened. Without --seed it begins at a seed
 * taken from the clock, which is printed. Exit code 1 if any failed.
 */
import { parseArgs } from 'node:util';
import { HARMFUL_FAULTS, HARMLESS_FAULTS } from './faults.ts';
import { NO_OMISSIONS, type Omissions } from './scenario.ts';
import { runSeed, type RunResult } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string' },
    seconds: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    reduce: { type: 'boolean', default: false },
    lines: { type: 'string', default: '60' },
    failures: { type: 'string', default: '10' },
  },
});

const firstSeed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const hasBound = values.count !== undefined || values.seconds !== undefined;
const count = values.count !== undefined ? Number(values.count) : hasBound || values.seed === undefined ? Infinity : 1;
const seconds =
  values.seconds !== undefined ? Number(values.seconds) : hasBound || values.seed !== undefined ? Infinity : 60;
const failuresMax = Number(values.failures);

function show(result: RunResult, omissions: Omissions): void {
  const replayed = runSeed(result.seed, { isRecording: true, omissions });
  const lines = Number(values.lines);
  console.log(`seed ${result.seed} (trace ${result.traceHash}) breaks an invariant`);
  console.log(`  ${result.detail}`);
  console.log(`  faults: ${[...result.scenario.faults].join(', ') || 'none'}`);
  if (omissions.faults.length + omissions.clients.length > 0) {
    console.log(`  left out: faults [${omissions.faults.join(', ')}], clients [${omissions.clients.join(', ')}]`);
  }
  const from = values.verbose ? 0 : Math.max(0, replayed.trace.length - lines);
  if (from > 0) console.log(`  ... ${from} lines; --verbose or --lines N shows more`);
  for (const line of replayed.trace.slice(from)) console.log(line);
}

/** Leaves out clients and classes of faults as long as the same invariant breaks. */
function reduce(result: RunResult): Omissions {
  let omissions = NO_OMISSIONS;
  const isStillBroken = (candidate: Omissions): boolean => {
    const again = runSeed(result.seed, { omissions: candidate });
    return again.invariant === result.invariant && withoutNumbers(again.detail) === withoutNumbers(result.detail);
  };
  const { httpClients, hostileClients, tcpClients } = result.scenario;
  for (const client of [...httpClients, ...hostileClients, ...tcpClients]) {
    const candidate = { ...omissions, clients: [...omissions.clients, client.id] };
    if (isStillBroken(candidate)) omissions = candidate;
  }
  for (const fault of [...HARMLESS_FAULTS, ...HARMFUL_FAULTS]) {
    if (!result.scenario.faults.has(fault)) continue;
    const candidate = { ...omissions, faults: [...omissions.faults, fault] };
    if (isStillBroken(candidate)) omissions = candidate;
  }
  return omissions;
}

function withoutNumbers(text: string): string {
  return text.replace(/[0-9]+/g, '#').slice(0, 60);
}

const startedAt = performance.now();
let failures = 0;
let runs = 0;
let answered = 0;
let otherwise = 0;
const kinds = new Map<string, number[]>();

for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  if (performance.now() - startedAt > seconds * 1000) break;
  const result = runSeed(seed);
  runs++;
  answered += result.answered;
  otherwise += result.otherwise;
  if (result.invariant === null) continue;
  failures++;
  const kind = withoutNumbers(result.detail);
  const seeds = kinds.get(kind) ?? [];
  kinds.set(kind, seeds);
  seeds.push(seed);
  if (seeds.length === 1 && kinds.size <= failuresMax) {
    show(result, values.reduce ? reduce(result) : NO_OMISSIONS);
  }
}

if (values.verbose && count === 1 && failures === 0) {
  const result = runSeed(firstSeed, { isRecording: true });
  for (const line of result.trace) console.log(line);
}
const took = (performance.now() - startedAt) / 1000;
console.log(
  `${runs} seeds from ${firstSeed} in ${took.toFixed(1)} s: ${failures} failed; ` +
    `${answered} requests answered by a server, ${otherwise} otherwise`,
);
for (const [kind, seeds] of kinds) console.log(`  ${seeds.length} x ${kind}: ${seeds.slice(0, 8).join(' ')}`);
process.exitCode = failures > 0 ? 1 : 0;
