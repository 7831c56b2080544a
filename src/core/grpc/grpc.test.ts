import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from '../value/fixtures.test.ts';
import { answerOf, grpcStatusOf, isCall, questionFor, timeoutMsOf } from './grpc.ts';

function call(...fields: readonly string[]): Parameters<typeof isCall> {
  const { bytes, head } = request('/a.B/C', 'a.example', 'POST', fields);
  return [bytes, head];
}

test('a call is what its content type says', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'Application/GRPC;x=1'])
    assert.ok(isCall(...call(`Content-Type: ${type}`)), type);
  for (const type of ['application/grpc-web', 'application/grpc-web+proto', 'application/json', 'application/grp'])
    assert.ok(!isCall(...call(`Content-Type: ${type}`)), type);
  assert.ok(!isCall(...call()));
});

test('a timeout has up to 8 digits and a unit', () => {
  const cases: readonly (readonly [text: string, ms: number])[] = [
    ['100m', 100],
    ['1S', 1000],
    ['2M', 120_000],
    ['1H', 3_600_000],
    ['1500u', 2],
    ['1n', 1],
    ['99999999m', 99_999_999],
    ['100000000m', 0],
    ['m', 0],
    ['1', 0],
    ['1x', 0],
    ['-1m', 0],
    ['1.5S', 0],
  ];
  for (const [text, ms] of cases) assert.equal(timeoutMsOf(...call(`grpc-timeout: ${text}`)), ms, text);
  assert.equal(timeoutMsOf(...call()), 0);
});

test('what an answer of HTTP is called', () => {
  assert.deepEqual([400, 403, 404, 413, 502, 503, 504, 500].map(grpcStatusOf), [13, 7, 12, 8, 14, 14, 4, 2]);
});

test('grpc.health.v1: a question, and what may come of it', () => {
  assert.deepEqual([...questionFor('')], [0, 0, 0, 0, 0]);
  assert.deepEqual([...questionFor('a.B')], [0, 0, 0, 0, 5, 0x0a, 3, 97, 46, 66]);
  const long = questionFor('x'.repeat(200));
  assert.deepEqual([...long.subarray(0, 8)], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
  assert.equal(answerOf(Uint8Array.of(0, 0, 0, 0, 2, 8, 1), '0'), 'SERVING');
  assert.equal(answerOf(Uint8Array.of(0, 0, 0, 0, 2, 8, 2), '0'), 'NOT_SERVING');
  assert.equal(answerOf(Uint8Array.of(0, 0, 0, 0, 0), '0'), 'UNKNOWN');
  assert.equal(answerOf(new Uint8Array(0), '12'), 'grpc-status 12');
  assert.equal(answerOf(new Uint8Array(0), undefined), 'no grpc-status');
  assert.equal(answerOf(new Uint8Array(0), 'x'.repeat(5_000)), 'not the expected answer');
  for (const odd of [
    [0, 0, 0, 0, 9, 8, 1],
    [1, 0, 0, 0, 2, 8, 1],
    [0, 0],
    [0, 0, 0, 0, 2, 16, 1],
  ])
    assert.equal(answerOf(Uint8Array.from(odd), '0'), 'not the expected answer', String(odd));
});
