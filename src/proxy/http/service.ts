/** HTTP for the clients of one listener: its routes, and what every connection of it shares. */
import { assert } from '../../base/assert.ts';
import { CompressionRule } from '../../core/compress/rule.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { BelievedHops, ClientResolver } from '../../core/client/forwarded-for.ts';
import type { PlacePlan } from '../../config/plan/route.ts';
import type { TargetTemplate } from '../../core/route/target-template.ts';
import { ROUTE_BAD_PATH, ROUTE_DOUBTFUL_FIELD, ROUTE_DOUBTFUL_PATH } from '../../core/route/table.ts';
import type { Redirect } from '../../core/route/redirect.ts';
import type { TraceContext } from '../../core/trace/trace-context.ts';
import { Tracer } from '../../core/trace/tracer.ts';
import { RequestView } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import { ERR_FIELD_LOOKALIKE } from '../../wire/http1/errors.ts';
import { BODY_LENGTH, BODY_NONE, METHOD_TRACE } from '../../wire/http1/head.ts';
import { copyIp } from '../../wire/ip-text.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Listener } from '../listener.ts';
import type { Service } from '../service.ts';
import type { Upstream } from '../upstream.ts';
import type { AccessLog } from '../log/access-log.ts';
import type { ErrorPage } from './error-page.ts';
import type { Exchange, Towards } from './exchange.ts';
import type { Question } from './guard.ts';
import { takeForward } from './max-forwards.ts';
import type { Mirror } from './mirror.ts';
import * as own from './own-responses.ts';
import type { Peer } from './peer.ts';
import type { ClientProtocol, ServerProtocol, ServerProtocols } from './protocol.ts';
import { RequestKeeper } from './request-keeper.ts';
import { RequestIds } from './request-id.ts';
import { Route } from './route.ts';
import type { RouteSet } from './route-set.ts';
import { takeTarget } from './target-by.ts';

/** How often a request may be sent back to look for another route. */
const TURNS_MAX = 10;
const AT = 0x40;

/** A place inside of the proxy, prepared. */
interface Place {
  readonly plan: { readonly to: PlacePlan };
  readonly target: TargetTemplate | null;
}

export class HttpService implements Service, Towards {
  readonly listener: Listener;
  /** What clients are spoken to in with whom nothing else is agreed. */
  private readonly protocol: ClientProtocol;
  /** What clients may speak besides: made when the first one does. */
  private readonly makeOther: (service: HttpService) => ClientProtocol;
  private other: ClientProtocol | null = null;
  /** Another set by another plan; an exchange keeps the route it began with. */
  private set!: RouteSet;
  /** The request that is looked at. */
  readonly view: RequestView;
  readonly hops = new BelievedHops();
  readonly ids: RequestIds;
  readonly keeper: RequestKeeper;
  private readonly servers: ServerProtocols;
  /** Those that its requests are in, unless their route says otherwise. */
  private logs: readonly AccessLog[] = [];
  /** A request may be in one, or in a trace. */
  isLogging = false;
  /** Null: nobody is trusted. */
  private resolver: ClientResolver | null = null;

  constructor(
    listener: Listener,
    makeProtocol: (service: HttpService) => ClientProtocol,
    makeOther: (service: HttpService) => ClientProtocol,
    servers: ServerProtocols,
  ) {
    const { arena, hostname, memory, prng, requestHead, targetSlot, variables, wallClockMs } = listener.context;
    this.listener = listener;
    const target = { at: arena.start(targetSlot), end: arena.end(targetSlot) };
    this.view = new RequestView(memory, requestHead, variables, target);
    this.view.wallClockMs = wallClockMs;
    this.view.hostname = hostname;
    this.ids = new RequestIds(prng);
    this.view.identifier = this.ids;
    this.keeper = new RequestKeeper(listener.context, this.ids);
    this.servers = servers;
    this.protocol = makeProtocol(this);
    this.makeOther = makeOther;
  }

