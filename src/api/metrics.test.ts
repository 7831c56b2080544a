import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerView } from './data-plane.ts';
import { metricsText, SERIES_MAX } from './metrics.ts';
import type { StatusDocument } from './status.ts';

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
      fixed: { user: null, workersMax: null },
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

const linesOf = (servers: number): readonly string[] => [...metricsText(statusWith(servers))].join('').split('\n');

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
    'evenkeel_metrics_hidden_servers 0',
  ])
    assert.ok(lines.includes(line), line);
});

test('there are no more series than the bound, and the servers without any are counted', () => {
  const lines = linesOf(3_000);
  const series = lines.filter((line) => line !== '' && !line.startsWith('#'));
  assert.ok(series.length <= SERIES_MAX && series.length > SERIES_MAX - 10, String(series.length));
  const hidden = Number(/_hidden_servers (\d+)/.exec(lines.join('\n'))![1]);
  assert.equal(series.filter((line) => line.startsWith('evenkeel_server_up{')).length, 3_000 - hidden);
  assert.ok(lines.includes('evenkeel_upstream_servers{upstream="web",state="up"} 3000'), 'all are counted');
});
