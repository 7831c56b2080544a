import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitTable } from '../../base/limit-table.ts';
import type { LimitPlan, RequestLimitPlan } from '../../config/plan/limits.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { copyIp, IpWords, parseIpText } from '../../wire/ip-text.ts';
import { request } from '../value/fixtures.test.ts';
import { RouteLimits, Verdict } from './route-limits.ts';

const ROWS = 2;
const LIMIT: LimitPlan = { zone: 'a', key: null, ipv6Bits: 64, status: 429, isDry: false };
const RATE: RequestLimitPlan = { ...LIMIT, rate: 1000, burst: 1, delayAfter: null };
const memory = new ArrayBuffer(LimitTable.bytesFor(ROWS));

/** Judges one request of this client after the other, at these moments. */
function judge(requests: readonly RequestLimitPlan[], connections: number[] = []) {
  new Int32Array(memory).fill(0);
  const table = new LimitTable(memory, ROWS);
  table.join(0);
  const limits = new RouteLimits({
    requests,
    connections: connections.map((max) => ({ ...LIMIT, zone: `${max}`, max })),
  });
  const verdict = new Verdict();
  return (client: string, target = '/', nowMs = 1000): Verdict => {
    const view = request(target);
    const ip = new IpWords();
    assert.ok(parseIpText(Buffer.from(client), 0, client.length, ip));
    copyIp(ip, view.client);
    limits.judge(view, { table, row: 0 }, nowMs, verdict);
    return verdict;
  };
}

const isIn = ({ refusal }: Verdict): boolean => refusal === null;

test('clients are told apart, of IPv6 by their network', () => {
  const of = judge([{ ...RATE, burst: 0 }]);
  assert.ok(isIn(of('192.0.2.1')));
  assert.ok(!isIn(of('192.0.2.1')));
  assert.ok(isIn(of('192.0.2.2')));
  assert.ok(isIn(of('2001:db8::1')));
  assert.ok(!isIn(of('2001:db8::ffff:2')));
  assert.ok(isIn(of('2001:db8:0:1::1')));
  assert.deepEqual(of('192.0.2.1').refusal, {
    kind: 'requests',
    limiter: 'a',
    status: 429,
    lines: ascii('Retry-After: 1\r\n'),
  });
});

test('without a key nothing is counted', () => {
  const of = judge([{ ...RATE, key: '{query:k}', burst: 0 }]);
  for (let i = 0; i < 3; i++) assert.ok(isIn(of('192.0.2.1')));
  assert.deepEqual(
    [isIn(of('192.0.2.1', '/?k=1')), isIn(of('192.0.2.2', '/?k=1')), isIn(of('192.0.2.1', '/?k=2'))],
    [true, false, true],
  );
});

test('those beyond the first wait until the rate has them', () => {
  const of = judge([{ ...RATE, rate: 2000, burst: 4, delayAfter: 1 }]);
  const delays = [1, 2, 3, 4, 5].map(() => of('192.0.2.1').delayMs);
  assert.deepEqual(delays, [0, 0, 500, 1000, 1500]);
  assert.ok(!isIn(of('192.0.2.1')));
  assert.equal(of('192.0.2.1', '/', 1500).delayMs, 1500);
});

test('who is refused by one limit is counted by none, and one that only looks refuses nobody', () => {
  const of = judge([
    { ...RATE, zone: 'first', burst: 2 },
    { ...RATE, zone: 'second', key: '{query:k}', burst: 0 },
  ]);
  assert.ok(isIn(of('192.0.2.1', '/?k=1')));
  for (let i = 0; i < 5; i++) assert.ok(!isIn(of('192.0.2.1', '/?k=1')));
  assert.deepEqual(
    [1, 2, 3].map(() => isIn(of('192.0.2.1'))),
    [true, true, false],
  );
  const dry = judge([{ ...RATE, burst: 0, isDry: true }]);
  assert.deepEqual(
    [1, 2].map(() => dry('192.0.2.1').isDry),
    [false, true],
  );
});

test('at one time: what one limit has counted is given back where another one refuses', () => {
  const of = judge([], [3, 2]);
  const held = [1, 2, 3].map(() => of('192.0.2.1').cells.length);
  assert.deepEqual(held, [2, 2, 0]);
});

test('who is refused for what is open already is not counted by a rate', () => {
  const of = judge([{ ...RATE, burst: 2 }], [1]);
  assert.ok(isIn(of('192.0.2.1')));
  for (let i = 0; i < 5; i++) assert.equal(of('192.0.2.1').refusal?.kind, 'connections');
});

test('what is too long to be read is counted all the same', () => {
  const of = judge([{ ...RATE, key: '{path}'.repeat(70), burst: 0 }]);
  const long = `/${'a'.repeat(1000)}`;
  assert.deepEqual(
    [isIn(of('192.0.2.1', long)), isIn(of('192.0.2.2', long)), isIn(of('192.0.2.1', `${long}b`))],
    [true, false, false],
  );
});
