import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusDocument } from '../api/status.ts';
import { noPaint, paint } from './paint.ts';
import { type Frame, frameOf } from './top-rates.ts';
import { FIRST_LOOK, type Look, renderTop, serverRoom, shownServers } from './top-view.ts';

const NO_TIMES = Array.from({ length: 18 }, () => 0);
const CODES = { none: 0, '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };

interface Counts {
  readonly requests: number;
  readonly errors: number;
  readonly failures: number;
  readonly accepted: number;
}

/** With so many servers, of which the first one is down. */
function statusOf(servers: number, { accepted, errors, failures, requests }: Counts): StatusDocument {
  const duration = { count: requests, sumSeconds: 0, buckets: NO_TIMES.map((_, i) => (i === 3 ? requests : 0)) };
  const traffic = {
    requests: { ...CODES, '2xx': requests - errors, '5xx': errors },
    receivedBytes: 0,
    sentBytes: 0,
    duration,
  };
  const one = {
    connections: 3,
    requests,
    failures,
    address: null,
    weight: 1,
    reason: 'connection refused',
    stateAgeMs: 61_000,
  };
  const named = Array.from({ length: servers }, (_, i) => ({
    ...one,
    name: `192.0.2.${i}:80`,
    state: i === 0 ? 'down' : 'up',
    connections: i,
  }));
  return {
    version: '1.2.3',
    pid: 7,
    uptimeMs: 10_000_000,
    at: '2026-11-30T12:13:14.000Z',
    isStopping: false,
    problems: ['a certificate expires soon'],
    unstored: [],
    ha: null,
    proxies: [{ state: 'serving' }, { state: 'draining' }],
    listeners: [
      { name: 'web', protocol: 'http', state: 'open', binds: [], connections: 5, accepted, datagrams: null, traffic },
    ],
    upstreams: [{ name: 'web', waiting: 2, servers: named }],
    answers: [{ name: 'no-server', status: 503, count: errors, text: '' }],
  } as unknown as StatusDocument;
}

const BEFORE = { requests: 1_000, errors: 10, failures: 4, accepted: 100 };
const AFTER = { requests: 1_400, errors: 14, failures: 8, accepted: 120 };

function frame(servers = 3): Frame {
  return frameOf(statusOf(servers, BEFORE), statusOf(servers, AFTER), 2);
}

test('rates are what was between two looks; a counter that began anew is nothing', () => {
  const { answers, listeners, servers } = frame();
  const [{ begunPerS, errorsPerS, medianMs, requestsPerS }] = listeners;
  assert.deepEqual(
    [requestsPerS, errorsPerS, begunPerS, servers[1].requestsPerS, servers[1].failuresPerS],
    [200, 2, 10, 200, 2],
  );
  assert.deepEqual(answers, [{ name: 'no-server', status: 503, perS: 2 }]);
  assert.ok(medianMs !== null && medianMs >= 4 && medianMs <= 8);
  const fallen = frameOf(statusOf(1, AFTER), statusOf(1, BEFORE), 1);
  assert.deepEqual(
    [fallen.listeners[0].requestsPerS, fallen.listeners[0].medianMs, fallen.servers[0].failuresPerS],
    [0, null, 0],
  );
  const added = frameOf(statusOf(0, BEFORE), statusOf(1, AFTER), 1);
  assert.equal(added.servers[0].requestsPerS, 1_400);
});

test('a frame fits the screen, whatever its size and however many servers there are', () => {
  for (const [columns, rows, servers] of [
    [80, 24, 3],
    [80, 24, 300],
    [40, 10, 300],
    [200, 50, 0],
  ]) {
    const many = frame(servers);
    const looks: readonly Look[] = [
      FIRST_LOOK,
      { ...FIRST_LOOK, offset: 100, isHeld: true, showsBad: true, sort: 'name' },
    ];
    for (const look of looks) {
      const lines = renderTop(many, look, columns, rows, noPaint);
      assert.ok(lines.length <= rows, `${lines.length} of ${rows}`);
      for (const line of lines) assert.ok(line.length <= columns, line);
      // oxlint-disable-next-line no-control-regex
      const painted = renderTop(many, look, columns, rows, paint).map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
      assert.deepEqual(painted, lines);
      assert.match(lines.at(-1)!, /^q ends/);
    }
  }
  const usual = renderTop(frame(3), FIRST_LOOK, 80, 24, noPaint);
  assert.ok(usual.includes('LISTENER            STATE        CONN    NEW/S     REQ/S   5XX/S  P50 MS  P99 MS'));
  assert.ok(usual.some((line) => line.startsWith('web/192.0.2.0:80                 down')));
});

test('servers are sorted and chosen as asked, and one that takes no requests stands first', () => {
  const names = (look: Partial<Look>): readonly string[] =>
    shownServers(frame(), { ...FIRST_LOOK, ...look }).map(({ view }) => view.name);
  assert.deepEqual(names({}), ['192.0.2.0:80', '192.0.2.1:80', '192.0.2.2:80']);
  assert.deepEqual(names({ sort: 'connections' }), ['192.0.2.2:80', '192.0.2.1:80', '192.0.2.0:80']);
  assert.deepEqual(names({ sort: 'connections', isReversed: true }), ['192.0.2.0:80', '192.0.2.1:80', '192.0.2.2:80']);
  assert.deepEqual(names({ showsBad: true }), ['192.0.2.0:80']);
  assert.ok(serverRoom(frame(), 24) > 8);
});
