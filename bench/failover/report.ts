/** A run as a Markdown page and as an SVG chart. */
import { median } from '../results.ts';
import { downIntervalMs } from '../../src/lab/evenkeel-node.ts';
import { type Measured, windowMs } from '../../src/lab/measure.ts';
import { EVENTS, type FailoverEvent } from './events.ts';
import type { Punctuality } from './punctuality.ts';

export interface Results {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: ResultRow[];
  /** Adverts under load. */
  readonly punctuality: PunctualityRow[];
}

export interface ResultRow {
  readonly event: string;
  readonly intervalMs: number;
  /** By contender. */
  readonly samples: Record<string, readonly Measured[]>;
}

export interface PunctualityRow {
  readonly intervalMs: number;
  /** By contender. */
  readonly samples: Record<string, readonly Punctuality[]>;
}

const OURS = 'evenkeel';

export function rowOf(results: Results, event: string, intervalMs: number): ResultRow {
  const found = results.rows.find((row) => row.event === event && row.intervalMs === intervalMs);
  if (found !== undefined) return found;
  const row = { event, intervalMs, samples: {} };
  results.rows.push(row);
  return row;
}

export function punctualityOf(results: Results, intervalMs: number): PunctualityRow {
  const found = results.punctuality.find((row) => row.intervalMs === intervalMs);
  if (found !== undefined) return found;
  const row = { intervalMs, samples: {} };
  results.punctuality.push(row);
  return row;
}

export function renderMarkdown(results: Results): string {
  const lines = [
    '# Failover: figures',
    '',
    `${Object.entries(results.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join('; ')}; ${results.machine}. How it was measured, and what it means: [failover](../failover.md).`,
  ];
  for (const intervalMs of intervalsOf(results)) {
    lines.push(
      '',
      `## Adverts every ${intervalText(intervalMs)}`,
      '',
      `A backup waits ${milliseconds(downIntervalMs(intervalMs))} of silence. Each event is looked at for ${(windowMs(intervalMs) / 1000).toFixed(1)} s.`,
      '',
      '| event | | requests fail for | wanted | requests failed | two hold the address for | wanted | moves |',
      '|---|---|---:|---:|---:|---:|---:|---:|',
    );
    for (const event of EVENTS) {
      const { samples } = rowOf(results, event.name, intervalMs);
      for (const name of namesOf(results)) {
        if (samples[name] !== undefined) lines.push(rowLine(event, intervalMs, name, samples[name]));
      }
    }
  }
  if (results.punctuality.length > 0) lines.push(...punctualityLines(results));
  return `${lines.join('\n')}\n`;
}

