/** What the admin API answers: the operations of src/api/operations.ts, by what a running evenkeel tells and takes. */
import { type Format, OPENMETRICS_TYPE } from '../api/metrics/exposition.ts';
import { metricsText, SERVER_SERIES_MIN } from '../api/metrics/metrics.ts';
import { SERIES_MAX } from '../api/metrics/room.ts';
import { type Answer, type Input, pageFrom } from '../api/operations.ts';
import type { UpstreamView } from '../api/data-plane.ts';
import type { StatusDocument } from '../api/status.ts';
import type { RouteTrafficView } from '../api/traffic.ts';
import { type Change, listenerSubject, maintenanceSubject, NODE, serverSubject } from '../core/overrides.ts';
import { ChangeError } from '../config/change/pointer.ts';
import { routeLines } from '../config/plan/route-text.ts';
import { type Handlers, Refusal } from '../keeper/api/app.ts';
import type { Events } from '../keeper/api/events.ts';
import { dataPlaneWith, listenerView, proxyViews, upstreamView } from '../keeper/api/status.ts';
import type { GenerationsView } from '../api/generations.ts';
import { routeView } from '../keeper/api/routes.ts';
import type { FailedRequests } from '../keeper/api/failed-requests.ts';
import type { MoveResult } from '../keeper/ha/ha-keeper.ts';
import type { Order } from '../keeper/overrides.ts';
import type { Comparison } from '../load/load.ts';
import type { KnownWorld } from '../rehearsal/explain.ts';
import { type AskedFor, readField, UnexplainableError } from '../rehearsal/subject.ts';
import type { ChangeOrder, ChangeResult, ConfigurationByApi } from './configuration-by-api.ts';
import { countedRoutes } from '../keeper/traffic/totals.ts';
import { routeTrafficView } from '../keeper/traffic/views.ts';
import { Pace } from './pace.ts';
import { type Explainer, worldOf } from './explainer.ts';
import type { NodeStatus } from './node-status.ts';
import type { Successor } from './upgrade/upgrader.ts';

/** `by`: who says so; null: they do not. */
export interface AdminFacts {
  readonly status: Pick<
    NodeStatus,
    | 'dataPlane'
    | 'wholeWith'
    | 'node'
    | 'ha'
    | 'announce'
    | 'tls'
    | 'peers'
    | 'nodes'
    | 'configuration'
    | 'configurationPart'
  >;
  readonly configuration: Pick<ConfigurationByApi, 'etag' | 'rollbackInMs' | 'set' | 'reset' | 'confirm' | 'rollBack'>;
  readonly compare: () => Promise<Comparison>;
  readonly events: Pick<Events, 'after' | 'follow'>;
  readonly explainer: Pick<Explainer, 'explain'>;
  readonly generations: () => GenerationsView;
  readonly failedRequests: Pick<FailedRequests, 'last' | 'find' | 'count' | 'leftOut'>;
  /** Then nothing can be ordered any more. */
  readonly isStopping: () => boolean;
  /** Why this node takes no clients; null: it does. */
  readonly whyUnready: () => string | null;
  /** Resolves with what has changed; rejects if nothing could be, with NotNowError if it can be later. */
  readonly reload: (by: string | null) => Promise<readonly string[]>;
  /** Resolves with who is in charge now; rejects if that is still this one. */
  readonly upgrade: (by: string | null) => Promise<Successor>;
  /** Resolves when they are; rejects if one cannot be. */
  readonly reopenLogs: (by: string | null) => Promise<void>;
  /** Resolves when it holds, or with why it cannot. */
  readonly order: (order: Order) => Promise<OrderResult>;
  /** `forMs`: null is until `resume`. */
  readonly handOver: (router: string, forMs: number | null, by: string | null) => Promise<MoveResult>;
  readonly resume: (router: string, by: string | null) => Promise<MoveResult>;
}

export type OrderResult =
  /** What has been ordered, for people. */
  { readonly kind: 'done'; readonly text: string } | { readonly kind: 'unknown' | 'refused'; readonly why: string };

