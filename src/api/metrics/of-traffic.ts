/** What there is of listeners, routes, upstreams and servers. */
import { type ListenerView, server, type ServerView, type UpstreamView } from '../data-plane.ts';
import type { RouteTrafficView } from '../traffic.ts';
import type { Labels } from './exposition.ts';
import { bit, classesOf, countsBy, type Metric } from './metric.ts';

export const LISTENERS: readonly Metric<ListenerView>[] = [
  ['listener_open', 'gauge', '1: it takes clients.', ({ state }) => bit(state === 'open')],
  ['listener_connections', 'gauge', 'Of clients, now; of UDP, sessions.', ({ connections }) => connections],
  ['listener_accepted_total', 'counter', 'Connections, or sessions, of clients.', ({ accepted }) => accepted],
  [
    'listener_datagrams_total',
    'counter',
    'Datagrams from clients (in) and to them (out).',
    ({ datagrams }) =>
      datagrams === null
        ? null
        : [
            [{ direction: 'in' }, datagrams.in],
            [{ direction: 'out' }, datagrams.out],
          ],
  ],
  ['listener_connections_limit', 'gauge', 'At most, of all proxies together.', ({ connectionsMax }) => connectionsMax],
  [
    'listener_requests_total',
    'counter',
    'HTTP requests that have ended, by the class of their status; none: nobody was answered.',
    ({ traffic }) => classesOf(traffic),
  ],
  [
    'listener_received_bytes_total',
    'counter',
    'Of these requests, heads included; of sessions of TCP and UDP, as they pass.',
    ({ traffic, sessions }) => (traffic ?? sessions)?.receivedBytes,
  ],
  [
    'listener_sent_bytes_total',
    'counter',
    'Of their responses, heads included; of sessions, as they pass.',
    ({ traffic, sessions }) => (traffic ?? sessions)?.sentBytes,
  ],
  [
    'listener_session_duration_seconds',
    'histogram',
    'Sessions of TCP and UDP that are over: from their connection or first datagram to their end.',
    ({ sessions }) => sessions?.duration,
  ],
  [
    'http_request_duration_seconds',
    'histogram',
    'From the first byte of a request to the end of its response.',
    ({ traffic }) => traffic?.duration,
  ],
  [
    'listener_tls_handshakes_total',
    'counter',
    'Handshakes of TLS with clients, by what became of them.',
    ({ handshakes }) => countsBy('result', handshakes),
  ],
];

export const ROUTES: readonly Metric<RouteTrafficView>[] = [
  [
    'http_requests_total',
    'counter',
    'HTTP requests that have ended, by the class of their status; none: nobody was answered.',
    classesOf,
  ],
  ['http_received_bytes_total', 'counter', 'Of these requests, heads included.', ({ receivedBytes }) => receivedBytes],
  ['http_sent_bytes_total', 'counter', 'Of their responses, heads included.', ({ sentBytes }) => sentBytes],
  [
    'http_route_duration_seconds',
    'histogram',
    'Of routes that say `histogram: true`: from the first byte of a request to the end of its response.',
    ({ duration }) => duration,
  ],
];

export const UPSTREAMS: readonly Metric<UpstreamView>[] = [
  ['upstream_waiting', 'gauge', 'Requests and connections that wait for a server.', ({ waiting }) => waiting],
  [
    'upstream_servers',
    'gauge',
    'Servers in each state.',
    ({ servers }) =>
      server.shape.state.options.map(
        (state) => [{ state }, servers.filter((each) => each.state === state).length] as const,
      ),
  ],
  [
    'upstream_quorum_met',
    'gauge',
    '1: so much weight is up as has to be.',
    ({ quorum }) => (quorum === null ? null : bit(quorum.isMet)),
  ],
  [
    'upstream_list_age_seconds',
    'gauge',
    'Since a list of its servers came, where they are read while it runs.',
    ({ discovery }) => (discovery === undefined || discovery.listAgeMs === null ? null : discovery.listAgeMs / 1000),
  ],
  [
    'upstream_list_failing',
    'gauge',
    '1: the last list was of no use, and what was found before counts.',
    ({ discovery }) => (discovery === undefined ? null : bit(discovery.problem !== null)),
  ],
  ['upstream_ejections_total', 'counter', 'How often a server was ejected.', ({ ejections }) => ejections],
  [
    'upstream_retries_total',
    'counter',
    'Tries that have failed and were followed by another one, by why.',
    ({ traffic }) => traffic?.retries.map(({ reason, count }) => [{ reason }, count]),
  ],
];

