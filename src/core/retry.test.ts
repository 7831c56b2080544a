import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RetryPlan } from '../config/plan/route.ts';
import {
  METHOD_CONNECT,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OPTIONS,
  METHOD_OTHER,
  METHOD_PATCH,
  METHOD_POST,
  METHOD_PUT,
  METHOD_TRACE,
} from '../wire/http1/head.ts';
import {
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_GRPC_STATUS,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_SILENT,
  FAILED_STATUS,
  SENT_EVERYTHING_KEPT,
  SENT_NOTHING,
  SENT_UNREPEATABLE,
  isIdempotent,
  mayRetry,
} from './retry.ts';

const NEVER: RetryPlan = {
  attempts: 1,
  connect: false,
  reset: false,
  timeout: false,
  statuses: [],
  nonIdempotent: false,
};

function rule(changes: Partial<RetryPlan>): RetryPlan {
  return { ...NEVER, attempts: 2, ...changes };
}

test('RFC 9110 section 9.2.2: the idempotent methods', () => {
  for (const method of [METHOD_GET, METHOD_HEAD, METHOD_PUT, METHOD_DELETE, METHOD_OPTIONS, METHOD_TRACE]) {
    assert.ok(isIdempotent(method));
  }
  for (const method of [METHOD_POST, METHOD_PATCH, METHOD_CONNECT, METHOD_OTHER]) assert.ok(!isIdempotent(method));
});

test('each kind of failure is repeated if and only if the rule names it', () => {
  const cases: readonly (readonly [how: Failure, status: number, by: Partial<RetryPlan>])[] = [
    [FAILED_CONNECT, 0, { connect: true }],
    [FAILED_CONNECT_TIMEOUT, 0, { connect: true }],
    [FAILED_RESET, 0, { reset: true }],
    [FAILED_RESPONSE_TIMEOUT, 0, { timeout: true }],
    [FAILED_SILENT, 0, { timeout: true }],
    [FAILED_STATUS, 503, { statuses: [502, 503] }],
  ];
  const everythingElse = { connect: true, reset: true, timeout: true, statuses: [502, 503] };
  const nothing = { connect: false, reset: false, timeout: false, statuses: [] };
  for (const [how, status, by] of cases) {
    const sent = how <= FAILED_CONNECT_TIMEOUT ? SENT_NOTHING : SENT_EVERYTHING_KEPT;
    assert.ok(mayRetry(rule(by), true, sent, how, status, false, 1), `${how} by its own`);
    const [key] = Object.keys(by) as (keyof typeof nothing)[];
    const others = rule({ ...everythingElse, [key]: nothing[key] });
    assert.ok(!mayRetry(others, true, sent, how, status, false, 1), `${how} by the others`);
  }
  assert.ok(!mayRetry(rule({ statuses: [502] }), true, SENT_EVERYTHING_KEPT, FAILED_STATUS, 503, false, 1));
});

test('tries end with the number that the rule allows', () => {
  const three = rule({ attempts: 3, connect: true });
  const mayTryAfter = (tries: number): boolean => mayRetry(three, true, SENT_NOTHING, FAILED_CONNECT, 0, false, tries);
  assert.deepEqual([1, 2, 3, 4].map(mayTryAfter), [true, true, false, false]);
});

test('RFC 9112 section 9.3.1: a reused connection that ended without a byte is repeated without a rule, if safe', () => {
  assert.ok(mayRetry(NEVER, true, SENT_EVERYTHING_KEPT, FAILED_RESET, 0, true, 1));
  assert.ok(!mayRetry(NEVER, false, SENT_EVERYTHING_KEPT, FAILED_RESET, 0, true, 1));
  assert.ok(mayRetry(rule({ nonIdempotent: true }), false, SENT_EVERYTHING_KEPT, FAILED_RESET, 0, true, 1));
  assert.ok(mayRetry(NEVER, false, SENT_NOTHING, FAILED_RESET, 0, true, 1));
  assert.ok(!mayRetry(NEVER, true, SENT_UNREPEATABLE, FAILED_RESET, 0, true, 1));
  // what is not a reset is not stale
  assert.ok(!mayRetry(NEVER, true, SENT_EVERYTHING_KEPT, FAILED_RESPONSE_TIMEOUT, 0, true, 1));
});

test('a response that is none is not repeated, whatever the rule', () => {
  const all = rule({ connect: true, reset: true, timeout: true, statuses: [0, 500, 502], nonIdempotent: true });
  assert.ok(!mayRetry(all, true, SENT_EVERYTHING_KEPT, FAILED_BAD_RESPONSE, 0, false, 1));
});

test('for every input: nothing half gone is sent again, and nothing unsafe without the rule saying so', () => {
  const rules = fc.record({
    attempts: fc.integer({ min: 1, max: 4 }),
    connect: fc.boolean(),
    reset: fc.boolean(),
    timeout: fc.boolean(),
    statuses: fc.subarray([429, 500, 502, 503, 504]),
    nonIdempotent: fc.boolean(),
  });
  const sents = fc.constantFrom(SENT_NOTHING, SENT_EVERYTHING_KEPT, SENT_UNREPEATABLE);
  const hows = fc.constantFrom<Failure>(
    FAILED_CONNECT,
    FAILED_CONNECT_TIMEOUT,
    FAILED_RESET,
    FAILED_RESPONSE_TIMEOUT,
    FAILED_BAD_RESPONSE,
    FAILED_STATUS,
  );
  const statuses = fc.constantFrom(429, 500, 502, 503, 504, 418);
  fc.assert(
    fc.property(
      rules,
      fc.boolean(),
      sents,
      hows,
      statuses,
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      (rule, isIdempotent, sent, how, status, isStale, tries) => {
        if (!mayRetry(rule, isIdempotent, sent, how, status, isStale, tries)) return;
        assert.notEqual(sent, SENT_UNREPEATABLE);
        assert.ok(sent === SENT_NOTHING || isIdempotent || rule.nonIdempotent);
        assert.ok(tries < rule.attempts || (isStale && how === FAILED_RESET));
      },
    ),
  );
});

test('a call is repeated by a status of gRPC that the rule has, though it is no idempotent request', () => {
  const by = rule({ grpcStatuses: [14] });
  assert.ok(mayRetry(by, false, SENT_EVERYTHING_KEPT, FAILED_GRPC_STATUS, 14, false, 1));
  assert.ok(!mayRetry(by, false, SENT_EVERYTHING_KEPT, FAILED_GRPC_STATUS, 8, false, 1));
  assert.ok(!mayRetry(by, false, SENT_UNREPEATABLE, FAILED_GRPC_STATUS, 14, false, 1));
  assert.ok(!mayRetry(by, false, SENT_EVERYTHING_KEPT, FAILED_GRPC_STATUS, 14, false, 2), 'tries are bounded');
  assert.ok(!mayRetry(rule({ statuses: [503] }), false, SENT_EVERYTHING_KEPT, FAILED_GRPC_STATUS, 14, false, 1));
});
