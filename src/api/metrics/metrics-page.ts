/** docs/reference/metrics.md, from the tables that metrics are made by. */
import type { Metric } from './metric.ts';
import { ANNOUNCEMENTS, SESSIONS } from './of-announcements.ts';
import { CERTIFICATES } from './of-certificates.ts';
import { NODE } from './of-node.ts';
import { PEERS, ROUTERS } from './of-pair.ts';
import { PROXIES } from './of-proxies.ts';
import { LISTENERS, ROUTES, SERVERS, UPSTREAM_TIMES, UPSTREAMS } from './of-traffic.ts';
import { HIDDEN } from './room.ts';

export function metricsPage(): string {
  return [
    '# Metrics',
    '',
    'Generated from the table that they are made by. How to scrape them, alerts: [metrics](../metrics.md).',
    'A metric may have one more label than its things: what it counts apart, as `code_class`, `reason` or `state`.',
    '',
    '| name | type | labels | |',
    '|---|---|---|---|',
    ...rows(NODE, ''),
    ...rows(LISTENERS, 'listener'),
    ...rows(ROUTES, 'listener, route, upstream'),
    ...rows(UPSTREAMS, 'upstream'),
    ...rows(UPSTREAM_TIMES, 'upstream'),
    ...rows(SERVERS, 'upstream, server, address'),
    ...rows(PROXIES, 'proxy'),
    ...rows(ROUTERS, 'router'),
    ...rows(ANNOUNCEMENTS, 'announcement'),
    ...rows(SESSIONS, 'session'),
    ...rows(CERTIFICATES, 'listener, upstream, name, kind, file'),
    '| `evenkeel_peer_link_up` | gauge | peer | 1: the link to the other node is up. |',
    ...rows(PEERS, 'peer'),
    `| \`evenkeel_metrics_hidden\` | gauge | of | ${HIDDEN} |`,
    '',
  ].join('\n');
}

function rows(values: readonly Metric<never>[], labels: string): readonly string[] {
  return values.map(([name, type, help]) => `| \`evenkeel_${name}\` | ${type} | ${labels} | ${help} |`);
}
