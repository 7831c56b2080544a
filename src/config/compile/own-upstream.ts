/** A process of ours that proxies ask as they ask a server, as an upstream of the plan. */
import type { UpstreamPlan } from '../plan/upstream.ts';

export interface OwnUpstream {
  readonly name: string;
  readonly server: string;
  /** What the keeper puts the real address in the place of. */
  readonly host: string;
  /** Of all proxies together. */
  readonly connectionsMax: number;
}

export function ownUpstream(
  { connectionsMax, host, name, server }: OwnUpstream,
  slot: number,
  firstSlot: number,
): UpstreamPlan {
  return {
    name,
    slot,
    serverBy: null,
    resolver: null,
    balance: 'round-robin',
    hash: null,
    servers: [
      {
        name: server,
        target: { family: 0, host, port: 0 },
        weight: 1,
        state: 'enabled',
        maxConnections: connectionsMax,
        backup: false,
        passive: null,
        health: null,
        notify: null,
        firstSlot,
        slotCount: 1,
        epoch: 0,
      },
    ],
    sources: [],
    health: null,
    quorum: null,
    passive: null,
    slowStartMs: 0,
    timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 30_000, queueMs: 10_000, tunnelMs: 0, halfClosedMs: 0 },
    keepAlive: null,
    proxyProtocol: null,
    proxyTlvs: [],
    tls: null,
    poolIdle: null,
    queueMax: 1024,
  };
}
