/**
 * What Prometheus reads of a node: families of metrics, made of the status that everybody else reads too. Label values are names of the
 * configuration, addresses of its servers, and closed lists: nothing that a client writes. docs/metrics.md
 */
import type { StatusDocument } from '../status.ts';
import type { RouteTrafficView } from '../traffic.ts';
import { END, familyText, type Format, seriesOf } from './exposition.ts';
import { familiesOf } from './metric.ts';
import { ANNOUNCEMENTS, SESSIONS } from './of-announcements.ts';
import { certificateLabels, CERTIFICATES } from './of-certificates.ts';
import { NODE } from './of-node.ts';
import { linksOf, PEERS, ROUTERS } from './of-pair.ts';
import { PROXIES } from './of-proxies.ts';
import { LISTENERS, ROUTES, serverLabels, SERVERS, UPSTREAM_TIMES, upstreamLabels, UPSTREAMS } from './of-traffic.ts';
import { Group, hiddenOf, SERIES_MAX, share } from './room.ts';

/** A server with what was counted of it has no fewer: for the other servers there is no room in any case. */
export const SERVER_SERIES_MIN = 8;

/** What a node has: its status, and what was counted of its routes. */
export interface Measured {
  readonly status: StatusDocument;
  readonly routes: readonly RouteTrafficView[];
}

/** The text in small pieces, some of them empty: others may have their turn between. */
export function* metricsText({ status, routes }: Measured, format: Format = 'prometheus'): Generator<string> {
  const { announce = null, listeners, upstreams, proxies, ha, tls, peers } = status;
  const families = [
    ...familiesOf(NODE, [status], () => ({})),
    ...familiesOf(PROXIES, proxies, (_, index) => ({ proxy: String(index) })),
    ...familiesOf(ROUTERS, ha?.routers ?? [], ({ name }) => ({ router: name })),
    ...familiesOf(ANNOUNCEMENTS, announce?.announcements ?? [], ({ name }) => ({ announcement: name })),
    ...familiesOf(SESSIONS, announce?.daemons.flatMap(({ sessions }) => sessions) ?? [], ({ name }) => ({
      session: name,
    })),
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
