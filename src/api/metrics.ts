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
import {
  END,
  type Family,
  familyText,
  type Format,
  type Labels,
  linesOf,
  type Sample,
  seriesOf,
  type Sum,
} from './exposition.ts';
import type { PairNodeView } from './nodes.ts';
import type { ProcessView, StatusDocument } from './status.ts';
import type { CodeClassesView, EndingView, HistogramView, RouteTrafficView } from './traffic.ts';
import { router, type RouterAccount, type RouterView } from './virtual-routers.ts';

/** What one answer has at most. What is left out behind it is counted. */
export const SERIES_MAX = 10_000;

/** A server with what was counted of it has no fewer: for the other servers there is no room in any case. */
export const SERVER_SERIES_MIN = 8;

/** Of things, in one piece of text. */
const PIECE_THINGS = 50;

/** A family for each value that is taken of each thing. Undefined or null: there is none. */
type Value<T> =
  | readonly [
      name: string,
      type: 'gauge' | 'counter',
      help: string,
      take: (thing: T) => number | null | undefined | readonly Sample[],
    ]
  | readonly [
      name: string,
      type: 'histogram',
      help: string,
      take: (thing: T) => HistogramView | null | undefined,
      unitMs?: number,
    ]
  | readonly [name: string, type: 'summary', help: string, take: (thing: T) => Sum | null | undefined];

