/**
 * What Prometheus reads of a node: families of metrics, made of the status that everybody else reads too. Label values are names of the
 * configuration, addresses of its servers, and closed lists: nothing that a client writes. docs/metrics.md
 */
import type { CertificateView } from './certificates.ts';
import {
  type ListenerView,
  memory,
  type MemoryView,
  type ProxyView,
  server,
  type ServerView,
  type UpstreamView,
} from './data-plane.ts';
import { type Family, familyText, type Labels, type Sample } from './exposition.ts';
import type { StatusDocument } from './status.ts';
import { router, type RouterAccount, type RouterView } from './virtual-routers.ts';

/** What one answer has at most. Servers are left out behind it, and counted. */
export const SERIES_MAX = 10_000;

/** A family for each value that is taken of each thing. */
type Value<T> = readonly [
  name: string,
  type: Family['type'],
  help: string,
  /** Null: there is none. */
  take: (thing: T) => number | null | readonly Sample[],
];

const bit = (is: boolean): number => (is ? 1 : 0);
const seconds = (milliseconds: number | null): number | null => (milliseconds === null ? null : milliseconds / 1_000);

const NODE: readonly Value<StatusDocument>[] = [
  ['build_info', 'gauge', 'The version that runs; always 1.', ({ version }) => [[{ version }, 1]]],
  ['start_time_seconds', 'gauge', 'When the keeper was started, in Unix time.', startOf],
  ['stopping', 'gauge', '1: it finishes what is in flight, and takes no orders.', ({ isStopping }) => bit(isStopping)],
  [
    'problems',
    'gauge',
    'What is less than it should be: `evenkeel status` has them.',
    ({ problems }) => problems.length,
  ],
  [
    'configuration_info',
    'gauge',
    'The configuration that runs, by the beginning of its SHA-256; always 1.',
    ({ configuration: { digest } }) => [[{ digest }, 1]],
  ],
  [
    'configuration_outdated',
    'gauge',
    '1: the file has changed since it was loaded.',
    ({ configuration: { isChanged } }) => (isChanged === null ? null : bit(isChanged)),
  ],
  ['overrides', 'gauge', 'What holds by hand, over what the file says.', ({ overrides }) => overrides.length],
  [
    'own_answers_total',
    'counter',
    'Answers of the proxies themselves because something was wrong, by kind: see troubleshooting.md.',
    ({ answers }) => answers.map(({ name, count }) => [{ reason: name }, count]),
  ],
];

const LISTENERS: readonly Value<ListenerView>[] = [
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
];

const UPSTREAMS: readonly Value<UpstreamView>[] = [
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
];

const SERVERS: readonly Value<ServerView>[] = [
  ['server_up', 'gauge', '1: it takes requests.', ({ state }) => bit(state === 'up' || state === 'unchecked')],
  ['server_weight', 'gauge', 'Its weight, with its part of it during a slow start.', weightOf],
  ['server_connections', 'gauge', 'In use there now.', ({ connections }) => connections],
  [
    'server_requests_total',
    'counter',
    'Requests, or connections relayed, that went there.',
    ({ requests }) => requests,
  ],
  ['server_failures_total', 'counter', 'Of these, those that failed.', ({ failures }) => failures],
  [
    'server_shortages_total',
    'counter',
    "Connections that could not be made for want of something on this machine: no failures of the server's.",
    ({ shortages }) => shortages,
  ],
];

const PROXIES: readonly Value<ProxyView>[] = [
  ['proxy_up', 'gauge', '1: it serves.', ({ state }) => bit(state === 'serving')],
  ['proxy_silent_seconds', 'gauge', 'How long it has given no sign of life.', ({ silentMs }) => seconds(silentMs)],
  ['proxy_restarts_total', 'counter', 'How often its place had to be filled again.', ({ restarts }) => restarts],
  ['proxy_connections', 'gauge', 'Of clients, now.', ({ connections }) => connections],
  ['proxy_requests_total', 'counter', 'HTTP requests of the process in this place.', ({ requests }) => requests],
  [
    'proxy_access_log_lines_dropped_total',
    'counter',
    'Lines of access logs for which there was no room.',
    ({ linesDropped }) => linesDropped,
  ],
  ['proxy_memory_state', 'gauge', '0 plenty, 1 tight, 2 short, 3 exhausted.', ({ memory }) => levelOf(memory)],
  [
    'proxy_memory_shed_total',
    'counter',
    'Connections that were ended for want of memory.',
    ({ memory }) => memory?.shed ?? null,
  ],
  ['proxy_buffers', 'gauge', 'Buffers in use, by size.', ({ memory }) => buffersOf(memory)],
];