  configure(upstreams: readonly Upstream[], routes: RouteSet | null): void {
    const { plan } = this.listener;
    assert(routes !== null, 'an HTTP listener has routes');
    const { accessLogs } = this.listener.context;
    routes.bind(upstreams, {
      isReady: plan.isReady,
      logsOf: (names) => accessLogs.find(names),
      compression: plan.compress === undefined ? null : new CompressionRule(plan.compress),
    });
    this.set = routes;
    this.logs = accessLogs.find(plan.accessLogs);
    this.view.tracer = plan.tracing === undefined ? null : new Tracer(plan.tracing, this.listener.context.prng);
    this.isLogging = this.logs.length > 0 || routes.areLogged || this.view.tracer !== null;
    const { forwarded } = plan;
    this.resolver = forwarded.kind === 'trust' ? new ClientResolver(forwarded) : null;
    this.keeper.configure(plan);
    this.protocol.configure(plan);
    this.other?.configure(plan);
  }

  serve(socket: Socket, info: ConnectionInfo | null): void {
    const protocol = this.protocolFor(info === null ? null : info.protocol);
    this.listener.context.sessions.add(protocol.accept(socket, info));
  }

  private protocolFor(name: string | null): ClientProtocol {
    if (name === null || name === this.protocol.name) return this.protocol;
    this.other ??= this.makeOther(this);
    assert(name === this.other.name, `a layer has agreed on ${name}, which is not spoken here`);
    return this.other;
  }

  protocolOf({ plan }: Upstream): ServerProtocol {
    return plan.protocol === undefined ? this.servers.http1 : this.servers.http2;
  }

  /**
   * The route of the request from this peer whose head is in `context.requestHead`, or what the proxy answers instead. With a route that
   * needs it, the view is complete.
   */
  admit(peer: Peer): Route | own.OwnResponse {
    const index = this.match();
    if (index < 0) return withoutRoute(index);
    let route = this.set.routes[index];
    const isWalked = route.steps !== null || route.plan.isInternal || route.hasErrorPages;
    if (isWalked) {
      this.look(peer);
      const end = this.walk(index, false);
      if (!(end instanceof Route)) return end;
      route = this.pageOf(end);
    }
    const obstacle = this.obstacleFor(route);
    if (obstacle !== null) return obstacle;
    if (route.needsView && !isWalked) this.look(peer);
    return route;
  }

  /**
   * The same for a client that is not let in: the page that the route has for that, by this status of pages alone, or else `response`.
   */
  refuse(peer: Peer, status: number, response: own.OwnResponse): Route | own.OwnResponse {
    const index = this.match();
    const page = index < 0 ? null : this.set.routes[index].errorPageFor(status);
    if (page === null) return response;
    this.look(peer);
    const route = this.turn(page, response.status);
    return route === null ? response : (this.obstacleFor(route) ?? route);
  }

  /** As of RouteTable, for the request as it came. */
  private match(): number {
    const { view } = this;
    view.isComplete = false;
    view.isRewritten = false;
    view.isPlaced = true;
    view.answerStatus = 0;
    return this.set.table.match(view);
  }

  /** What is answered in place of what the route does with this request; null: nothing. */
  private obstacleFor(route: Route): own.OwnResponse | null {
    const { view } = this;
    const { head } = view;
    if (route.own === null) {
      if (head.body === BODY_LENGTH && head.contentLength > this.bodyBytesMax(route)) return own.BODY_TOO_LARGE;
      if (head.method === METHOD_TRACE && head.body !== BODY_NONE) return own.TRACE_CONTENT;
      if (!takeForward(view.bytes, head)) return head.method === METHOD_TRACE ? own.TRACE_END : own.OPTIONS_END;
    }
    return null;
  }