export const UPSTREAM_TIMES: readonly Metric<UpstreamView>[] = [
  [
    'upstream_request_duration_seconds',
    'histogram',
    'Whole requests that went there, from their first byte to the end of the response; and sessions.',
    ({ traffic }) => traffic?.duration,
  ],
  [
    'upstream_connect_seconds',
    'histogram',
    'Until a new connection stood, with its TLS.',
    ({ traffic }) => traffic?.connect,
  ],
  [
    'upstream_first_byte_seconds',
    'histogram',
    'From the beginning of the last try to the head of its response.',
    ({ traffic }) => traffic?.firstByte,
  ],
  [
    'upstream_queue_seconds',
    'histogram',
    'Of requests and connections that had to wait, for a server with room or for a limit.',
    ({ traffic }) => traffic?.queue,
  ],
];

/** A server where it is. */
export interface PlacedServer {
  readonly upstream: string;
  readonly server: ServerView;
}

export const SERVERS: readonly Metric<PlacedServer>[] = [
  [
    'server_up',
    'gauge',
    '1: it takes requests.',
    ({ server: { state } }) => bit(state === 'up' || state === 'unchecked'),
  ],
  ['server_weight', 'gauge', 'Its weight, with its part of it during a slow start.', ({ server }) => weightOf(server)],
  ['server_connections', 'gauge', 'In use there now.', ({ server: { connections } }) => connections],
  [
    'server_requests_total',
    'counter',
    'Requests, or connections relayed, that went there.',
    ({ server: { requests } }) => requests,
  ],
  ['server_failures_total', 'counter', 'Of these, those that failed.', ({ server: { failures } }) => failures],
  [
    'server_shortages_total',
    'counter',
    "Connections that could not be made for want of something on this machine: no failures of the server's.",
    ({ server: { shortages } }) => shortages,
  ],
  [
    'server_connections_limit',
    'gauge',
    'At most, of all proxies together; those without a limit have none.',
    ({ server: { maxConnections } }) => maxConnections,
  ],
  ['server_idle_connections', 'gauge', 'Kept for the next request, now.', ({ server: { traffic } }) => traffic?.idle],
  [
    'server_responses_total',
    'counter',
    'HTTP requests whose last try was there, by the class of their status.',
    ({ server: { traffic } }) => classesOf(traffic),
  ],
  [
    'server_received_bytes_total',
    'counter',
    'Of these requests, and of sessions, from clients.',
    ({ server: { traffic } }) => traffic?.receivedBytes,
  ],
  [
    'server_sent_bytes_total',
    'counter',
    'Of their responses, and of sessions, to clients.',
    ({ server: { traffic } }) => traffic?.sentBytes,
  ],
  [
    'server_first_byte_seconds',
    'summary',
    'From the beginning of a try to the head of its response: their sum and how many.',
    ({ server: { traffic } }) =>
      traffic === undefined ? null : { count: traffic.responses, sum: traffic.responseSeconds },
  ],
];

export function upstreamLabels({ name }: UpstreamView): Labels {
  return { upstream: name };
}

export function serverLabels({ upstream, server }: PlacedServer): Labels {
  return { upstream, server: server.name, address: server.address ?? '' };
}

function weightOf({ weight, weightShare }: ServerView): number {
  return weight * weightShare;
}