const ROUTERS: readonly Value<RouterView>[] = [
  [
    'vrrp_state',
    'gauge',
    '1 for the state of the virtual router, 0 for the others.',
    ({ state }) => router.shape.state.options.map((one) => [{ state: one }, bit(one === state)] as const),
  ],
  ['vrrp_account_age_seconds', 'gauge', 'How old what is known of it is.', ({ accountAgeMs }) => seconds(accountAgeMs)],
  ['vrrp_restrained', 'gauge', '1: something keeps it from preempting.', ({ restraint }) => bit(restraint !== null)],
  [
    'vrrp_tracked_up',
    'gauge',
    'What it goes by besides adverts.',
    ({ tracked }) =>
      tracked.flatMap(({ name, isUp }) => (isUp === null ? [] : [[{ tracked: name }, bit(isUp)] as const])),
  ],
  [
    'vrrp_evidence_total',
    'counter',
    'Something strange that was noticed, by kind: rivals, refused adverts.',
    ({ evidence }) => evidence.map(({ kind, total }) => [{ kind }, total]),
  ],
  ['vrrp_priority', 'gauge', 'Its priority now.', of(({ priority }) => priority)],
  ['vrrp_state_seconds', 'gauge', 'How long it has been in this state.', of(({ stateAgeMs }) => seconds(stateAgeMs))],
  [
    'vrrp_contested',
    'gauge',
    '1: somebody else has, or may have had, its addresses.',
    of(({ isContested }) => bit(isContested)),
  ],
  [
    'vrrp_advert_sent_age_seconds',
    'gauge',
    'Since its last advert.',
    of(({ lastAdvertAgeMs }) => seconds(lastAdvertAgeMs)),
  ],
  ['vrrp_adverts_total', 'counter', 'Adverts, by what became of them.', of(({ adverts }) => advertsOf(adverts))],
  [
    'vrrp_peer_advert_age_seconds',
    'gauge',
    'Since the last advert of each peer.',
    of(({ peers }) => peers.map(({ address, ageMs }) => [{ peer: address }, ageMs / 1_000])),
  ],
  [
    'vrrp_guard_passing',
    'gauge',
    'What has to pass before it takes addresses.',
    of(({ guards }) => guards.map(({ name, passes }) => [{ guard: name }, bit(passes)])),
  ],
];

const CERTIFICATES: readonly Value<CertificateView>[] = [
  [
    'certificate_expiry_timestamp_seconds',
    'gauge',
    'When it expires, in Unix time.',
    ({ notAfter }) => Date.parse(notAfter) / 1_000,
  ],
];

/** The families, one piece of text each: others may have their turn between. */
export function* metricsText(status: StatusDocument): Generator<string> {
  const { listeners, upstreams, proxies, ha, tls, peers } = status;
  const families = [
    ...familiesOf(NODE, [status], () => ({})),
    ...familiesOf(LISTENERS, listeners, ({ name }) => ({ listener: name })),
    ...familiesOf(UPSTREAMS, upstreams, ({ name }) => ({ upstream: name })),
    ...familiesOf(PROXIES, proxies, (_, index) => ({ proxy: String(index) })),
    ...familiesOf(ROUTERS, ha?.routers ?? [], ({ name }) => ({ router: name })),
    ...familiesOf(CERTIFICATES, tls?.certificates ?? [], certificateLabels),
    linksOf(peers?.peers ?? []),
  ];
  const used = families.reduce((sum, { samples }) => sum + samples.length, 0);
  const all = upstreams.flatMap(({ name: upstream, servers }) => servers.map((server) => ({ upstream, server })));
  const room = Math.max(0, Math.floor((SERIES_MAX - 1 - used) / SERVERS.length));
  const shown = all.slice(0, room);
  yield familyText({
    name: 'evenkeel_metrics_hidden_servers',
    type: 'gauge',
    help: `Servers without metrics of their own, for there would be more than ${SERIES_MAX} series.`,
    samples: [[{}, all.length - shown.length]],
  });
  for (const family of families) yield familyText(family);
  const ofServers = SERVERS.map(([name, type, help, take]) => {
    return [name, type, help, ({ server }: (typeof all)[number]) => take(server)] as const;
  });
  for (const value of ofServers) yield* familiesOf([value], shown, serverLabels).map(familyText);
}

