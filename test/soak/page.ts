/** What a soak has seen as a Markdown page. */
import { BALANCERS, type Balancer } from '../../src/lab/pair.ts';
import type { Footprint } from '../campaign/footprint.ts';
import type { Failure } from '../campaign/traffic.ts';
import { COSTS, type Deed, ORDERS } from './orders.ts';

export interface SoakResult {
  readonly deeds: readonly Deed[];
  /** By kind of traffic. */
  readonly done: Readonly<Record<string, number>>;
  /** What failed and had to, by why. */
  readonly excused: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly footprints: Readonly<Record<Balancer, readonly Footprint[]>>;
  readonly scrapeMs: readonly number[];
  readonly scrapesFailed: number;
}

interface Run {
  readonly machine: string;
  readonly minutes: number;
  readonly seed: string;
  readonly faults: readonly string[];
}

const MIB = 1_024;

export function renderPage(result: SoakResult, { faults, machine, minutes, seed }: Run): string {
  const { deeds, done, excused, failures, footprints, scrapeMs, scrapesFailed } = result;
  return [
    '# Soak: figures',
    '',
    `${machine}; ${minutes} minutes, seed ${seed}. What is done, and what may fail: [soak](../soak.md).`,
    '',
    faults.length === 0 ? 'Nothing failed that must not.' : `**Faults:** ${faults.join('; ')}`,
    '',
    '| order | how often | its longest, until all serve again | what it may cost |',
    '|---|---:|---:|---|',
    ...ORDERS.map((order) => {
      const all = deeds.filter((deed) => deed.order === order);
      const longest = Math.max(0, ...all.map(({ beganAt, settledAt }) => settledAt - beganAt));
      return `| ${order} | ${all.length} | ${(longest / 1_000).toFixed(1)} s | ${COSTS[order]} |`;
    }),
    '',
    '| answered | |',
    '|---|---:|',
    ...rows(done),
    ...rows(excused, 'ended, as it had to: '),
    `| **failed** | **${failures.length}** |`,
    `| scrapes | ${scrapeMs.length.toLocaleString('en')}: ${spread(scrapeMs)} |`,
    `| scrapes that failed of a node that was there | ${scrapesFailed} |`,
    '',
    '| memory, MiB | first | largest of the first half | of the second half | last |',
    '|---|---:|---:|---:|---:|',
    ...BALANCERS.flatMap((host) =>
      (['keeperKib', 'proxyKib'] as const).map((of) => {
        const all = footprints[host].map((each) => each[of]);
        const half = Math.ceil(all.length / 2);
        const figures = [all[0], Math.max(...all.slice(0, half)), Math.max(...all.slice(half)), all.at(-1)!];
        const name = of === 'keeperKib' ? 'keeper' : 'its larger proxy';
        return `| ${host}: ${name} | ${figures.map((kib) => (kib / MIB).toFixed(0)).join(' | ')} |`;
      }),
    ),
    '',
  ].join('\n');
}

function rows(counts: Readonly<Record<string, number>>, before = ''): readonly string[] {
  return Object.entries(counts).map(([what, count]) => `| ${before}${what} | ${count.toLocaleString('en')} |`);
}

function spread(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(0);
  return `${at(0.5)} ms in the median, ${at(0.99)} ms p99`;
}
