/** The evidence behind a state, out of what a running evenkeel tells of itself. Pure. */
import type { AnnouncementView, RoutingDaemonView } from '../api/announcements.ts';
import type { DiscoveryView, ListenerView, OverrideView, ServerView, UpstreamView } from '../api/data-plane.ts';
import type { EventView } from '../api/events.ts';
import type { FailedRequestView } from '../api/failed-requests.ts';
import type { StatusDocument } from '../api/status.ts';
import type { RouterView } from '../api/virtual-routers.ts';
import { sentence } from '../keeper/log/log.ts';
import { maintenanceSubject } from '../core/overrides.ts';
import { overrideText } from '../keeper/overrides.ts';
import { type Color, type Paint, painter } from './paint.ts';
import { ageText } from './age-text.ts';
import { announcementLines } from './announce-view.ts';
import { discoveryText } from './discovery-text.ts';
import { routerLines } from './status-view.ts';

/** What is known at one moment. */
export interface Known {
  readonly status: StatusDocument;
  readonly events: readonly EventView[];
  /** The newest first. */
  readonly errors: readonly FailedRequestView[];
}

/** One thing of the name that was asked for. */
export type Evidence = EvidenceOf & {
  readonly isWell: boolean;
  /** What was in the log of it, the newest at the end. */
  readonly events: readonly EventView[];
};

type EvidenceOf =
  | {
      readonly kind: 'server';
      readonly upstream: string;
      readonly server: ServerView;
      /** Where it was found; null: it is in the file. */
      readonly discovery: DiscoveryView | null;
      readonly override: OverrideView | null;
    }
  | { readonly kind: 'upstream'; readonly upstream: UpstreamView; readonly errors: readonly FailedRequestView[] }
  | {
      readonly kind: 'listener';
      readonly listener: ListenerView;
      readonly override: OverrideView | null;
      /** Of all listeners, of this one, or of its routes. */
      readonly maintenance: readonly OverrideView[];
      readonly errors: readonly FailedRequestView[];
    }
  | { readonly kind: 'router'; readonly router: RouterView }
  | {
      readonly kind: 'announcement';
      readonly announcement: AnnouncementView;
      readonly daemons: readonly RoutingDaemonView[];
    }
  | { readonly kind: 'request'; readonly request: FailedRequestView; readonly upstream: UpstreamView | null };

const EVENTS_SHOWN = 5;
const SERVERS_SHOWN = 20;

/** Everything that has this name. */
export function findEvidence(subject: string, known: Known): readonly Evidence[] {
  const { status, errors } = known;
  const { ha, listeners, overrides, upstreams } = status;
  const overrideOf = (text: string): OverrideView | null => overrides.find((one) => one.subject === text) ?? null;
  const servers = upstreams.flatMap(({ discovery = null, name: upstream, servers }) =>
    servers
      .filter(({ address, name }) => [`${upstream}/${name}`, `${upstream}/${address}`, name, address].includes(subject))
      .map((server): Evidence => {
        const text = `server ${upstream}/${server.name}`;
        const isWell = server.state === 'up' || server.state === 'unchecked';
        const override = overrideOf(text);
        return { kind: 'server', upstream, server, discovery, override, isWell, events: eventsOf(text, known) };
      }),
  );
  const ofUpstreams = upstreams
    .filter(({ name }) => name === subject)
    .map((upstream): Evidence => {
      const isWell = takingOf(upstream).length > 0 && upstream.quorum?.isMet !== false;
      const ofIt = errors.filter((one) => one.upstream === subject);
      return { kind: 'upstream', upstream, isWell, errors: ofIt, events: eventsOf(`upstream ${subject}`, known) };
    });
  const ofListeners = listeners
    .filter(({ binds, name }) => name === subject || binds.some(({ address }) => address === subject))
    .map((listener): Evidence => {
      const text = `listener ${listener.name}`;
      const isWell = listener.state === 'open' && listener.binds.every(({ failure }) => failure === null);
      const ofIt = errors.filter((one) => one.listener === listener.name);
      return {
        kind: 'listener',
        listener,
        isWell,
        errors: ofIt,
        override: overrideOf(text),
        maintenance: listener.protocol === 'http' ? overrides.filter((one) => closes(one, listener.name)) : [],
        events: eventsOf(text, known),
      };
    });
  const routers = (ha?.routers ?? [])
    .filter(
      ({ addresses, excluded, name }) =>
        name === subject || [...addresses, ...excluded].some((one) => isAddress(one, subject)),
    )
    .map((router): Evidence => {
      const isWell = router.state === 'active' || (router.state === 'backup' && router.restraint === null);
      return { kind: 'router', router, isWell, events: eventsOf(router.name, known) };
    });
  const { announcements = [], daemons = [] } = status.announce ?? {};
  const ofAnnouncements = announcements
    .filter(({ addresses, name }) => name === subject || addresses.includes(subject))
    .map((announcement): Evidence => {
      const { name, problem, state } = announcement;
      const isWell = state === 'announced' && problem === null;
      return { kind: 'announcement', announcement, daemons, isWell, events: eventsOf(`announcement ${name}`, known) };
    });
  return [...routers, ...ofAnnouncements, ...ofListeners, ...ofUpstreams, ...servers];
}

