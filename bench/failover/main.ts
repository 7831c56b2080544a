/**
 * `npm run bench:failover`: evenkeel and keepalived with nginx side by side in one run, on the same topology, with the same
 * intervals, struck by the same events. Needs root: it builds network namespaces, and removes them however it ends.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sweepLabs } from '../../src/lab/janitor.ts';
import type { Measured } from '../../src/lab/measure.ts';
import { Pair } from '../../src/lab/pair.ts';
import { refusalOfLab } from '../../src/lab/system.ts';
import type { Contender } from './contender.ts';
import { evenkeel } from './evenkeel.ts';
import { EVENTS, type FailoverEvent } from './events.ts';
import { keepalived } from './keepalived.ts';
import { makeReadyFor, measureEvent } from './measure.ts';
import { measurePunctuality, type Punctuality } from './punctuality.ts';
import { type Results, renderChart, punctualityOf, renderMarkdown, rowOf } from './report.ts';

const program: readonly [string, string] = [
  process.execPath,
  fileURLToPath(new URL('../../src/main.js', import.meta.url)),
];

/** Not an event: adverts under load. */
const PUNCTUALITY = 'load';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    intervals: { type: 'string', default: '1000,100,10' },
    only: { type: 'string', default: '' },
    contender: { type: 'string', default: '' },
    out: { type: 'string', default: fileURLToPath(new URL('../../../bench/out', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(
    'npm run bench:failover -- [--rounds 3] [--intervals 1000,100,10] [--only EVENT,EVENT] [--contender NAME] [--out DIRECTORY]\n' +
      `events: ${[...EVENTS.map(({ name }) => name), PUNCTUALITY].join(', ')}`,
  );
} else {
  const refusal = refusalOfLab();
  if (refusal === null) await main();
  else {
    console.error(refusal);
    process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  await sweepLabs();
  const contenders = [keepalived(), evenkeel(program)].filter(({ name }) => name.includes(options.contender));
  const events = EVENTS.filter(({ name }) => isWanted(name));
  const results = loadResults(contenders);
  for (const intervalMs of options.intervals.split(',').map(Number)) {
    const pairs = await Promise.all(contenders.map(() => Pair.create(program)));
    try {
      for (const event of events) await runEvent(contenders, pairs, event, intervalMs, results);
      if (isWanted(PUNCTUALITY)) await runLoad(contenders, pairs, intervalMs, results);
    } finally {
      await Promise.all(pairs.map((pair) => pair.remove()));
    }
    // After every interval: a long run that is ended has something to show.
    writeResults(results);
  }
  console.log(renderMarkdown(results));
}

function isWanted(name: string): boolean {
  return options.only === '' || options.only.split(',').includes(name);
}

async function runEvent(
  contenders: readonly Contender[],
  pairs: readonly Pair[],
  event: FailoverEvent,
  intervalMs: number,
  results: Results,
): Promise<void> {
  const samples = new Map<string, Measured[]>();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [i, contender] of contenders.entries()) {
      if (event.name === 'hand-over' && contender.handOver === null) continue;
      const sample = await measureEvent(contender, pairs[i], event, intervalMs);
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
      console.error(`${intervalMs} ms, ${event.title}, ${contender.name}: ${JSON.stringify(sample)}`);
    }
  }
  for (const [contender, of] of samples) rowOf(results, event.name, intervalMs).samples[contender] = of;
}

async function runLoad(
  contenders: readonly Contender[],
  pairs: readonly Pair[],
  intervalMs: number,
  results: Results,
): Promise<void> {
  const samples = new Map<string, Punctuality[]>();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [i, contender] of contenders.entries()) {
      await makeReadyFor(contender, pairs[i], intervalMs);
      const sample = await measurePunctuality(pairs[i], intervalMs);
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
      console.error(`${intervalMs} ms, load, ${contender.name}: ${JSON.stringify(sample)}`);
    }
  }
  for (const [contender, of] of samples) punctualityOf(results, intervalMs).samples[contender] = of;
}

function loadResults(contenders: readonly Contender[]): Results {
  const kernel = release().split('.').slice(0, 2).join('.');
  const machine = `${cpus().length} cores, Linux ${kernel}, Node ${process.version}`;
  const versions = Object.fromEntries(contenders.map(({ name, version }) => [name, version]));
  try {
    const before = JSON.parse(readFileSync(join(options.out, 'failover.json'), 'utf8')) as Results;
    // A run of a part replaces that part of an earlier run on the same machine.
    if (before.machine === machine) return { ...before, versions: { ...before.versions, ...versions } };
  } catch {
    // There was none.
  }
  return { machine, versions, rows: [], punctuality: [] };
}

function writeResults(results: Results): void {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'failover.json'), JSON.stringify(results, null, 1));
  writeFileSync(join(options.out, 'failover.md'), renderMarkdown(results));
  writeFileSync(join(options.out, 'failover.svg'), renderChart(results));
}
