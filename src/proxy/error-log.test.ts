import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import { answerKind } from '../core/answers/kinds.ts';
import { endedByAnswer, PHASE_CONNECT } from '../core/endings.ts';
import { FAILED_CONNECT } from '../core/retry.ts';
import { CONTROL_LINE_BYTES_MAX, encodeControl, parseProxyMessage, type ProxyEvent } from '../port/control.ts';
import { ascii } from '../wire/http1/emit.ts';
import { METHOD_GET } from '../wire/http1/head.ts';
import { ErrorLog } from './error-log.ts';
import type { AnswerRecord, RequestRecord } from './http/request-record.ts';
import { Trail } from './http/trail.ts';

const KIND = answerKind('connect-failed');

function recordOf(id: string, name = 'web'): RequestRecord {
  const trail = new Trail();
  for (let i = 0; i < 20; i++) {
    trail.begin(`192.0.2.${i}:80`, 100 + i);
    trail.fail(502, FAILED_CONNECT, 105 + i);
  }
  const bytes = ascii(id);
  return {
    isRequest: true,
    method: METHOD_GET,
    ending: endedByAnswer(KIND),
    phase: PHASE_CONNECT,
    status: 502,
    limiter: '',
    listener: { name } as ListenerPlan,
    routePlan: null,
    upstreamPlan: { name } as UpstreamPlan,
    trail,
    asked: trail,
    answer: { owner: name, kind: KIND, id: bytes, idAt: 0, idLength: bytes.length },
    headAt: 100,
    endedAt: 150,
    queuedMs: 0,
  } as unknown as RequestRecord;
}

function note(log: ErrorLog, record: RequestRecord): void {
  log.handleError(record, record.answer as AnswerRecord);
}

test('what failed is told with its identifier, its tries, and how long ago it was', () => {
  const events: ProxyEvent[] = [];
  const log = new ErrorLog((event) => events.push(event));
  log.flush(200);
  assert.deepEqual(events, []);
  note(log, recordOf('abc'));
  log.flush(200);
  log.flush(300);
  assert.equal(events.length, 1);
  const [event] = events as Extract<ProxyEvent, { kind: 'failed-requests' }>[];
  const [{ id, agoMs, asked, tookMs, by, method, phase, tries, upstream }] = event.requests;
  assert.deepEqual(
    [id, agoMs, tookMs, by, method, phase, upstream],
    ['abc', 50, 50, 'server', 'GET', 'connect', 'web'],
  );
  assert.deepEqual(asked, tries);
  assert.deepEqual(
    [tries.length, tries.at(-1)],
    [
      8,
      {
        server: '192.0.2.19:80',
        status: 502,
        failure: 'connection refused or unreachable',
        connectedMs: null,
        endedMs: 5,
      },
    ],
  );
});

test('a flood is cut off, the rest is counted, and each message fits into a line', () => {
  const events: ProxyEvent[] = [];
  const log = new ErrorLog((event) => events.push(event));
  for (let i = 0; i < 1_000; i++) note(log, recordOf(`id${i}`, '\u{1f600}'.repeat(500)));
  log.flush(200);
  const told = events as Extract<ProxyEvent, { kind: 'failed-requests' }>[];
  const kept = told.flatMap(({ requests }) => requests);
  assert.equal(kept.length + told.reduce((sum, { leftOut }) => sum + leftOut, 0), 1_000);
  assert.ok(kept.length >= 10);
  for (const event of told) {
    const line = encodeControl({ type: 'event', event });
    assert.ok(line.length < CONTROL_LINE_BYTES_MAX, `${line.length}`);
    assert.deepEqual(parseProxyMessage(String.fromCharCode(...line.subarray(0, -1))), { type: 'event', event });
  }
});
