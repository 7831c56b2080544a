/**
 * TLS with the servers of a proxy, from plan to plan. Contexts are made before a plan is applied, as those for clients (tls-layers.ts). What
 * servers, upstreams or plans have in common is one.
 */
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';
import { identityOf } from '../../core/tls/server-identity.ts';
import type { Secrets, Tls } from '../../port/tls.ts';
import type { ServerLayer } from '../layer.ts';
import type { TlsRoom } from './room.ts';
import { TlsServerLayer } from './server-layer.ts';
import { findMaterial, type SharedContext, SharedContexts } from './shared-contexts.ts';

export class ServerLayers {
  private readonly room: TlsRoom;
  private readonly open: () => Tls;
  private readonly contexts = new SharedContexts();

  /** `open`: called when a plan has TLS for the first time. */
  constructor(room: TlsRoom, open: () => Tls) {
    this.room = room;
    this.open = open;
  }

  /** The context of an upstream of a plan that is to be applied. It is to be given back when it is, or is not. Throws TlsRefusal. */
  prepare(plan: ServersTlsPlan, { authorities, credentials }: Secrets): SharedContext {
    const { credential, trust, reusesSessions: keepsTickets, ...settings } = plan;
    return this.contexts.take(keyOf(plan), () =>
      this.open().createServersContext(
        { ...settings, prefersOwnOrder: false, keepsTickets },
        credential === null ? null : findMaterial(credentials, credential),
        trust === null ? null : findMaterial(authorities, trust),
      ),
    );
  }

  giveBack(prepared: SharedContext): void {
    this.contexts.give(prepared);
  }

  /** Null: it is spoken to in clear. Else it belongs to who asks. */
  layerOf({ tls: plan }: UpstreamPlan, server: ServerPlan): ServerLayer | null {
    if (plan === null) return null;
    const shared = this.contexts.share(keyOf(plan));
    return new TlsServerLayer({
      room: this.room,
      tls: this.open(),
      context: shared.context,
      identity: identityOf(plan, server),
      // of HTTP, where a response may end with its connection
      needsFarewell: plan.protocols.length > 0,
      onUnused: () => this.contexts.give(shared),
    });
  }
}

/** Whom it is for is not of a context. */
function keyOf(plan: ServersTlsPlan): string {
  const { serverName: _, sendsName: __, ...own } = plan;
  return JSON.stringify(own);
}
