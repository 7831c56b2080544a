/** One HTTP listener of one proxy: its routes, and what every connection of it shares. */
import type { ListenerPlan } from '../../config/plan.ts';
import { BelievedHops, resolveClient } from '../../core/client/forwarded-for.ts';
import { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import { compileRoutes, readingOf, type RouteTable } from '../../core/route/table.ts';
import { RequestView } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import { copyIp, type IpWords } from '../../wire/ip-text.ts';
import type { Context } from '../context.ts';
import { Listener } from '../listener.ts';
import type { Upstream } from '../upstream.ts';
import { ClientConnection } from '../http1/client-connection.ts';
import { IdleClients } from './idle-clients.ts';
import { RequestEmitter } from '../http1/request-emitter.ts';
import { ResponseEmitter } from '../http1/response-emitter.ts';
import { Route } from './route.ts';

export class HttpListener extends Listener {
  headLimits!: HeadLimits;
  /** Another set by another plan; an exchange keeps the route it began with. */
  routes!: readonly Route[];
  table!: RouteTable;
  requestEmitter!: RequestEmitter;
  responseEmitter!: ResponseEmitter;
  /** The request that is looked at. */
  readonly view: RequestView;
  readonly hops = new BelievedHops();
  /** Null: nobody is. */
  trusted: TrustedProxies | null = null;
  readonly idle = new IdleClients();

  constructor(context: Context, plan: ListenerPlan, upstreams: readonly Upstream[]) {
    super(context, plan);
    this.view = new RequestView(context.memory, context.requestHead);
    this.configure(upstreams);
  }

  protected override configure(upstreams: readonly Upstream[]): void {
    const { context, plan } = this;
    this.headLimits = { headBytes: plan.limits.headBytes, headers: plan.limits.headers };
    this.routes = plan.routes.map((route) => new Route(route, upstreams, readingOf(plan.escapedSlash)));
    this.table = compileRoutes(plan.routes, plan.escapedSlash);
    const via = ascii(plan.via === null ? '' : `Via: 1.1 ${plan.via}\r\n`);
    const { forwarded } = plan;
    this.trusted = forwarded.kind === 'trust' ? new TrustedProxies(forwarded) : null;
    this.requestEmitter = new RequestEmitter(context.memory, context.prng, via, forwarded.kind === 'append');
    this.responseEmitter = new ResponseEmitter(context.memory, context.date, via);
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
    this.context.sessions.add(new ClientConnection(this, socket));
  }
}