function familiesOf<T>(
  values: readonly Value<T>[],
  things: readonly T[],
  labelsOf: (thing: T, index: number) => Labels,
): readonly Family[] {
  const labels = things.map(labelsOf);
  return values.map(([name, type, help, take]) => {
    const samples = things.flatMap((thing, index) => samplesOf(take(thing), labels[index]));
    return { name: `evenkeel_${name}`, type, help, samples };
  });
}

function samplesOf(taken: number | null | readonly Sample[], labels: Labels): readonly Sample[] {
  if (taken === null) return [];
  if (typeof taken === 'number') return [[labels, taken]];
  return taken.map(([more, value]) => [{ ...labels, ...more }, value]);
}

function serverLabels({ upstream, server }: { readonly upstream: string; readonly server: ServerView }): Labels {
  return { upstream, server: server.name, address: server.address ?? '' };
}

function certificateLabels({ listener, upstream, file, kind, names }: CertificateView): Labels {
  return { listener: listener ?? '', upstream: upstream ?? '', name: names[0] ?? '', kind, file };
}

function linksOf(links: readonly { readonly name: string; readonly isUp: boolean }[]): Family {
  const samples = links.map(({ name, isUp }) => [{ peer: name }, bit(isUp)] as const);
  return { name: 'evenkeel_peer_link_up', type: 'gauge', help: '1: the link to the other node is up.', samples };
}

/** Of a router whose owner has told of it. */
function of(
  take: (account: RouterAccount) => number | null | readonly Sample[],
): (router: RouterView) => number | null | readonly Sample[] {
  return ({ account }) => (account === null ? null : take(account));
}

function startOf({ at, uptimeMs }: StatusDocument): number {
  return Math.round((Date.parse(at) - uptimeMs) / 1_000);
}

function weightOf({ weight, weightShare }: ServerView): number {
  return weight * weightShare;
}

function levelOf(view: MemoryView | null): number | null {
  return view === null ? null : memory.shape.state.options.indexOf(view.state);
}

const SIZES = ['large', 'small', 'medium', 'head', 'foreign'] as const;

function buffersOf(view: MemoryView | null): readonly Sample[] | null {
  return view === null ? null : SIZES.map((size) => [{ size }, view[size]]);
}

function advertsOf({ sent, unsent, accepted, refused }: RouterAccount['adverts']): readonly Sample[] {
  return [
    [{ result: 'sent' }, sent],
    [{ result: 'unsent' }, unsent],
    [{ result: 'accepted' }, accepted],
    ...Object.entries(refused).map(([reason, count]) => [{ result: `refused-${reason}` }, count] as const),
  ];
}

function rows(values: readonly Value<never>[], labels: string): readonly string[] {
  return values.map(([name, type, help]) => `| \`evenkeel_${name}\` | ${type} | ${labels} | ${help} |`);
}

/** docs/reference/metrics.md. */
export function metricsPage(): string {
  return [
    '# Metrics',
    '',
    'Generated from the table that they are made by. How to scrape them, alerts: [metrics](../metrics.md).',
    '',
    '| name | type | labels | |',
    '|---|---|---|---|',
    ...rows(NODE, ''),
    ...rows(LISTENERS, 'listener'),
    ...rows(UPSTREAMS, 'upstream'),
    ...rows(SERVERS, 'upstream, server, address'),
    ...rows(PROXIES, 'proxy'),
    ...rows(ROUTERS, 'router'),
    ...rows(CERTIFICATES, 'listener, upstream, name, kind, file'),
    '| `evenkeel_peer_link_up` | gauge | peer | 1: the link to the other node is up. |',
    `| \`evenkeel_metrics_hidden_servers\` | gauge | | Servers without metrics of their own: an answer has at most ${SERIES_MAX} series. |`,
    '',
  ].join('\n');
}
