/** What was between two looks at a running evenkeel: rates, and times of what ended meanwhile. Pure. */
import type { ListenerView, ServerView } from '../api/data-plane.ts';
import type { StatusDocument } from '../api/status.ts';
import type { CodeClassesView } from '../api/traffic.ts';
import { growthOf, perSecond, quantileOf } from '../base/rates.ts';

export interface ListenerRates {
  readonly view: ListenerView;
  /** Connections or sessions that began, in a second. */
  readonly begunPerS: number;
  /** Requests that ended, in a second; null: it is not of HTTP. */
  readonly requestsPerS: number | null;
  /** Of these, with a status from 500 on. */
  readonly errorsPerS: number;
  /** Milliseconds; null: nothing ended. */
  readonly medianMs: number | null;
  readonly p99Ms: number | null;
}

export interface ServerRates {
  readonly upstream: string;
  readonly view: ServerView;
  readonly requestsPerS: number;
  readonly failuresPerS: number;
  readonly takes: boolean;
}

export interface Frame {
  readonly status: StatusDocument;
  readonly listeners: readonly ListenerRates[];
  readonly servers: readonly ServerRates[];
  /** Answers of evenkeel's own because something is wrong, in a second, by kind: the most frequent first. */
  readonly answers: readonly { readonly name: string; readonly status: number; readonly perS: number }[];
}

/** `status` was `seconds` later than `before`. What is new counts from nothing; what fell, as a counter that began anew, is nothing. */
export function frameOf(before: StatusDocument, status: StatusDocument, seconds: number): Frame {
  const per = (now: number, then: number): number => perSecond(then, now, seconds);
  const listenersBefore = new Map(before.listeners.map((each) => [each.name, each]));
  const serversBefore = new Map(
    before.upstreams.flatMap(({ name, servers }) => servers.map((each) => [keyOf(name, each), each] as const)),
  );
  const answersBefore = new Map(before.answers.map(({ name, count }) => [name, count]));
  return {
    status,
    listeners: status.listeners.map((view) => {
      const then = listenersBefore.get(view.name);
      // a program of before tells nothing of it
      const traffic = view.traffic ?? null;
      const times = traffic === null ? null : growthOf(then?.traffic?.duration.buckets ?? [], traffic.duration.buckets);
      return {
        view,
        begunPerS: per(view.accepted, then?.accepted ?? 0),
        requestsPerS: traffic === null ? null : per(sumOf(traffic.requests), sumOf(then?.traffic?.requests)),
        errorsPerS: traffic === null ? 0 : per(traffic.requests['5xx'], then?.traffic?.requests['5xx'] ?? 0),
        medianMs: times === null ? null : quantileOf(times, 0.5),
        p99Ms: times === null ? null : quantileOf(times, 0.99),
      };
    }),
    servers: status.upstreams.flatMap(({ name: upstream, servers }) =>
      servers.map((view) => {
        const then = serversBefore.get(keyOf(upstream, view));
        return {
          upstream,
          view,
          requestsPerS: per(view.requests, then?.requests ?? 0),
          failuresPerS: per(view.failures, then?.failures ?? 0),
          takes: view.state === 'up' || view.state === 'unchecked',
        };
      }),
    ),
    answers: status.answers
      .map(({ name, status, count }) => ({ name, status, perS: per(count, answersBefore.get(name) ?? 0) }))
      .filter(({ perS }) => perS > 0)
      .sort((a, b) => b.perS - a.perS),
  };
}

function keyOf(upstream: string, { address, name }: ServerView): string {
  return `${upstream} ${name} ${address}`;
}

function sumOf(classes: CodeClassesView | undefined): number {
  return classes === undefined ? 0 : Object.values(classes).reduce((sum, count) => sum + count, 0);
}
