/** A version of HTTP, for one listener: `proxy.ts` plugs it in, and nobody else knows which it is. */
import type { ListenerPlan } from '../../config/plan.ts';
import type { BelievedHops } from '../../core/client/forwarded-for.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Session } from '../session.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { KeptRequest } from './kept-request.ts';
import type { OwnResponse } from './own-responses.ts';
import type { Route } from './route.ts';
import type { ResponseHandler, ServerSide } from './sides.ts';

/** Towards servers. */
export interface ServerProtocol {
  /**
   * Keeps the request in the view, whose head was `headLength` bytes long, as `route` changes it. Null, or what to answer because
   * that is not possible; then nothing is kept. Leaves in the view where the request's identifier stands.
   */
  keep(
    request: KeptRequest,
    view: RequestView,
    hops: BelievedHops,
    route: Route,
    isUpgrade: boolean,
    headLength: number,
  ): OwnResponse | null;
  /** Begins a connection for an exchange. Null: no socket could be made. */
  connect(upstream: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null;
}

/** Towards clients. */
export interface ClientProtocol {
  /** As ALPN names it (RFC 7301): `http/1.1`, `h2`. */
  readonly name: string;
  /** Prepares what the listener's plan says. */
  configure(plan: ListenerPlan): void;
  /** A client has connected. `info`: as Service.serve has it. */
  accept(socket: Socket, info: ConnectionInfo | null): Session;
}

/** Towards both. */
export interface HttpProtocol extends ClientProtocol, ServerProtocol {}