  /** The route that the request takes in the end, or what is answered because there is none. */
  private walk(first: number, isTurned: boolean): Route | own.OwnResponse {
    const { view } = this;
    const { table, routes, called } = this.set;
    let index = first;
    /** Behind this one a route for another target is looked for. */
    let after = -1;
    for (let turns = 0; turns <= TURNS_MAX;) {
      const route = routes[index];
      if (route.plan.isInternal && !isTurned && !view.isRewritten) {
        const page = route.errorPageFor(own.NO_ROUTE.status);
        return (page === null ? null : this.turn(page, own.NO_ROUTE.status)) ?? own.NO_ROUTE;
      }
      const isNext = route.action.kind === 'next';
      const end = route.steps === null ? 'done' : route.steps.run(view);
      if (end === 'took') return (route.steps as NonNullable<Route['steps']>).taken as Route;
      if (end === 'failed') return own.REWRITE_FAILED;
      if (end === 'called') {
        isTurned = true;
        index = called.get((route.steps as NonNullable<Route['steps']>).calledName) as number;
        turns++;
        continue;
      }
      if (end === 'done' && !isNext) return route;
      if (isNext) after = index;
      else turns++;
      view.isPlaced = true;
      index = table.match(view, after);
      if (index < 0) return withoutRoute(index);
    }
    return own.REWRITE_CYCLE;
  }

  /** What is answered in place of a route that answers with an error itself. */
  private pageOf(route: Route): Route {
    if (route.own === null) return route;
    const page = route.errorPageFor(route.own.status);
    if (page === null) return route;
    const location = route.redirect === null ? null : this.locationOf(route.redirect);
    const end = this.turn(page, route.own.status) ?? route;
    this.view.answerLocation = location;
    return end;
  }

  private locationOf(redirect: Redirect): Uint8Array | null {
    const { view } = this;
    const draft = new Uint8Array(HEAD_BYTES_MAX);
    const end = redirect.write(view, draft, 0, draft.length);
    return end < 0 ? null : draft.subarray(0, end);
  }

  /** The route of the page for an error with this status, for the request in the view. Null: the page is an error itself. */
  private turn(page: ErrorPage<Route>, status: number): Route | null {
    const { view } = this;
    const { goesOn = false } = page.plan;
    view.answerStatus = page.statusFor(status);
    if (page.route !== null) return goesOn ? this.pageOf(page.route) : page.route;
    const end = this.reach(page);
    if (end instanceof Route && goesOn) return this.pageOf(end);
    if (end instanceof Route && end.redirect !== null) {
      // a client follows it only for its own status
      view.answerStatus = 0;
      return end;
    }
    if (end instanceof Route && (end.own === null || end.own.status < 400 || page.plan.answer === 'own')) return end;
    view.answerStatus = 0;
    // what somebody has written as an answer is one, and nothing is looked for in its place
    return end instanceof Route && end.action.kind === 'respond' ? end : null;
  }

  /** Where the request in the view goes on. Null: nowhere. */
  private reach({ plan: { to }, target }: Place): Route | own.OwnResponse | null {
    const { set, view } = this;
    if (target !== null && !target.apply(view)) return null;
    view.isPlaced = true;
    const index = to.kind === 'call' ? (set.called.get(to.name) ?? -1) : set.table.match(view);
    return index < 0 ? null : this.walk(index, true);
  }

  /** Whom this is asked of about the request in the view. Null: nobody. */
  routeOf(question: Question<Route>): Route | null {
    this.view.answerStatus = 0;
    const end = question.route ?? this.reach(question);
    return end instanceof Route ? end : null;
  }

  /** A request whose head was kept is in `context.requestHead` again: completes the view. */
  lookAgain(peer: Peer, trace: TraceContext | null): void {
    this.view.isRewritten = false;
    this.look(peer, trace);
  }

  /** The same for an error that a request ends in whose head was kept, and is in `context.requestHead` again. */
  turnFailed(peer: Peer, page: ErrorPage<Route>, status: number, { saved, trace }: Exchange): Route | null {
    const { view } = this;
    view.isPlaced = true;
    this.lookAgain(peer, trace);
    saved?.restoreValues(view);
    return this.turn(page, status);
  }

