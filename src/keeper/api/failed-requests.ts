/** The last requests that the proxies answered with errors of their own, for whoever has the identifier of one. */
import type { FailedRequestView } from '../../api/failed-requests.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import type { FailedRequest, FailedTry, ProxyEvent } from '../../port/control.ts';

const KEPT_MAX = 1_000;
const TRIES_MAX = 8;
const TEXT_MAX = 200;

export class FailedRequests {
  private readonly unixMs: () => number;
  /** The oldest first. */
  private readonly kept: FailedRequestView[] = [];
  private leftOutCount = 0;

  /** `unixMs`: milliseconds since 1970. */
  constructor(unixMs: () => number) {
    this.unixMs = unixMs;
  }

  handleReport({ leftOut, requests }: Extract<ProxyEvent, { kind: 'failed-requests' }>): void {
    this.leftOutCount += leftOut;
    const now = this.unixMs();
    for (const request of requests) {
      if (request.answer < ANSWER_KINDS.length) this.kept.push(viewOf(request, now));
    }
    this.kept.splice(0, Math.max(0, this.kept.length - KEPT_MAX));
  }

  /** The newest first. */
  last(limit: number): readonly FailedRequestView[] {
    return this.kept.slice(-limit).toReversed();
  }

  /** The last one with this identifier; null: it is not kept. */
  find(id: string): FailedRequestView | null {
    return this.kept.findLast((one) => one.id === id) ?? null;
  }

  get count(): number {
    return this.kept.length;
  }

  /** So many were not told. */
  get leftOut(): number {
    return this.leftOutCount;
  }
}

/** Nothing more than what belongs there: a proxy reads what strangers send. */
function viewOf(request: FailedRequest, now: number): FailedRequestView {
  const {
    answer,
    asked = [],
    agoMs,
    by,
    id,
    limiter,
    listener,
    method,
    phase,
    queuedMs,
    route,
    status,
    tookMs,
    tries,
    upstream,
  } = request;
  const { name: reason, text: why } = ANSWER_KINDS[answer];
  return {
    id: clip(id),
    at: new Date(now - agoMs).toISOString(),
    status,
    reason,
    why,
    by,
    method: clip(method),
    phase: clip(phase),
    listener: clip(listener),
    limiter: limiter === undefined ? null : clip(limiter),
    route: route === null ? null : clip(route),
    upstream: upstream === null ? null : clip(upstream),
    tookMs,
    queuedMs,
    tries: triesOf(tries),
    asked: triesOf(asked),
  };
}

function triesOf(tries: readonly FailedTry[]): FailedRequestView['tries'] {
  return tries.slice(0, TRIES_MAX).map(({ server, status, failure, connectedMs, endedMs }) => {
    return { server: clip(server), status, failure: failure === null ? null : clip(failure), connectedMs, endedMs };
  });
}

function clip(text: string): string {
  return text.slice(0, TEXT_MAX);
}