/** Of a turn of a loop (base/traffic-cells.ts). */
const LOOP_UNIT_MS = 1 / 16;

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
  [
    'configuration_by_api',
    'gauge',
    '1: it was set by the API, and is not that of the file.',
    ({ configuration: { setByApi } }) => bit(setByApi !== null),
  ],
  [
    'unstored',
    'gauge',
    'What a restart will forget, because it could not be written down.',
    ({ unstored }) => unstored.length,
  ],
  [
    'configuration_refused',
    'gauge',
    '1: the last configuration that was to be applied, by reload or API, was refused, and the one before holds.',
    ({ configuration: { isRefused } }) => (isRefused === undefined ? null : bit(isRefused)),
  ],
  [
    'configuration_changes_total',
    'counter',
    'Configurations that were to be applied since the start, by what became of them.',
    ({ configuration: { applied, refused } }) => {
      return applied === undefined ? null : countsBy('result', { applied, refused: refused ?? 0 });
    },
  ],
  [
    'configuration_age_seconds',
    'gauge',
    'How long the one that runs has held.',
    ({ configuration: { ageMs } }) => seconds(ageMs ?? null),
  ],
  ['process_cpu_seconds_total', 'counter', 'Of each process.', processesBy(({ cpuSeconds }) => cpuSeconds)],
  [
    'process_resident_memory_bytes',
    'gauge',
    'Of each process; what they share counts in each of them.',
    processesBy(({ residentBytes }) => residentBytes),
  ],
  [
    'process_open_fds',
    'gauge',
    'Descriptors of each process, where the system tells (Linux 6.2).',
    processesBy(({ descriptors }) => descriptors),
  ],
  ['overrides', 'gauge', 'What holds by hand, over what the file says.', ({ overrides }) => overrides.length],
  [
    'own_answers_total',
    'counter',
    'Answers of the proxies themselves because something was wrong, by kind: see troubleshooting.md.',
    ({ answers }) => answers.map(({ name, count }) => [{ reason: name }, count]),
  ],
  [
    'http_endings_total',
    'counter',
    'Requests, by why they have ended and who has ended them: see access-log.md.',
    ({ endings }) => endingsOf(endings),
  ],
  [
    'session_endings_total',
    'counter',
    'Sessions of TCP and UDP, by why they have ended and who has ended them.',
    ({ sessionEndings }) => endingsOf(sessionEndings),
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

const ROUTES: readonly Value<RouteTrafficView>[] = [
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
  [
    'upstream_quorum_met',
    'gauge',
    '1: so much weight is up as has to be.',
    ({ quorum }) => (quorum === null ? null : bit(quorum.isMet)),
  ],
  ['upstream_ejections_total', 'counter', 'How often a server was ejected.', ({ ejections }) => ejections],
  [
    'upstream_retries_total',
    'counter',
    'Tries that have failed and were followed by another one, by why.',
    ({ traffic }) => traffic?.retries.map(({ reason, count }) => [{ reason }, count]),
  ],
];

const UPSTREAM_TIMES: readonly Value<UpstreamView>[] = [
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

const SERVERS: readonly Value<PlacedServer>[] = [
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
  [
    'proxy_turn_seconds',
    'histogram',
    'How long the turns of its loop took, waiting aside.',
    ({ loop }) => loop?.turns,
    LOOP_UNIT_MS,
  ],
  ['proxy_submissions_total', 'counter', 'What its loop gave to the kernel to do.', ({ loop }) => loop?.submissions],
  [
    'proxy_buffer_shortages_total',
    'counter',
    'How often somebody had to wait, for no buffer to receive into was free.',
    ({ loop }) => loop?.starved,
  ],
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

const PEERS: readonly Value<PairNodeView>[] = [
  [
    'peer_heard_age_seconds',
    'gauge',
    'How old the last word of the other node is.',
    ({ heardAgeMs }) => seconds(heardAgeMs),
  ],
  [
    'peer_configuration_same',
    'gauge',
    '1: the other node goes by the same configuration as this one, as far as it said last.',
    ({ configuration, difference }) => (configuration === null ? null : bit(difference === null)),
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

/** What a node has: its status, and what was counted of its routes. */
export interface Measured {
  readonly status: StatusDocument;
  readonly routes: readonly RouteTrafficView[];
}

/** The text in small pieces, some of them empty: others may have their turn between. */
export function* metricsText({ status, routes }: Measured, format: Format = 'prometheus'): Generator<string> {
  const { listeners, upstreams, proxies, ha, tls, peers } = status;
  const families = [
    ...familiesOf(NODE, [status], () => ({})),
    ...familiesOf(PROXIES, proxies, (_, index) => ({ proxy: String(index) })),
    ...familiesOf(ROUTERS, ha?.routers ?? [], ({ name }) => ({ router: name })),
    ...familiesOf(CERTIFICATES, tls?.certificates ?? [], certificateLabels),
    linksOf(peers?.peers ?? []),
    ...familiesOf(PEERS, peers?.nodes ?? [], ({ name }) => ({ peer: name })),
  ];
  const servers = upstreams.flatMap(({ name: upstream, servers: all }) => all.map((server) => ({ upstream, server })));
  const groups = [
    new Group('listeners', LISTENERS, listeners, ({ name }) => ({ listener: name })),
    new Group('upstreams', UPSTREAMS, upstreams, upstreamLabels),
    new Group('routes', ROUTES, routes, ({ listener, route, upstream }) => ({ listener, route, upstream })),
    new Group('upstream times', UPSTREAM_TIMES, upstreams, upstreamLabels),
    new Group('servers', SERVERS, servers, serverLabels),
  ];
  const used = families.reduce((sum, family) => sum + seriesOf(family), groups.length);
  yield* share(groups, Math.max(0, SERIES_MAX - used));
  yield familyText(hiddenOf(groups), format);
  for (const family of families) yield familyText(family, format);
  for (const group of groups) yield* group.text(format);
  yield END[format];
}

/** Things of which there may be more than an answer has room for: the first ones are shown. */
class Group<T> {
  readonly name: string;
  shown = 0;
  private readonly values: readonly Value<T>[];
  private readonly things: readonly T[];
  private readonly labelsOf: (thing: T) => Labels;

  constructor(name: string, values: readonly Value<T>[], things: readonly T[], labelsOf: (thing: T) => Labels) {
    this.name = name;
    this.values = values;
    this.things = things;
    this.labelsOf = labelsOf;
  }

  get hidden(): number {
    return this.things.length - this.shown;
  }

  /** Shows as many as there is room for. Returns the room that is left. */
  *fill(room: number): Generator<string, number> {
    while (this.shown < this.things.length) {
      const series = this.seriesOf(this.things[this.shown]);
      if (series > room) break;
      room -= series;
      if (++this.shown % PIECE_THINGS === 0) yield '';
    }
    return room;
  }

  *text(format: Format): Generator<string> {
    const labels: Labels[] = [];
    for (const value of this.values) {
      let isBegun = false;
      for (let from = 0; from < this.shown; from += PIECE_THINGS) {
        const some = this.things.slice(from, Math.min(this.shown, from + PIECE_THINGS));
        const [family] = familiesOf([value], some, (thing, i) => (labels[from + i] ??= this.labelsOf(thing)));
        const piece: string = isBegun ? linesOf(family) : familyText(family, format);
        isBegun ||= piece !== '';
        yield piece;
      }
    }
  }

  private seriesOf(thing: T): number {
    let series = 0;
    for (const value of this.values) series += seriesOfTaken(value[3](thing));
    return series;
  }
}

/** Each kind has its part of the room; what it does not need is for the others, in their order. */
function* share(groups: readonly Pick<Group<never>, 'fill'>[], room: number): Generator<string> {
  const part = Math.floor(room / groups.length);
  let left = room - part * groups.length;
  for (const group of groups) left += yield* group.fill(part);
  for (const group of groups) left = yield* group.fill(left);
}

function hiddenOf(groups: readonly Pick<Group<never>, 'name' | 'hidden'>[]): Family {
  return {
    name: 'evenkeel_metrics_hidden',
    type: 'gauge',
    help: HIDDEN,
    samples: groups.map(({ name, hidden }) => [{ of: name }, hidden]),
  };
}

const HIDDEN = `Things without metrics of their own, by kind: there would be more than ${SERIES_MAX} series.`;

function seriesOfTaken(taken: ReturnType<Value<never>[3]>): number {
  if (taken === null || taken === undefined) return 0;
  if (typeof taken === 'number') return 1;
  if ('buckets' in taken) return taken.buckets.length + 2;
  return 'sum' in taken ? 2 : taken.length;
}

function familiesOf<T>(
  values: readonly Value<T>[],
  things: readonly T[],
  labelsOf: (thing: T, index: number) => Labels,
): readonly Family[] {
  const labels = things.map(labelsOf);
  const samplesOf = <V>(take: (thing: T) => V | null | undefined): (readonly [Labels, V])[] =>
    things.flatMap((thing, index) => {
      const taken = take(thing);
      return taken === null || taken === undefined ? [] : [[labels[index], taken] as const];
    });
  return values.map((value): Family => {
    const [short, , help] = value;
    const name = `evenkeel_${short}`;
    switch (value[1]) {
      case 'histogram':
        return { name, help, type: value[1], samples: samplesOf(value[3]), unitMs: value[4] ?? 1 };
      case 'summary':
        return { name, help, type: value[1], samples: samplesOf(value[3]) };
      case 'gauge':
      case 'counter':
        return { name, help, type: value[1], samples: samplesOf(value[3]).flatMap(spread) };
    }
  });
}

/** One number, or several with more labels. */
function spread([labels, taken]: readonly [Labels, number | readonly Sample[]]): readonly Sample[] {
  if (typeof taken === 'number') return [[labels, taken]];
  return taken.map(([more, value]) => [{ ...labels, ...more }, value]);
}

function classesOf(traffic: { readonly requests: CodeClassesView } | null | undefined): readonly Sample[] | null {
  return countsBy('code_class', traffic?.requests);
}

function endingsOf(endings: readonly EndingView[] = []): readonly Sample[] {
  return endings.map(({ name, by, count }) => [{ reason: name, by }, count]);
}

function countsBy(
  label: string,
  counts: Readonly<Record<string, number>> | null | undefined,
): readonly Sample[] | null {
  if (counts === null || counts === undefined) return null;
  return Object.entries(counts).map(([name, count]) => [{ [label]: name }, count]);
}

function upstreamLabels({ name }: UpstreamView): Labels {
  return { upstream: name };
}

interface PlacedServer {
  readonly upstream: string;
  readonly server: ServerView;
}

function serverLabels({ upstream, server }: PlacedServer): Labels {
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

function processesBy(take: (figures: ProcessView) => number | null): (status: StatusDocument) => readonly Sample[] {
  return ({ processes = [] }) =>
    processes.flatMap((one) => {
      const taken = take(one);
      return taken === null ? [] : [[{ process: one.name }, taken] as const];
    });
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
    ...rows(CERTIFICATES, 'listener, upstream, name, kind, file'),
    '| `evenkeel_peer_link_up` | gauge | peer | 1: the link to the other node is up. |',
    ...rows(PEERS, 'peer'),
    `| \`evenkeel_metrics_hidden\` | gauge | of | ${HIDDEN} |`,
    '',
  ].join('\n');
}