export function evidenceOfRequest(request: FailedRequestView, { status }: Known): Evidence {
  const upstream = status.upstreams.find(({ name }) => name === request.upstream) ?? null;
  return { kind: 'request', request, upstream, isWell: false, events: [] };
}

/** It has maintenance of this listener, of a route of it, or of all of them. */
function closes({ subject }: OverrideView, listener: string): boolean {
  const own = maintenanceSubject(listener, null);
  return subject === maintenanceSubject(null, null) || subject === own || subject.startsWith(`${own} `);
}

/** `192.168.15.100/24` is that address. */
function isAddress(written: string, subject: string): boolean {
  return written === subject || written.split('/')[0] === subject;
}

/** What may stand behind a name. */
const isEnd = (next: string | undefined): boolean => next === undefined || !/[\w./-]/.test(next);

/** Whose sentence is about it. */
function eventsOf(text: string, { events }: Known): readonly EventView[] {
  return events
    .filter(({ message }) => {
      const at = message.indexOf(text);
      const isBegin = at === 0 || message[at - 1] === ' ';
      return at >= 0 && isBegin && isEnd(message[at + text.length]);
    })
    .slice(-EVENTS_SHOWN);
}

function takingOf({ servers }: UpstreamView): readonly ServerView[] {
  return servers.filter(({ state }) => state === 'up' || state === 'unchecked');
}

export function renderEvidence(all: readonly Evidence[], hasColor: boolean): string {
  const paint = painter(hasColor);
  return all
    .map((one) =>
      linesOf(one, paint)
        .map((line) => `${line.trimEnd()}\n`)
        .join(''),
    )
    .join('\n');
}

function linesOf(evidence: Evidence, paint: Paint): readonly string[] {
  const lines = bodyOf(evidence, paint);
  const log = evidence.events.map(({ at, level, message, details }) => `${at} ${level} ${sentence(message, details)}`);
  return [...lines, ...fields('log', log)];
}

function bodyOf(evidence: Evidence, paint: Paint): readonly string[] {
  switch (evidence.kind) {
    case 'server':
      return serverLines(evidence, paint);
    case 'upstream':
      return upstreamLines(evidence, paint);
    case 'listener':
      return listenerLines(evidence, paint);
    case 'router':
      return routerLines(evidence.router, paint, Infinity);
    case 'announcement':
      return announcementLines(evidence.announcement, evidence.daemons, paint, Infinity);
    case 'request':
      return requestLines(evidence, paint);
  }
}

