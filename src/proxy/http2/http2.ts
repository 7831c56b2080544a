/** HTTP/2 as a protocol of a listener's clients. The only file of this room that the others know, and only where it is plugged in. */
import type { ListenerPlan } from '../../config/plan.ts';
import type { Socket } from '../../port/transport.ts';
import { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { ClientEmitters } from '../http/client-emitters.ts';
import type { ClientProtocol } from '../http/protocol.ts';
import type { HttpService } from '../http/service.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import { Connection } from './connection.ts';

class Http2 implements ClientProtocol {
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

/** As `HttpService` wants it, for all listeners of one proxy: responses of one are much like those of another. */
export function http2(): (service: HttpService) => ClientProtocol {
  let cache: LineCache | null = null;
  return (service) => new Http2(service, (cache ??= new LineCache()));
}