  /** The route for the request whose head was kept, and is in `context.requestHead` again, by what a response says in this text: the target, or what calls the route of this name. */
  turnBy(peer: Peer, text: Uint8Array, name: string | null, { saved, trace }: Exchange): Route | own.OwnResponse {
    const { set, view } = this;
    view.isPlaced = true;
    view.answerStatus = 0;
    this.lookAgain(peer, trace);
    saved?.restoreValues(view);
    // as nginx calls routes by their names: there is none of this one
    if (name === null && text[0] === AT) return own.REWRITE_FAILED;
    if (name === null && !takeTarget(text, view)) return own.NO_ROUTE;
    const index = name === null ? set.table.match(view) : (set.called.get(name) ?? -1);
    if (index < 0) return own.NO_ROUTE;
    const end = this.walk(index, true);
    return end instanceof Route ? this.pageOf(end) : end;
  }

  /** The route for the copy of a request, whose head is in `context.requestHead` again. Null: there is none. */
  turnCopy(peer: Peer, mirror: Mirror): Route | null {
    const { view } = this;
    view.isPlaced = true;
    view.answerStatus = 0;
    this.lookAgain(peer, null);
    const end = this.reach(mirror);
    return end instanceof Route ? end : null;
  }

  /** Of the body of a request that takes this route. */
  bodyBytesMax({ proxy }: Route): number {
    return proxy?.bodyBytes ?? this.listener.plan.limits.bodyBytes;
  }

  /** The request in the view, which has just been admitted so, begins its lines in access logs, and its part of a trace. */
  beginLog(exchange: Exchange, admitted: Route | own.OwnResponse, peer: Peer): void {
    const { view } = this;
    const logs = admitted instanceof Route && admitted.logs !== null ? admitted.logs : this.logs;
    if (logs.length > 0) this.beginLines(exchange, logs, peer);
    if (view.tracer !== null && view.isComplete) exchange.keepTrace(view.tracer.traceOf(view));
  }

  private beginLines(exchange: Exchange, logs: readonly AccessLog[], peer: Peer): void {
    const { view } = this;
    if (!view.isComplete) this.look(peer);
    if (view.requestIdLength === 0 && logs.some(({ namesId }) => namesId)) this.ids.identify(view);
    exchange.takeId(view);
    this.listener.context.accessLogs.begin(logs, view, exchange.drafts);
  }

  /** The same of what is no request: of it no more is known than of its connection. */
  beginFragmentLog(exchange: Exchange, peer: Peer): void {
    this.view.head.blank();
    this.view.isComplete = false;
    this.view.isRewritten = false;
    this.beginLog(exchange, own.NO_ROUTE, peer);
  }

  /** Completes the view of a request from this peer. `trace`: that it is in already. */
  private look(peer: Peer, trace: TraceContext | null = null): void {
    const { hops, resolver, view } = this;
    view.isComplete = true;
    peer.judgeBy(resolver === null ? null : resolver.trusted);
    copyIp(peer, view.peer);
    view.connection = peer;
    view.variables.begin();
    view.isTrusted = peer.isTrusted;
    view.requestIdLength = 0;
    view.trace = trace;
    view.serverBy = own.NOTHING;
    view.serverByPort = own.NOTHING;
    if (!peer.isTrusted) {
      copyIp(peer, view.client);
      return;
    }
    const { isPassed } = resolver as ClientResolver;
    view.isTrusted = !isPassed;
    (resolver as ClientResolver).resolve(view.bytes, view.head, peer, view.client, hops);
  }
}

/** The answer to a request that the table has no route for. */
function withoutRoute(code: number): own.OwnResponse {
  if (code === ROUTE_BAD_PATH) return own.BAD_PATH;
  if (code === ROUTE_DOUBTFUL_FIELD) return own.refusal(ERR_FIELD_LOOKALIKE);
  return code === ROUTE_DOUBTFUL_PATH ? own.DOUBTFUL_PATH : own.NO_ROUTE;
}
