/** What a benchmark run measures, and how it is summed up. */
import type { ListenerKind } from './contenders.ts';
import type { LoadResult } from './load.ts';

export interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly header?: string;
  /** Without it `http`. */
  readonly listener?: ListenerKind;
  /** Every connection but the first resumes its session, one after the other. */
  readonly isResumed?: boolean;
  /** Datagrams of each client that have no answer yet. Without it one. */
  readonly underWay?: number;
  /** Over HTTP/2: requests of each connection at the same time. */
  readonly streams?: number;
  /** The bare loop can play it. */
  readonly isSmallKeepAlive?: boolean;
  /** Highest ratio of CPU per request to this contender's that is good enough. */
  readonly target: Readonly<Record<string, number>>;
}

export interface Sample extends LoadResult {
  readonly cpuUs: number;
  readonly memoryBytes: number;
}

/** Memory of one that waits. */
export interface IdleFigure {
  readonly name: string;
  readonly listener: 'http' | 'tls';
  readonly bytes: number;
}

export interface Row {
  readonly scenario: Scenario;
  /** By contender, one per round. */
  readonly samples: Map<string, Sample[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function medianOf(row: Row, name: string, pick: (sample: Sample) => number): number {
  return median((row.samples.get(name) ?? []).map(pick));
}

/** The median of each round's own ratio: neighbours in time share the machine's mood. */
export function ratio(row: Row, name: string, base: string, pick: (sample: Sample) => number): number {
  const ours = row.samples.get(name) ?? [];
  const theirs = row.samples.get(base) ?? [];
  return median(ours.map((sample, round) => pick(sample) / pick(theirs[round])));
}
