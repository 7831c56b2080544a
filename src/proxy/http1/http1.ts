/** HTTP/1 as a protocol of a listener, on both sides. The only file of this room that the others know, and only where it is plugged in. */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import type { ListenerPlan } from '../../config/plan.ts';
import type { BelievedHops } from '../../core/client/forwarded-for.ts';
import { REWRITE_BAD_PATH } from '../../core/route/rewrite.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import type { Context } from '../context.ts';
import type { KeptRequest } from '../http/kept-request.ts';
import * as own from '../http/own-responses.ts';
import type { HttpProtocol } from '../http/protocol.ts';
import type { Route } from '../http/route.ts';
import type { HttpService } from '../http/service.ts';
import type { ResponseHandler, ServerSide } from '../http/sides.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import { ClientConnection } from './client-connection.ts';
import { Emitters } from './emitters.ts';
import { ServerConnection } from './server-connection.ts';

class Http1 implements HttpProtocol {
  readonly name = 'http/1.1';
  private readonly context: Context;
  private readonly service: HttpService;
  private readonly emitters: Emitters;

  constructor(service: HttpService) {
    const { context, plan } = service.listener;
    this.context = context;
    this.service = service;
    this.emitters = new Emitters(context, service.ids, plan);
  }

  configure(plan: ListenerPlan): void {
    this.emitters.configure(plan);
  }

  accept(socket: Socket, info: ConnectionInfo | null): Session {
    return new ClientConnection(this.service, this.emitters, socket, info);
  }

  keep(
    request: KeptRequest,
    view: RequestView,
    hops: BelievedHops,
    route: Route,
    isUpgrade: boolean,
    headLength: number,
  ): own.OwnResponse | null {
    const emitter = this.emitters.request;
    const bound = emitter.bound(view, headLength, route);
    if (bound > HEAD_SLOT_BYTES) return own.HEAD_GREW_TOO_LARGE;
    if (!request.allocate(bound)) return own.OUT_OF_MEMORY;
    const { start } = request;
    const end = emitter.emit(view, hops, route, isUpgrade, start);
    if (end < 0) {
      request.release();
      return end === REWRITE_BAD_PATH ? own.BAD_PATH : own.HEAD_GREW_TOO_LARGE;
    }
    request.begin(end - start);
    if (route.addsRequestId) {
      request.id = view.requestId;
      request.idLength = view.requestIdLength;
    }
    return null;
  }

  connect(upstream: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null {
    return ServerConnection.connect(this.context, upstream, server, exchange);
  }
}

/** As `HttpService` wants it. */
export function http1(service: HttpService): HttpProtocol {
  return new Http1(service);
}