function serverLines(
  { discovery, isWell, override, server, upstream }: Extract<Evidence, { kind: 'server' }>,
  paint: Paint,
): readonly string[] {
  const {
    address,
    check,
    connections,
    ejectedForMs,
    failures,
    isBackup,
    lastCheck,
    lastFailure,
    maxConnections,
    name,
  } = server;
  const { reason, requests, shortages, state, stateAgeMs, weight, weightShare } = server;
  const place = address === null || address === name ? '' : ` (${address})`;
  const since = stateAgeMs === null ? '' : ` for ${ageText(stateAgeMs)}`;
  const verdict =
    lastCheck === null
      ? 'none has ended yet'
      : `the last one ${ageText(lastCheck.ageMs)} ago ${lastCheck.isPassed === null ? 'could not be made' : lastCheck.isPassed ? 'passed' : 'failed'}: ${lastCheck.detail}`;
  const failure =
    lastFailure === null ? '' : `; the last failure ${ageText(lastFailure.ageMs)} ago: ${lastFailure.detail}`;
  const limit = maxConnections === null ? '' : ` of at most ${maxConnections}`;
  const share = weightShare < 1 ? `, ${Math.round(weightShare * 100)} % of it so far (slow start)` : '';
  return [
    title(`server ${upstream}/${name}${place}`, `${state}${since}`, isWell ? 'green' : 'red', paint),
    ...fields('because', [
      reason,
      ...(ejectedForMs === null
        ? []
        : [`it takes requests again in ${ageText(ejectedForMs)}${check === null ? '' : ', or when a check passes'}`]),
    ]),
    ...fields('checks', [check === null ? 'it is not checked' : `${check}: ${verdict}`]),
    ...fields('traffic', [`${requests} requests, ${failures} failed${failure}`]),
    ...(shortages === 0
      ? []
      : fields('here', [`${shortages} connections failed for want of ports, descriptors or memory on this machine`])),
    ...fields('load', [`${connections} connections${limit}; weight ${weight}${share}${isBackup ? '; a backup' : ''}`]),
    ...discoveryLines(discovery),
    ...handLines(override),
  ];
}

function discoveryLines(discovery: DiscoveryView | null): readonly string[] {
  return discovery === null ? [] : fields('found', [discoveryText(discovery)]);
}

function upstreamLines(
  { errors, isWell, upstream }: Extract<Evidence, { kind: 'upstream' }>,
  paint: Paint,
): readonly string[] {
  const { balance, check, discovery = null, name, quorum, servers, waiting } = upstream;
  const taking = takingOf(upstream).length;
  return [
    title(`upstream ${name}`, `${taking} of ${servers.length} servers take requests`, isWell ? 'green' : 'red', paint),
    ...fields('servers', serversNow(upstream, paint)),
    ...fields('balance', [`${balance}${waiting === 0 ? '' : `; ${waiting} wait for a server that has room`}`]),
    ...fields('checks', [check ?? 'servers are not checked, but those that have a check of their own']),
    ...(quorum === null
      ? []
      : fields('quorum', [
          `weight ${quorum.weightUp} of ${quorum.weight} is up: ${quorum.isMet ? 'enough' : 'not enough'}`,
        ])),
    ...discoveryLines(discovery),
    ...errorLines(errors),
  ];
}

function serversNow({ servers }: UpstreamView, paint: Paint): readonly string[] {
  const lines = servers.slice(0, SERVERS_SHOWN).map(({ name, address, reason, state, stateAgeMs }) => {
    const place = address === null || address === name ? '' : ` (${address})`;
    const isWell = state === 'up' || state === 'unchecked';
    const since = stateAgeMs === null ? '' : ` for ${ageText(stateAgeMs)}`;
    return `${name}${place}: ${paint(isWell ? 'green' : 'red', state)}${since}${state === 'up' ? '' : `: ${reason}`}`;
  });
  return servers.length > SERVERS_SHOWN ? [...lines, `... and ${servers.length - SERVERS_SHOWN} more`] : lines;
}

