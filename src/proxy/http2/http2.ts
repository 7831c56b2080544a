/** HTTP/2 as a protocol, on both sides. The only file of this room that the others know, and only where it is plugged in. */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Socket } from '../../port/transport.ts';
import { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { ClientEmitters } from '../http/client-emitters.ts';
import type { Context } from '../context.ts';
import type { AdoptingProtocol, ClientProtocol, ServerProtocol } from '../http/protocol.ts';
import type { HttpService } from '../http/service.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import { Connection } from './connection.ts';
import { Http2Servers } from './servers.ts';

class Http2Clients implements ClientProtocol {
  readonly name = 'h2';
  private readonly service: HttpService;
  private readonly emitters: ClientEmitters;
  private readonly cache: LineCache;

  constructor(service: HttpService, cache: LineCache) {
    const { context, plan } = service.listener;
    this.service = service;
    this.emitters = new ClientEmitters(context, service.ids, plan);
    this.cache = cache;
  }

  configure(plan: ListenerPlan): void {
    this.emitters.configure(plan);
  }

  accept(socket: Socket, info: ConnectionInfo | null): Session {
    return new Connection(this.service, this.emitters, this.cache, socket, info);
  }
}

export interface Http2 {
  /** As `HttpService` wants it. */
  readonly clients: (service: HttpService) => ClientProtocol;
  readonly servers: ServerProtocol;
}

/** For all listeners of one proxy: heads of one are much like those of another. `http1`: what servers are spoken to in that do not choose this. */
export function http2(context: Context, http1: AdoptingProtocol): Http2 {
  let cache: LineCache | null = null;
  const lines = (): LineCache => (cache ??= new LineCache());
  return {
    clients: (service) => new Http2Clients(service, lines()),
    servers: new Http2Servers(context, http1, lines),
  };
}
