/** What was counted of traffic, as the admin API tells it. */
import type {
  EndingView,
  HistogramView,
  ListenerTrafficView,
  LoopView,
  RouteTrafficView,
  SessionTrafficView,
  ServerTrafficView,
  UpstreamTrafficView,
} from '../../api/traffic.ts';
import type { WorkerRow } from '../../base/board.ts';
import { BUCKETS } from '../../base/histogram.ts';
import { L_STARVED, L_SUBMISSIONS, L_TURNS, LOOP_UNIT_MS } from '../../base/loop-cells.ts';
import {
  HANDSHAKE_FAILED,
  HANDSHAKE_FULL,
  HANDSHAKE_RESUMED,
  P_ENDINGS,
  P_LOOP,
  P_SESSION_ENDINGS,
  S_RESPONSE_TIME,
  S_RESPONSES,
  T_CLASSES,
  T_DURATION,
  T_HANDSHAKES,
  T_RECEIVED,
  T_SENT,
  U_CONNECT,
  U_DURATION,
  U_FIRST_BYTE,
  U_QUEUE,
  U_RETRIES,
} from '../../base/traffic-cells.ts';
import type { CountedPlan } from '../../config/plan/record.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import { ENDINGS } from '../../core/endings.ts';
import { FAILURE_NAMES } from '../../core/retry.ts';
import { ofListener, ofRoute, ofServer, ofUpstream, type TrafficTotals } from './totals.ts';

export function listenerTrafficView(totals: TrafficTotals, plan: ListenerPlan): ListenerTrafficView {
  const cells = totals.of(ofListener(plan));
  return { ...requestsOf(cells), duration: histogramOf(cells, T_DURATION) };
}

/** Of TCP and UDP. */
export function sessionsView(totals: TrafficTotals, plan: ListenerPlan): SessionTrafficView {
  const cells = totals.of(ofListener(plan));
  return { receivedBytes: cells[T_RECEIVED], sentBytes: cells[T_SENT], duration: histogramOf(cells, T_DURATION) };
}

/** Handshakes of TLS. */
export function handshakesView(
  totals: TrafficTotals,
  plan: ListenerPlan,
): { readonly full: number; readonly resumed: number; readonly failed: number } {
  const cells = totals.of(ofListener(plan));
  return {
    full: cells[T_HANDSHAKES + HANDSHAKE_FULL],
    resumed: cells[T_HANDSHAKES + HANDSHAKE_RESUMED],
    failed: cells[T_HANDSHAKES + HANDSHAKE_FAILED],
  };
}

/** Of one that has no place there is nothing. */
export function routeTrafficView(
  totals: TrafficTotals,
  listener: ListenerPlan,
  counted: CountedPlan,
): RouteTrafficView {
  const cells = totals.of(ofRoute(listener, counted));
  const { route, upstream, isTimed } = counted;
  const duration = isTimed ? histogramOf(cells, T_DURATION) : null;
  return { listener: listener.name, route, upstream, ...requestsOf(cells), duration };
}

export function upstreamTrafficView(totals: TrafficTotals, plan: UpstreamPlan): UpstreamTrafficView {
  const cells = totals.of(ofUpstream(plan));
  return {
    duration: histogramOf(cells, U_DURATION),
    connect: histogramOf(cells, U_CONNECT),
    firstByte: histogramOf(cells, U_FIRST_BYTE),
    queue: histogramOf(cells, U_QUEUE),
    retries: FAILURE_NAMES.flatMap((reason, failure) => {
      return reason === '' ? [] : [{ reason, count: cells[U_RETRIES + failure] }];
    }),
  };
}

/** `idle`: how many connections are kept there. */
export function serverTrafficView(
  totals: TrafficTotals,
  upstream: UpstreamPlan,
  server: ServerPlan,
  slot: number,
  idle: number,
): ServerTrafficView {
  const cells = totals.of(ofServer(upstream, server, slot));
  const responseSeconds = cells[S_RESPONSE_TIME] / 1_000;
  return { ...requestsOf(cells), responses: cells[S_RESPONSES], responseSeconds, idle };
}

/** Why requests have ended, and why sessions of TCP and UDP have. */
export function endingViews(totals: TrafficTotals): Record<'endings' | 'sessionEndings', readonly EndingView[]> {
  const cells = totals.ofProcesses();
  const of = (at: number): readonly EndingView[] =>
    ENDINGS.map(({ name, by }, i) => ({ name, by, count: cells[at + i] })).filter(({ count }) => count > 0);
  return { endings: of(P_ENDINGS), sessionEndings: of(P_SESSION_ENDINGS) };
}

/** Of one proxy, and those that had its row before it. */
export function loopView({ traffic: { cells } }: WorkerRow): LoopView {
  const turns = histogramOf(cells, P_LOOP + L_TURNS);
  return {
    turns: { ...turns, sumSeconds: turns.sumSeconds * LOOP_UNIT_MS },
    submissions: cells[P_LOOP + L_SUBMISSIONS],
    starved: cells[P_LOOP + L_STARVED],
  };
}

function requestsOf(cells: Float64Array): Pick<ListenerTrafficView, 'requests' | 'receivedBytes' | 'sentBytes'> {
  return {
    // there are thousands of them in a scrape
    requests: {
      none: cells[T_CLASSES],
      '1xx': cells[T_CLASSES + 1],
      '2xx': cells[T_CLASSES + 2],
      '3xx': cells[T_CLASSES + 3],
      '4xx': cells[T_CLASSES + 4],
      '5xx': cells[T_CLASSES + 5],
    },
    receivedBytes: cells[T_RECEIVED],
    sentBytes: cells[T_SENT],
  };
}

function histogramOf(cells: Float64Array, at: number): HistogramView {
  const buckets = [...cells.subarray(at, at + BUCKETS)];
  return { count: buckets.reduce((sum, each) => sum + each, 0), sumSeconds: cells[at + BUCKETS] / 1_000, buckets };
}