function listenerLines(
  { errors, isWell, listener, maintenance, override }: Extract<Evidence, { kind: 'listener' }>,
  paint: Paint,
): readonly string[] {
  const { accepted, binds, connections, datagrams, inKernel = false, name, protocol, state } = listener;
  const what = datagrams === null ? 'connections' : 'sessions';
  const counts = datagrams === null ? '' : `; ${datagrams.in} datagrams in, ${datagrams.out} out`;
  return [
    title(`listener ${name}, ${protocol}`, state, isWell ? 'green' : 'red', paint),
    ...fields(
      'addresses',
      binds.map(({ address, failure }) => (failure === null ? address : `${address}: ${paint('red', failure)}`)),
    ),
    ...fields('traffic', [
      inKernel
        ? `${accepted} ${what} since the start, forwarded by the kernel`
        : `${connections} ${what} now, ${accepted} since the start${counts}`,
    ]),
    ...handLines(override),
    ...fields(
      'by hand',
      maintenance.map((one) => `${one.subject} ${handText(one)}`),
    ),
    ...errorLines(errors),
  ];
}

function requestLines({ request, upstream }: Extract<Evidence, { kind: 'request' }>, paint: Paint): readonly string[] {
  const { asked, at, by, id, limiter, listener, method, phase, queuedMs, reason, route, status, tookMs, tries, why } =
    request;
  const way = [
    `listener ${listener}`,
    ...(route === null ? [] : [`route ${route}`]),
    ...(request.upstream === null ? [] : [`upstream ${request.upstream}`]),
  ];
  const queued = queuedMs === 0 ? '' : `, ${ageText(queuedMs)} of it in the queue`;
  return [
    title(`request ${id}`, `${status}: ${why}`, 'red', paint),
    ...fields('because', [
      `${reason}${limiter === null ? '' : ` of ${limiter}`}, in the phase \`${phase}\`${by === 'nobody' ? '' : `, by ${by === 'evenkeel' ? "evenkeel's own rules" : `the ${by}`}`}`,
    ]),
    ...fields('when', [`${at}, after ${ageText(tookMs)}${queued}`]),
    ...fields('way', [`${method === '' ? '' : `${method} at `}${way.join(', ')}`]),
    ...fields('asked', asked.map(triedText)),
    ...fields(
      'tries',
      tries.map((one) =>
        one.server === request.upstream ? `upstream ${one.server}: it had no server to try` : triedText(one),
      ),
    ),
    ...(upstream === null ? [] : fields('now', serversNow(upstream, paint))),
  ];
}

function triedText({ connectedMs, endedMs, failure, server, status }: FailedRequestView['tries'][number]): string {
  const end = failure ?? (status === 0 ? 'no answer' : `answered ${status}`);
  const connected = connectedMs === null ? '' : `connected after ${ageText(connectedMs)}, `;
  return `${server}: ${connected}${end}${endedMs === null ? '' : ` after ${ageText(endedMs)}`}`;
}

function handLines(override: OverrideView | null): readonly string[] {
  return override === null ? [] : fields('by hand', [handText(override)]);
}

function handText({ ageMs, by, file, ...said }: OverrideView): string {
  return `${overrideText(said, file)} (${by === null ? '' : `${by}, `}${ageText(ageMs)} ago)`;
}

/** By kind, the most frequent first. */
function errorLines(errors: readonly FailedRequestView[]): readonly string[] {
  if (errors.length === 0) return [];
  const byReason = new Map<string, { count: number; last: FailedRequestView }>();
  for (const one of errors) {
    const known = byReason.get(one.reason);
    if (known === undefined) byReason.set(one.reason, { count: 1, last: one });
    else known.count++;
  }
  const sorted = [...byReason].sort(([, a], [, b]) => b.count - a.count);
  return fields(
    'errors',
    sorted.map(
      ([reason, { count, last }]) =>
        `${count} of the last ones ${reason} (${last.status}), as request ${last.id} at ${last.at}`,
    ),
  );
}

function title(subject: string, state: string, color: Color, paint: Paint): string {
  return `${paint('bold', subject)}: ${paint(color, state)}`;
}

function fields(label: string, texts: readonly string[]): readonly string[] {
  return texts.map((text, i) => `  ${(i === 0 ? label : '').padEnd(10)} ${text}`);
}
