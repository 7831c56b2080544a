/** One HTTP listener of one proxy: its routes, and what every connection of it shares. */
import type { ListenerPlan } from '../../config/plan.ts';
import { BelievedHops, resolveClient } from '../../core/client/forwarded-for.ts';
import { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import {
  compileRoutes,
  readingOf,
  ROUTE_BAD_PATH,
  ROUTE_DOUBTFUL_PATH,
  type RouteTable,
} from '../../core/route/table.ts';
import { RequestView } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import { BODY_LENGTH, BODY_NONE, METHOD_TRACE } from '../../wire/http1/head.ts';
import { copyIp, type IpWords } from '../../wire/ip-text.ts';
import type { Context } from '../context.ts';
import { Listener } from '../listener.ts';
import type { Upstream } from '../upstream.ts';
import { IdleClients } from './idle-clients.ts';
import { takeForward } from './max-forwards.ts';
import * as own from './own-responses.ts';
import type { HttpProtocol } from './protocol.ts';
import { Route } from './route.ts';

export class HttpListener extends Listener {
  readonly protocol: HttpProtocol;
  /** Another set by another plan; an exchange keeps the route it began with. */
  private routes!: readonly Route[];
  private table!: RouteTable;
  /** The request that is looked at. */
  readonly view: RequestView;
  readonly hops = new BelievedHops();
  /** Null: nobody is. */
  trusted: TrustedProxies | null = null;
  readonly idle = new IdleClients();

  constructor(
    context: Context,
    plan: ListenerPlan,
    upstreams: readonly Upstream[],
    protocol: (listener: HttpListener) => HttpProtocol,
  ) {
    super(context, plan);
    this.view = new RequestView(context.memory, context.requestHead);
    this.protocol = protocol(this);
    this.configure(upstreams);
  }

  protected override configure(upstreams: readonly Upstream[]): void {
    const { plan } = this;
    this.routes = plan.routes.map((route) => new Route(route, upstreams, readingOf(plan.escapedSlash)));
    this.table = compileRoutes(plan.routes, plan.escapedSlash);
    const { forwarded } = plan;
    this.trusted = forwarded.kind === 'trust' ? new TrustedProxies(forwarded) : null;
    this.protocol.configure(plan);
  }

  /** The route of the request whose head is in the view, or what the proxy answers instead. */
  admit(): Route | own.OwnResponse {
    const { plan, view } = this;
    const { head } = view;
    const index = this.table.match(view);
    if (index < 0) return withoutRoute(index);
    const route = this.routes[index];
    if (route.own !== null) return route;
    if (head.body === BODY_LENGTH && head.contentLength > plan.limits.bodyBytes) return own.BODY_TOO_LARGE;
    if (head.method === METHOD_TRACE && head.body !== BODY_NONE) return own.TRACE_CONTENT;
    if (takeForward(view.bytes, head)) return route;
    return head.method === METHOD_TRACE ? own.TRACE_END : own.OPTIONS_END;
  }

  /** Sets up the view of a request from this peer, whose head is in `context.requestHead`. */
  look(peer: IpWords, isTrusted: boolean): void {
    const { view, hops } = this;
    copyIp(peer, view.peer);
    view.isTrusted = isTrusted;
    view.requestIdLength = 0;
    if (isTrusted) resolveClient(view.bytes, view.head, peer, this.trusted as TrustedProxies, view.client, hops);
    else copyIp(peer, view.client);
  }

  override get idleSince(): number {
    return this.idle.idleSince;
  }

  protected override get idleCount(): number {
    return this.idle.count;
  }

  protected override closeIdle(): void {
    this.idle.closeLongest();
  }

  protected override endIdle(): void {
    this.idle.endLongest();
  }

  protected override begin(socket: Socket): void {
    this.context.sessions.add(this.protocol.accept(socket));
  }
}

/** The answer to a request that the table has no route for. */
function withoutRoute(code: number): own.OwnResponse {
  if (code === ROUTE_BAD_PATH) return own.BAD_PATH;
  return code === ROUTE_DOUBTFUL_PATH ? own.DOUBTFUL_PATH : own.NO_ROUTE;
}