export function adminHandlers(facts: AdminFacts): Handlers {
  const order = async (change: Change, by: string | null): Promise<{ readonly text: string }> => {
    const result = await facts.order({ change, by });
    if (result.kind === 'done') return { text: result.text };
    throw new Refusal(result.kind === 'unknown' ? 404 : 409, result.why);
  };
  const { configuration } = facts;
  const changed = async (done: Promise<ChangeResult>): Promise<Answer<'replaceConfiguration'>> => {
    const result = await orRefusal(done);
    return { ...result, rollbackInMs: configuration.rollbackInMs };
  };
  const change = (
    order: Omit<ChangeOrder, 'confirmS'>,
    { confirm }: { readonly confirm?: number },
  ): ReturnType<typeof changed> => changed(configuration.set({ ...order, confirmS: confirm ?? null }));
  return {
    isStopping: facts.isStopping,
    etag: () => configuration.etag,
    readiness() {
      const why = facts.whyUnready();
      return why === null ? { ready: true } : { ready: false, why };
    },
    status: () => wholeStatus(facts),
    node: () => facts.status.node(),
    proxies: () => proxyViews(facts.status.dataPlane()),
    listeners({ query }) {
      const now = facts.status.dataPlane();
      return pageFrom(now.plan.listeners, query, (_, index) => listenerView(now, index));
    },
    listener({ params }) {
      const now = facts.status.dataPlane();
      return listenerView(now, indexIn(now.plan.listeners, params.listener, 'listener'));
    },
    upstreams({ query }) {
      const now = facts.status.dataPlane();
      return pageFrom(now.plan.upstreams, query, (_, index) => upstreamView(now, index));
    },
    upstream: ({ params }) => upstreamOf(facts, params.upstream),
    async allServers({ query }) {
      const { state } = query;
      const upstreams = await upstreamsInTurns(facts);
      const all = upstreams.flatMap(({ name: upstream, servers }) => servers.map((server) => ({ upstream, server })));
      const chosen = state === undefined ? all : all.filter(({ server }) => server.state === state);
      return pageFrom(chosen, query, ({ upstream, server }) => Object.assign({ upstream }, server));
    },
    server({ params: { upstream, server } }) {
      const { servers } = upstreamOf(facts, upstream);
      indexIn(servers, server, `server of ${upstream}`);
      return servers.filter(({ name }) => name === server);
    },
    overrides: () => facts.status.dataPlane().overrides,
    routers: () => facts.status.ha()?.routers ?? [],
    router({ params }) {
      const routers = facts.status.ha()?.routers ?? [];
      return routers[indexIn(routers, params.router, 'virtual router')];
    },
    announce: () => facts.status.announce(),
    certificates: ({ query }) => pageFrom(facts.status.tls()?.certificates ?? [], query, (each) => each),
    peers: () => facts.status.peers(),
    nodes: () => facts.status.nodes(),
    routes({ params, query }) {
      const { listeners } = facts.status.dataPlane().plan;
      return pageFrom(routeLines(listeners[indexIn(listeners, params.listener, 'listener')].routes), query, routeView);
    },
    generations: () => facts.generations(),
    failedRequests({ query: { limit = ERRORS_LIMIT } }) {
      const { failedRequests } = facts;
      return { items: failedRequests.last(limit), kept: failedRequests.count, leftOut: failedRequests.leftOut };
    },
    failedRequest({ params: { id } }) {
      const found = facts.failedRequests.find(id);
      if (found === null)
        throw new Refusal(404, `no request ${id} is among the last ${facts.failedRequests.count} that failed`);
      return found;
    },
    mayOrder: (_, by) => ({ name: by }),
    explain: async ({ query }) => facts.explainer.explain(await worldOfNow(facts), askedFor(query)),
    configuration: () => facts.status.configuration(),
    configurationPart({ query: { at } }) {
      try {
        return facts.status.configurationPart(at);
      } catch (error) {
        if (!(error instanceof ChangeError)) throw error;
        throw new Refusal(error.kind === 'syntax' ? 400 : 404, error.message);
      }
    },
    configurationDifferences: () => facts.compare(),
    events({ query: { after, limit = EVENTS_LIMIT } }) {
      const { events, missed } = facts.events.after(after ?? null, limit);
      return { items: events, next: events.at(-1)?.id ?? after ?? null, missed };
    },
    routeTraffic({ query }) {
      const now = facts.status.dataPlane();
      return pageFrom(countedRoutes(now.plan), query, (each) =>
        routeTrafficView(now.traffic, each.listener, each.counted),
      );
    },
    metrics: (_, __, media) => metricsOf(facts, media === OPENMETRICS_TYPE ? 'openmetrics' : 'prometheus'),
    followEvents: ({ query }, by) => facts.events.follow(query.after ?? null, by),

    reload: async (_, by) => ({ changes: await orRefusal(facts.reload(by)) }),
    replaceConfiguration: ({ query, body, ifMatch }, by) => change({ kind: 'put', at: '', body, ifMatch, by }, query),
    putConfigurationPart: ({ query, body, ifMatch }, by) =>
      change({ kind: 'put', at: query.at, body, ifMatch, by }, query),
    patchConfigurationPart: ({ query, body, ifMatch }, by) =>
      change({ kind: 'merge', at: query.at, body, ifMatch, by }, query),
    deleteConfigurationPart: ({ query, ifMatch }, by) =>
      change({ kind: 'delete', at: query.at, body: '', ifMatch, by }, query),
    resetConfiguration: ({ ifMatch }, by) => changed(configuration.reset(ifMatch, by)),
    async confirmConfiguration(_, by) {
      await configuration.confirm(by);
      return { text: 'the configuration in force stays' };
    },
    rollBackConfiguration: async (_, by) => ({ changes: await orRefusal(configuration.rollBack(by)) }),
    async reopenLogs(_, by) {
      await orRefusal(facts.reopenLogs(by));
      return { text: 'access logs are opened again' };
    },
    async upgrade(_, by) {
      const { pid, version } = await orRefusal(facts.upgrade(by));
      return { pid, version };
    },
    async handOver({ params: { router }, query }, by) {
      return moved(router, await facts.handOver(router, query.for === undefined ? null : query.for * 1_000, by));
    },
    resume: async ({ params: { router } }, by) => moved(router, await facts.resume(router, by)),
    drainServer: ({ params }, by) => order({ subject: serverOf(params), state: 'drain' }, by),
    disableServer: ({ params }, by) => order({ subject: serverOf(params), state: 'disabled' }, by),
    enableServer: ({ params }, by) => order(enabled(serverOf(params)), by),
    weighServer: ({ params, query }, by) => order({ subject: serverOf(params), weight: query.to ?? null }, by),
    drainListener: ({ params }, by) => order({ subject: listenerSubject(params.listener), state: 'drain' }, by),
    enableListener: ({ params }, by) => order(enabled(listenerSubject(params.listener)), by),
    maintenanceOn: ({ query }, by) => order({ subject: closedBy(query), state: 'on' }, by),
    maintenanceOff: ({ query }, by) => order({ subject: closedBy(query), state: null }, by),
    drainNode: (_, by) => order({ subject: NODE, state: 'drain' }, by),
    enableNode: (_, by) => order(enabled(NODE), by),
  };
}

