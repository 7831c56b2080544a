/** Versions of HTTP, which `proxy.ts` plugs in: nobody else knows which there are. */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Socket } from '../../port/transport.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { ResponseHandler, ServerSide } from './sides.ts';

/** Towards servers: the same for all listeners. */
export interface ServerProtocol {
  /** Begins a connection for an exchange, which hears of `handleServerReady`. Null: no socket could be made. */
  connect(upstream: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null;
}

/** One that can go on with a connection that somebody else has made. */
export interface AdoptingProtocol extends ServerProtocol {
  /** The connection stands, and is the exchange's. */
  adopt(upstream: Upstream, server: Server, exchange: ResponseHandler, socket: Socket): ServerSide;
}

export interface ServerProtocols {
  readonly http1: ServerProtocol;
  /** Or what is agreed on. */
  readonly http2: ServerProtocol;
}

/** Towards clients, for one listener. */
export interface ClientProtocol {
  /** As ALPN names it (RFC 7301): `http/1.1`, `h2`. */
  readonly name: string;
  /** Prepares what the listener's plan says. */
  configure(plan: ListenerPlan): void;
  /** A client has connected. `info`: as Service.serve has it. */
  accept(socket: Socket, info: ConnectionInfo | null): Session;
}
