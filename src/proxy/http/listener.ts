/** One HTTP listener of one proxy: its routes, and what every connection of it shares. */
import type { ListenerPlan } from '../../config/plan.ts';
import { compileRoutes, type RouteTable } from '../../core/route/table.ts';
import type { Socket } from '../../port/transport.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import { Listener } from '../listener.ts';
import type { Upstream } from '../upstream.ts';
import { HttpDownstream } from './downstream.ts';
import { RequestEmitter } from './request-emitter.ts';
import { ResponseEmitter } from './response-emitter.ts';
import { Route } from './route.ts';

export class HttpListener extends Listener {
  readonly headLimits: HeadLimits;
  readonly routes: readonly Route[];
  readonly table: RouteTable;
  readonly requestEmitter: RequestEmitter;
  readonly responseEmitter: ResponseEmitter;
  /** Every connection, so that draining can end the idle ones. */
  private readonly connections = new Set<HttpDownstream>();

  constructor(context: Context, plan: ListenerPlan, index: number, upstreams: readonly Upstream[]) {
    super(context, plan, index);
    this.headLimits = { headBytes: plan.limits.headBytes, headers: plan.limits.headers };
    this.routes = plan.routes.map((route) => new Route(route, upstreams));
    this.table = compileRoutes(plan.routes);
    const via = ascii(plan.via === null ? '' : `Via: 1.1 ${plan.via}\r\n`);
    this.requestEmitter = new RequestEmitter(context.memory, context.prng, via);
    this.responseEmitter = new ResponseEmitter(context.memory, context.date, via);
  }

  protected override begin(socket: Socket): void {
    this.connections.add(new HttpDownstream(this, socket));
  }

  /** A connection is gone, or has become a tunnel's. */
  forget(connection: HttpDownstream): void {
    this.connections.delete(connection);
  }

  protected override drainConnections(): void {
    for (const connection of this.connections) connection.drain();
  }
}