function punctualityLines(results: Results): string[] {
  const lines = [
    '',
    '## Adverts while the data plane is saturated',
    '',
    '| adverts every | | requests/s | adverts | late by more than a tenth | latest by | the same without standstills | latest by | wanted |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const { intervalMs, samples } of [...results.punctuality].sort((a, b) => b.intervalMs - a.intervalMs)) {
    for (const name of namesOf(results)) {
      const of = samples[name];
      if (of === undefined) continue;
      const sum = (pick: (sample: Punctuality) => number): number => of.reduce((total, each) => total + pick(each), 0);
      const cells = [
        intervalText(intervalMs),
        name,
        Math.round(median(of.map((sample) => sample.requestsPerSecond))).toLocaleString('en'),
        sum((sample) => sample.adverts).toLocaleString('en'),
        String(sum((sample) => sample.late)),
        `${Math.max(...of.map((sample) => sample.latestMs)).toFixed(1)} ms`,
        String(sum((sample) => sample.lateItself)),
        `${Math.max(...of.map((sample) => sample.latestItselfMs)).toFixed(1)} ms`,
        name === OURS ? '0' : '',
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return lines;
}

function rowLine(event: FailoverEvent, intervalMs: number, name: string, samples: readonly Measured[]): string {
  const of = (pick: (sample: Measured) => number): number => median(samples.map(pick));
  const isOurs = name === OURS;
  const wantedGap = event.wantedGapMs?.(downIntervalMs(intervalMs));
  const wantedTwo = event.wantedTwoHoldersMs?.(intervalMs);
  const isSplit = samples.filter((sample) => sample.isSplit).length * 2 > samples.length;
  const twoHolders = milliseconds(of((sample) => sample.twoHoldersMs));
  const cells = [
    event.title,
    name,
    milliseconds(of((sample) => sample.gapMs)),
    isOurs && wantedGap !== undefined ? `≤ ${milliseconds(wantedGap)}` : '',
    Math.round(of((sample) => sample.failed)).toLocaleString('en'),
    isSplit ? `${twoHolders}, and no end` : twoHolders,
    isOurs && wantedTwo !== undefined ? `≤ ${milliseconds(wantedTwo)}` : '',
    String(of((sample) => sample.moves)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function intervalsOf({ rows }: Results): number[] {
  return [...new Set(rows.map(({ intervalMs }) => intervalMs))].sort((a, b) => b - a);
}

/** Ours last, as in the other benchmark. */
function namesOf({ versions }: Results): string[] {
  return Object.keys(versions).sort((a, b) => Number(a === OURS) - Number(b === OURS));
}

function intervalText(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}

function milliseconds(ms: number): string {
  return `${Math.round(ms).toLocaleString('en')} ms`;
}

const BAR_HEIGHT = 13;
const LEFT = 370;
const WIDTH = 1060;
const LENGTH_MAX = 420;
const COLOURS = { ours: '#0b7a75', theirs: '#7a8b99', two: '#c2402e' };

/** For each interval and event a bar of the time in which requests fail, and under it one of the time with two holders. */
export function renderChart(results: Results): string {
  const parts: string[] = [];
  let y = 56;
  for (const intervalMs of intervalsOf(results)) {
    const rows = EVENTS.map((event) => ({ event, row: rowOf(results, event.name, intervalMs) }));
    const most = Math.max(
      1,
      ...rows.flatMap(({ row }) => Object.values(row.samples).map((s) => Math.max(gapOf(s), twoOf(s)))),
    );
    parts.push(
      `<text x="${LEFT}" y="${y}" font-size="14" font-weight="600">adverts every ${intervalText(intervalMs)}</text>`,
    );
    y += 12;
    for (const { event, row } of rows) {
      const names = namesOf(results).filter((name) => row.samples[name] !== undefined);
      if (names.length === 0) continue;
      parts.push(`<text x="${LEFT - 12}" y="${y + BAR_HEIGHT}" text-anchor="end">${event.title}</text>`);
      for (const name of names) {
        const samples = row.samples[name];
        const colour = name === OURS ? COLOURS.ours : COLOURS.theirs;
        parts.push(...bar(y, gapOf(samples), most, colour, `${name} ${milliseconds(gapOf(samples))}`));
        y += BAR_HEIGHT + 2;
        if (twoOf(samples) >= 1) {
          const end = samples.some(({ isSplit }) => isSplit) ? ', and no end' : '';
          parts.push(...bar(y, twoOf(samples), most, COLOURS.two, `two holders ${milliseconds(twoOf(samples))}${end}`));
          y += BAR_HEIGHT + 2;
        }
      }
      y += 8;
    }
    y += 30;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" font-size="15" font-weight="600">How long requests fail, and how long two nodes hold the address (less is better)</text>
${parts.join('\n')}
</svg>
`;
}

function bar(y: number, value: number, most: number, colour: string, label: string): string[] {
  const length = Math.max(1, (value / most) * LENGTH_MAX);
  return [
    `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" fill="${colour}"/>`,
    `<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + BAR_HEIGHT - 3}">${label}</text>`,
  ];
}

function gapOf(samples: readonly Measured[]): number {
  return median(samples.map(({ gapMs }) => gapMs));
}

function twoOf(samples: readonly Measured[]): number {
  return median(samples.map(({ twoHoldersMs }) => twoHoldersMs));
}
