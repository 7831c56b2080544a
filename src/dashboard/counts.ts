/** From totals to what happens each second: two answers of the API, one after the other, and what lies between them. */
import type { StatusDocument } from '../api/status.ts';
import { growthOf, perSecond, quantileOf } from '../base/rates.ts';

/** Statuses that requests are answered with. */
export const CLASSES = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
export type CodeClass = (typeof CLASSES)[number];

/** What was counted up to a moment. */
export interface Totals {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly requests: number;
  readonly classes: Readonly<Record<CodeClass, number>>;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Answers of evenkeel's own because something was wrong. */
  readonly ownErrors: number;
  /** Connections and sessions that were accepted. */
  readonly accepted: number;
  /** Of whole requests: how many took less than 1, 2, 4, ... ms, each without those before; null: it is not counted. */
  readonly durations: readonly number[] | null;
}

/** What happened between two moments. */
export interface Sample {
  readonly at: number;
  /** Each second. */
  readonly requests: number;
  readonly classes: Readonly<Record<CodeClass, number>>;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly ownErrors: number;
  readonly accepted: number;
  /** Milliseconds; null: no request ended. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Now. */
  readonly connections: number;
  readonly waiting: number;
}

const byClass = (of: (name: CodeClass) => number): Readonly<Record<CodeClass, number>> =>
  Object.fromEntries(CLASSES.map((name) => [name, of(name)])) as Record<CodeClass, number>;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

export function totalsOf(status: StatusDocument, at: number): Totals {
  const counted = status.listeners.flatMap(({ traffic }) => traffic ?? []);
  const durations = counted.map(({ duration }) => duration.buckets);
  return {
    at,
    requests: sum(status.proxies.map(({ requests }) => requests)),
    classes: byClass((name) => sum(counted.map(({ requests }) => requests[name]))),
    receivedBytes: sum(counted.map(({ receivedBytes }) => receivedBytes)),
    sentBytes: sum(counted.map(({ sentBytes }) => sentBytes)),
    ownErrors: sum(status.answers.map(({ count }) => count)),
    accepted: sum(status.listeners.map(({ accepted }) => accepted)),
    durations: durations.length === 0 ? null : durations[0].map((_, i) => sum(durations.map((each) => each[i] ?? 0))),
  };
}

export function sampleOf(before: Totals, after: Totals, status: StatusDocument): Sample {
  const seconds = (after.at - before.at) / 1000;
  const rate = (take: (totals: Totals) => number): number => perSecond(take(before), take(after), seconds);
  const classes = byClass((name) => rate(({ classes }) => classes[name]));
  const between = growthOf(before.durations ?? [], after.durations ?? []);
  return {
    at: after.at,
    // Those of proxies begin anew with each of them; those of listeners do not.
    requests: after.durations === null ? rate(({ requests }) => requests) : sum(Object.values(classes)),
    classes,
    receivedBytes: rate(({ receivedBytes }) => receivedBytes),
    sentBytes: rate(({ sentBytes }) => sentBytes),
    ownErrors: rate(({ ownErrors }) => ownErrors),
    accepted: rate(({ accepted }) => accepted),
    p50: quantileOf(between, 0.5),
    p99: quantileOf(between, 0.99),
    connections: sum(status.listeners.map(({ connections }) => connections)),
    waiting: sum(status.upstreams.map(({ waiting }) => waiting)),
  };
}
