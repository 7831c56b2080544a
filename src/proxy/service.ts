/** What a listener does for its clients: HTTP (http/service.ts), or a relay to a server (tcp.ts). */
import type { Socket } from '../port/transport.ts';
import type { RouteSet } from './http/route-set.ts';
import type { ConnectionInfo } from './layer.ts';
import type { Upstream } from './upstream.ts';

export interface Service {
  /** Prepares what the listener's plan says, which has these upstreams and, for HTTP, routes. */
  configure(upstreams: readonly Upstream[], routes: RouteSet | null): void;
  /**
   * Takes over a client's connection, and calls the listener's `release` when it has ended. `info`: what the listener's layer
   * knows of it; null: there is no layer.
   */
  serve(socket: Socket, info: ConnectionInfo | null): void;
}