/** A route has a listener. */
function closedBy({ listener, route }: Input<'maintenanceOn'>['query']): string {
  if (route !== undefined && listener === undefined) throw new Refusal(404, 'write the listener of the route, too');
  return maintenanceSubject(listener ?? null, route ?? null);
}

const EVENTS_LIMIT = 1_000;
const ERRORS_LIMIT = 100;
/** What is written at once of a scrape, at least. */
const PIECE_CHARACTERS = 16_384;

async function wholeStatus(facts: AdminFacts, pace?: Pace, countedServers?: number): Promise<StatusDocument> {
  const upstreams = await upstreamsInTurns(facts, pace, countedServers);
  return facts.status.wholeWith(dataPlaneWith(facts.status.dataPlane(), upstreams));
}

async function* metricsOf(facts: AdminFacts, format: Format): AsyncGenerator<string> {
  const pace = new Pace();
  const status = await wholeStatus(facts, pace, SERIES_MAX / SERVER_SERIES_MIN);
  const { plan, traffic } = facts.status.dataPlane();
  const routes: RouteTrafficView[] = [];
  for (const { listener, counted } of countedRoutes(plan)) {
    if (pace.isOver) await pace.rest();
    routes.push(routeTrafficView(traffic, listener, counted));
  }
  let text = '';
  for (const piece of metricsText({ status, routes }, format)) {
    text += piece;
    if (!pace.isOver) continue;
    if (text.length >= PIECE_CHARACTERS) {
      yield text;
      text = '';
    }
    await pace.rest();
  }
  yield text;
}

async function worldOfNow(facts: AdminFacts): Promise<KnownWorld> {
  const upstreams = await upstreamsInTurns(facts);
  return worldOf(facts.status.dataPlane(), upstreams);
}

function askedFor({ url, method = 'GET', headers = '', from, listener }: Input<'explain'>['query']): AskedFor {
  const lines = headers.split(/\r?\n/).filter((line) => line !== '');
  try {
    return { url, method, fields: lines.map(readField), from: from ?? null, listener: listener ?? null };
  } catch (error) {
    throw error instanceof UnexplainableError ? new Refusal(400, error.message) : error;
  }
}

/** All of one plan, the one that is in force when it resolves. So many servers, at least, with what was counted of them. */
async function upstreamsInTurns(
  { status }: AdminFacts,
  pace = new Pace(),
  countedServers = Infinity,
): Promise<readonly UpstreamView[]> {
  let { plan } = status.dataPlane();
  let views: UpstreamView[] = [];
  let servers = 0;
  for (;;) {
    const now = status.dataPlane();
    if (now.plan !== plan) {
      ({ plan } = now);
      views = [];
      servers = 0;
    }
    while (views.length < plan.upstreams.length && !pace.isOver) {
      const view = upstreamView(now, views.length, servers < countedServers);
      servers += view.servers.length;
      views.push(view);
    }
    if (views.length === plan.upstreams.length) return views;
    await pace.rest();
  }
}

function upstreamOf({ status }: AdminFacts, name: string): UpstreamView {
  const now = status.dataPlane();
  return upstreamView(now, indexIn(now.plan.upstreams, name, 'upstream'));
}

function indexIn(all: readonly { readonly name: string }[], wanted: string, what: string): number {
  const found = all.findIndex(({ name }) => name === wanted);
  if (found < 0) throw new Refusal(404, `there is no ${what} ${wanted}`);
  return found;
}

function serverOf({ upstream, server }: { readonly upstream: string; readonly server: string }): string {
  return serverSubject(upstream, server);
}

/** Whoever enables something wants it to work: a weight that was said by hand is taken back. */
function enabled(subject: string): Change {
  return { subject, state: 'enabled', weight: null };
}

function moved(router: string, result: MoveResult): { readonly router: string } {
  if (result.kind === 'ordered') return { router };
  throw new Refusal(result.kind === 'unknown' ? 404 : 409, result.why);
}

async function orRefusal<T>(done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(422, (error as Error).message);
  }
}
