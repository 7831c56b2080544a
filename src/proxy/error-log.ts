/**
 * The last requests that this proxy answered with an error of its own, for whoever has the identifier of one: reported once a second, so many of them
 * and no more. Other requests do not come here (answer-log.ts).
 */
import { latin1 } from '../base/text.ts';
import { routeText } from '../config/words/route-words.ts';
import { ENDINGS, PHASES } from '../core/endings.ts';
import type { FailedRequest, FailedTry, ProxyEvent } from '../port/control.ts';
import { METHOD_NAMES } from '../wire/http1/head.ts';
import { failureText } from './failure-text.ts';
import type { AnswerRecord, RequestRecord } from './http/request-record.ts';
import type { Trail, Try } from './http/trail.ts';

/** In a second: of a flood of errors the first ones say as much. */
const KEPT_MAX = 32;
/** In one message, whose length is bounded. */
const PER_MESSAGE = 4;
const TRIES_MAX = 8;
const TEXT_MAX = 120;

/** So far without how long ago it was. */
interface Kept {
  readonly request: Omit<FailedRequest, 'agoMs'>;
  readonly endedAt: number;
}

export class ErrorLog {
  private readonly report: (event: ProxyEvent) => void;
  private kept: Kept[] = [];
  private leftOut = 0;

  constructor(report: (event: ProxyEvent) => void) {
    this.report = report;
  }

  handleError(record: RequestRecord, answer: AnswerRecord): void {
    if (answer.idLength === 0) return;
    if (this.kept.length >= KEPT_MAX) {
      this.leftOut++;
      return;
    }
    const {
      asked,
      ending,
      endedAt,
      headAt,
      listener,
      method,
      phase,
      queuedMs,
      limiter,
      routePlan,
      status,
      trail,
      upstreamPlan,
    } = record;
    const request = {
      id: latin1(answer.id, answer.idAt, answer.idLength),
      answer: answer.kind,
      status,
      by: ENDINGS[ending].by,
      method: METHOD_NAMES[method],
      phase: PHASES[phase],
      listener: clip(listener.name),
      route: routePlan === null ? null : clip(routeText(routePlan)),
      upstream: upstreamPlan === null ? null : clip(upstreamPlan.name),
      tookMs: endedAt - headAt,
      queuedMs,
      ...(limiter === '' ? {} : { limiter: clip(limiter) }),
      tries: triesOf(trail),
      ...(asked === null ? {} : { asked: triesOf(asked) }),
    };
    this.kept.push({ request, endedAt });
  }

  /** Once a second. */
  flush(now: number): void {
    if (this.kept.length === 0) return;
    const requests = this.kept.map(({ request, endedAt }) => ({ ...request, agoMs: now - endedAt }));
    for (let at = 0; at < requests.length; at += PER_MESSAGE) {
      const leftOut = at === 0 ? this.leftOut : 0;
      this.report({ kind: 'failed-requests', requests: requests.slice(at, at + PER_MESSAGE), leftOut });
    }
    this.kept = [];
    this.leftOut = 0;
  }
}

function triesOf(trail: Trail): readonly FailedTry[] {
  const tries: FailedTry[] = [];
  for (let i = Math.max(0, trail.count - TRIES_MAX); i < trail.count; i++) tries.push(triedText(trail.at(i)));
  return tries;
}

function triedText({ begunAt, connectedAt, failure, headAt, isForNobody, server, status }: Try): FailedTry {
  if (isForNobody)
    return { server: clip(server), status, failure: 'no server to try', connectedMs: null, endedMs: null };
  return {
    server: clip(server),
    status,
    failure: failure === 0 ? null : failureText(failure, status),
    connectedMs: connectedAt < 0 ? null : connectedAt - begunAt,
    endedMs: headAt < 0 ? null : headAt - begunAt,
  };
}

function clip(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
}
