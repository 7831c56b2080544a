/**
 * Gives the servers and listeners of a plan their places on the status board: those that an earlier plan had keep theirs.
 * Pure.
 */
import type { ListenerPlan, Plan, ServerPlan, UpstreamPlan } from '../config/plan.ts';
import type { SlotRange, SlotTable } from './slots.ts';

export interface Places {
  readonly servers: SlotTable;
  readonly listeners: SlotTable;
}

/** What the board says is still counted at these places. */
export interface Quiet {
  servers(range: SlotRange): boolean;
  listeners(range: SlotRange): boolean;
}

export interface Placed {
  readonly plan: Plan;
  /** The places are its own from now on. */
  commit(): void;
}

/**
 * The plan of `generation`, with every place set. Null: there are not enough places, because those of earlier servers are
 * still in use.
 */
export function placePlan(plan: Plan, generation: number, places: Places, quiet: Quiet): Placed | null {
  const wantedServers = new Map<string, number>();
  for (const upstream of plan.upstreams) {
    for (const server of upstream.servers) wantedServers.set(serverKey(upstream, server), server.slotCount);
  }
  const wantedListeners = new Map(plan.listeners.map((listener) => [listenerKey(listener), 1]));
  const servers = places.servers.propose(wantedServers, generation, (range) => quiet.servers(range));
  const listeners = places.listeners.propose(wantedListeners, generation, (range) => quiet.listeners(range));
  if (servers === null || listeners === null) return null;
  const placed: Plan = {
    ...plan,
    listeners: plan.listeners.map((listener) => {
      return { ...listener, slot: listeners.ranges.get(listenerKey(listener))!.first };
    }),
    upstreams: plan.upstreams.map((upstream) => ({
      ...upstream,
      servers: upstream.servers.map((server) => {
        const { first, epoch } = servers.ranges.get(serverKey(upstream, server))!;
        return { ...server, firstSlot: first, epoch };
      }),
    })),
  };
  const commit = (): void => {
    servers.commit();
    listeners.commit();
  };
  return { plan: placed, commit };
}

/** What makes a server the same one in another plan: its upstream, and what is written for it there. */
function serverKey(upstream: UpstreamPlan, server: ServerPlan): string {
  return `${upstream.name}/${server.name}`;
}

/** The places of a listener are counters of connections; one of another protocol has other ones. */
function listenerKey({ name, protocol }: ListenerPlan): string {
  return `${name} ${protocol}`;
}
