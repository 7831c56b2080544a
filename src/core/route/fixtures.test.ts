/** What the tests of this folder share: routes, and requests as the parser hands them over. */
import assert from 'node:assert/strict';
import type { ActionPlan, MatchPlan, PathMatchPlan, RewritePlan, RoutePlan } from '../../config/plan.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';

const NO_EDIT = { set: [], add: [], remove: [] };
const NO_RETRY = { attempts: 1, connect: false, reset: false, timeout: false, statuses: [], nonIdempotent: false };
const LIMITS = { headBytes: 24 * 1024, headers: 64 };

function proxyTo(rewrite: RewritePlan | null): ActionPlan {
  return { kind: 'proxy', upstream: 0, rewrite, timeoutMs: 0, retry: NO_RETRY };
}

/** A route for everything, or what `match` says. */
export function route(match: Partial<MatchPlan> = {}, rewrite: RewritePlan | null = null): RoutePlan {
  return {
    match: { hosts: [], path: null, methods: [], headers: [], query: [], ...match },
    action: proxyTo(rewrite),
    requestHeaders: NO_EDIT,
    responseHeaders: NO_EDIT,
  };
}

export function prefix(value: string): PathMatchPlan {
  return { kind: 'prefix', value };
}

export function exact(value: string): PathMatchPlan {
  return { kind: 'exact', value };
}

export function regex(value: string): PathMatchPlan {
  return { kind: 'regex', value };
}

export interface Request {
  readonly bytes: Uint8Array;
  readonly head: RequestHead;
}

/** A parsed request, with other bytes around it. */
export function request(target: string, host = 'a.example', method = 'GET', fields: readonly string[] = []): Request {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, '', ''];
  const text = `/%/${lines.join('\r\n')}/%..`;
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  const head = new RequestHead(64);
  const length = parseRequestHead(bytes, 3, bytes.length - 4, LIMITS, head);
  assert.equal(length, bytes.length - 7, `not a request: ${JSON.stringify(text)} (${length})`);
  return { bytes, head };
}

export function text(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.subarray(at, end)).toString('latin1');
}
