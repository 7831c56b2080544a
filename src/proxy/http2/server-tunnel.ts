/** A stream to a server that has become one end of a tunnel (RFC 8441): how the exchange is told, and what the upstream has of it from then on. */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { type Failure, FAILED_BAD_RESPONSE, FAILED_NO_BUFFER } from '../../core/retry.ts';
import type { Context } from '../context.ts';
import type { ResponseHandler, Tunnel } from '../http/sides.ts';
import type { RelayTimes } from '../relay.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import { switchHead } from './kept-head.ts';

export class ServerTunnel implements Tunnel {
  private readonly upstream: Upstream;
  private readonly server: Server;

  constructor(upstream: Upstream, server: Server) {
    this.upstream = upstream;
    this.server = server;
  }

  get times(): RelayTimes {
    const { tunnelMs: idleMs, halfClosedMs } = this.upstream.plan.timeouts;
    return { idleMs, halfClosedMs };
  }

  get retireAt(): number {
    return this.server.retireAt;
  }

  endTunnel(): void {
    this.upstream.give(this.server);
  }
}

/**
 * The client is told that the server, whose consent is in `context.responseHead`, has switched protocols as it was asked to. `accept`: the answer to
 * the client's key. 0, or why there is no tunnel.
 */
export function switchProtocols(context: Context, exchange: ResponseHandler, accept: Uint8Array): Failure | 0 {
  const { arena, responseHead } = context;
  const slot = arena.allocate(HEAD_SLOT_BYTES);
  if (slot < 0) return FAILED_NO_BUFFER;
  let failure: Failure | 0 = 0;
  if (!switchHead(context, slot, accept) || !exchange.mayChange(responseHead)) failure = FAILED_BAD_RESPONSE;
  else if (!exchange.passSwitching(responseHead)) failure = FAILED_NO_BUFFER;
  arena.release(slot);
  return failure;
}
