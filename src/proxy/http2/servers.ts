/**
 * HTTP/2 towards servers: which connection an exchange gets. Those that stand are in their servers' pools.
 *
 * Where a server chooses by ALPN (`auto`), each exchange makes a connection of its own until one has chosen HTTP/2, and with one that has chosen
 * HTTP/1 it goes on there.
 */
import { SERVER_STREAMS_MAX } from '../../core/http2/bounds.ts';
import { FAILED_NO_RESOURCE } from '../../core/retry.ts';
import type { Socket } from '../../port/transport.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import type { Context } from '../context.ts';
import type { IdlePool } from '../http/idle-pool.ts';
import type { AdoptingProtocol, ServerProtocol } from '../http/protocol.ts';
import type { ResponseHandler, ServerSide } from '../http/sides.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import { type ConnectionOwner, ServerConnection } from './server-connection.ts';
import type { ServerStream } from './server-stream.ts';

export class Http2Servers implements ServerProtocol, ConnectionOwner {
  private readonly context: Context;
  private readonly http1: AdoptingProtocol;
  /** Made when the first server speaks HTTP/2. */
  private readonly lines: () => LineCache;
  /** By pool: the last connection that was begun and does not stand yet. */
  private readonly coming = new Map<IdlePool, ServerConnection>();
  /** How many streams the servers of a pool take on one connection, where one has said so. */
  private readonly known = new WeakMap<IdlePool, number>();

  constructor(context: Context, http1: AdoptingProtocol, lines: () => LineCache) {
    this.context = context;
    this.http1 = http1;
    this.lines = lines;
  }

  connect(upstream: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null {
    const coming = this.comingFor(upstream, server);
    if (coming !== null) return coming.await(exchange);
    const connection = new ServerConnection(this.context, upstream, server, this, this.lines());
    const stream = connection.await(exchange);
    return this.begin(connection) ? stream : null;
  }

  private begin(connection: ServerConnection): boolean {
    if (!connection.connect()) return false;
    this.coming.set(connection.pool, connection);
    return true;
  }

  /** One that does not stand yet, and has room for those who wait for it. */
  private comingFor({ plan }: Upstream, { idle }: Server): ServerConnection | null {
    const coming = this.coming.get(idle);
    if (coming === undefined) return null;
    const most = this.known.get(idle) ?? (plan.protocol === 'auto' ? 0 : SERVER_STREAMS_MAX);
    return coming.waitingCount < most ? coming : null;
  }

  place(stream: ServerStream): void {
    const { server, upstream } = stream;
    const coming = this.comingFor(upstream, server);
    if (coming !== null) {
      coming.awaitBy(stream);
      return;
    }
    const connection = new ServerConnection(this.context, upstream, server, this, this.lines());
    connection.awaitBy(stream);
    if (!this.begin(connection)) stream.handleNoConnection(FAILED_NO_RESOURCE);
  }

  handleSettled(connection: ServerConnection, streamsMax: number): void {
    const { pool } = connection;
    if (this.coming.get(pool) === connection) this.coming.delete(pool);
    if (streamsMax > 0) this.known.set(pool, streamsMax);
  }

  handleHttp1({ pool, server, upstream }: ServerConnection, streams: readonly ServerStream[], socket: Socket): void {
    this.known.delete(pool);
    const [first, ...others] = streams;
    if (first === undefined) socket.close();
    else {
      const exchange = first.yield();
      exchange.handleServerReady(this.http1.adopt(upstream, server, exchange, socket));
    }
    for (const stream of others) this.place(stream);
  }
}
