import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerView } from '../data-plane.ts';
import { metricsText } from './metrics.ts';
import { SERIES_MAX } from './room.ts';
import type { Format } from './exposition.ts';
import type { StatusDocument } from '../status.ts';
import type { HistogramView, RouteTrafficView } from '../traffic.ts';

/** One below 1 ms, two below 4 ms, and one of more than a minute. */
const TIMES: HistogramView = {
  count: 4,
  sumSeconds: 80.5,
  buckets: [1, 0, 2, ...Array.from({ length: 14 }, () => 0), 1],
};

const ROUTE: RouteTrafficView = {
  listener: 'front',
  route: '/api',
  upstream: 'web',
  requests: { none: 1, '1xx': 0, '2xx': 20, '3xx': 3, '4xx': 4, '5xx': 5 },
  receivedBytes: 1_000,
  sentBytes: 2_000,
  duration: null,
};

const SERVER: ServerView = {
  name: '192.0.2.7:80',
  address: '192.0.2.7:80',
  state: 'up',
  reason: '',
  stateAgeMs: 0,
  check: null,
  lastCheck: null,
  lastFailure: null,
  ejectedForMs: null,
  weight: 4,
  weightShare: 0.5,
  isBackup: false,
  maxConnections: null,
  connections: 1,
  requests: 2,
  failures: 3,
  shortages: 4,
};

function statusWith(servers: number): StatusDocument {
  const upstream = { name: 'web', balance: 'round-robin', tls: null, waiting: 0, check: null, quorum: null };
  return {
    format: 1,
    version: '1.2.3',
    pid: 1,
    isStopping: false,
    uptimeMs: 1_500,
    at: '2030-01-01T00:00:10.000Z',
    configuration: {
      file: null,
      digest: 'abc',
      isChanged: null,
      setByApi: null,
      fixed: { user: null, node: null, workersMax: null },
    },
    problems: [],
    unstored: [],
    ha: null,
    tls: null,
    peers: null,
    proxies: [],
    listeners: [],
    upstreams: [{ ...upstream, servers: Array.from({ length: servers }, () => SERVER) }],
    overrides: [],
    answers: [{ name: 'no-server', status: 503, text: '', count: 7 }],
  };
}

const textOf = (
  servers: number,
  routes: readonly RouteTrafficView[] = [ROUTE],
  format: Format = 'prometheus',
): string => [...metricsText({ status: statusWith(servers), routes }, format)].join('');
const linesOf = (servers: number): readonly string[] => textOf(servers).split('\n');

test('what the status says is there, in seconds and with the names of things', () => {
  const lines = linesOf(1);
  const labels = '{upstream="web",server="192.0.2.7:80",address="192.0.2.7:80"}';
  for (const line of [
    'evenkeel_build_info{version="1.2.3"} 1',
    'evenkeel_start_time_seconds 1893456009',
    'evenkeel_own_answers_total{reason="no-server"} 7',
    `evenkeel_server_weight${labels} 2`,
    `evenkeel_server_failures_total${labels} 3`,
    'evenkeel_upstream_servers{upstream="web",state="up"} 1',
    'evenkeel_metrics_hidden{of="servers"} 0',
  ])
    assert.ok(lines.includes(line), line);
});

test('there are no more series than the bound, and the servers without any are counted', () => {
  const lines = linesOf(3_000);
  const series = lines.filter((line) => line !== '' && !line.startsWith('#'));
  assert.ok(series.length <= SERIES_MAX && series.length > SERIES_MAX - 10, String(series.length));
  const hidden = Number(/_hidden\{of="servers"\} (\d+)/.exec(lines.join('\n'))![1]);
  assert.equal(series.filter((line) => line.startsWith('evenkeel_server_up{')).length, 3_000 - hidden);
  assert.ok(lines.includes('evenkeel_upstream_servers{upstream="web",state="up"} 3000'), 'all are counted');
});

const seriesOf = (text: string): readonly string[] => text.split('\n').filter((line) => /^[a-z]/.test(line));

test('requests of a route, by class, and their times where they are asked for', () => {
  const labels = 'listener="front",route="/api",upstream="web"';
  const plain = seriesOf(textOf(0));
  assert.ok(plain.includes(`evenkeel_http_requests_total{${labels},code_class="5xx"} 5`));
  assert.ok(plain.includes(`evenkeel_http_received_bytes_total{${labels}} 1000`));
  assert.ok(!plain.some((line) => line.startsWith('evenkeel_http_route_duration')));
  const timed = seriesOf(textOf(0, [{ ...ROUTE, duration: TIMES }]));
  const times = timed.filter((line) => line.startsWith('evenkeel_http_route_duration'));
  for (const line of [
    `_bucket{${labels},le="0.001"} 1`,
    `_bucket{${labels},le="0.002"} 1`,
    `_bucket{${labels},le="0.004"} 3`,
    `_bucket{${labels},le="65.536"} 3`,
    `_bucket{${labels},le="+Inf"} 4`,
    `_sum{${labels}} 80.5`,
    `_count{${labels}} 4`,
  ])
    assert.ok(times.includes(`evenkeel_http_route_duration_seconds${line}`), line);
  assert.equal(times.length, 20);
});

test('whatever there is too much of, the bound holds, and every kind has its part of it', () => {
  const many = Array.from({ length: 5_000 }, (_, i) => ({ ...ROUTE, route: `/${i}`, duration: TIMES }));
  const text = textOf(3_000, many);
  const series = seriesOf(text);
  assert.ok(series.length <= SERIES_MAX && series.length > SERIES_MAX - 40, String(series.length));
  for (const [kind, all, family] of [
    ['servers', 3_000, 'server_up'],
    ['routes', 5_000, 'http_sent_bytes_total'],
  ] as const) {
    const hidden = Number(new RegExp(`_hidden\\{of="${kind}"\\} (\\d+)`).exec(text)![1]);
    const shown = series.filter((line) => line.startsWith(`evenkeel_${family}{`)).length;
    assert.ok(shown > 50, `${kind} have their part`);
    assert.equal(shown, all - hidden);
  }
});

test('OpenMetrics has the same series: counters are named without their ending, and there is an end', () => {
  const text = textOf(1, [ROUTE], 'openmetrics');
  assert.deepEqual(seriesOf(text), seriesOf(textOf(1)));
  assert.match(text, /\n# TYPE evenkeel_http_requests counter\nevenkeel_http_requests_total\{/);
  assert.match(text, /# TYPE evenkeel_build_info gauge\n/);
  assert.ok(text.endsWith('\n# EOF\n'));
});
