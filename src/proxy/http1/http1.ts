/** HTTP/1 as a protocol, on both sides. The only file of this room that the others know, and only where it is plugged in. */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Socket } from '../../port/transport.ts';
import type { Context } from '../context.ts';
import { ClientEmitters } from '../http/client-emitters.ts';
import type { AdoptingProtocol, ClientProtocol } from '../http/protocol.ts';
import type { HttpService } from '../http/service.ts';
import type { ResponseHandler, ServerSide } from '../http/sides.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import { ClientConnection } from './client-connection.ts';
import { ServerConnection } from './server-connection.ts';

class Http1Clients implements ClientProtocol {
  readonly name = 'http/1.1';
  private readonly service: HttpService;
  private readonly emitters: ClientEmitters;

  constructor(service: HttpService) {
    const { context, plan } = service.listener;
    this.service = service;
    this.emitters = new ClientEmitters(context, service.ids, plan);
  }

  configure(plan: ListenerPlan): void {
    this.emitters.configure(plan);
  }

  accept(socket: Socket, info: ConnectionInfo | null): Session {
    return new ClientConnection(this.service, this.emitters, socket, info);
  }
}

class Http1Servers implements AdoptingProtocol {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  connect(upstream: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null {
    return ServerConnection.connect(this.context, upstream, server, exchange);
  }

  adopt(upstream: Upstream, server: Server, exchange: ResponseHandler, socket: Socket): ServerSide {
    return ServerConnection.adopt(this.context, upstream, server, exchange, socket);
  }
}

/** As `HttpService` wants it. */
export function http1(service: HttpService): ClientProtocol {
  return new Http1Clients(service);
}

export function http1Servers(context: Context): AdoptingProtocol {
  return new Http1Servers(context);
}
