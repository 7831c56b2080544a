/** The plan of a file whose upstreams have other servers: those that were found while it runs. Pure. */
import type { Plan } from './plan.ts';
import type { ServerPlan, UpstreamPlan } from './upstream.ts';

/** By upstream; without an entry, or with an empty one, the servers of the file count. */
export type FoundServers = ReadonlyMap<string, readonly ServerPlan[]>;

export function withFound(plan: Plan, found: FoundServers): Plan {
  if (plan.upstreams.every((upstream) => serversOf(upstream, found) === upstream.servers)) return plan;
  let slots = 0;
  const upstreams = plan.upstreams.map((upstream): UpstreamPlan => {
    const servers = serversOf(upstream, found).map((server): ServerPlan => {
      const firstSlot = slots;
      slots += server.slotCount;
      return Object.assign({}, server, { firstSlot });
    });
    return Object.assign({}, upstream, { servers });
  });
  return { ...plan, upstreams, serverSlots: slots };
}

function serversOf({ discovery, name, servers }: UpstreamPlan, found: FoundServers): readonly ServerPlan[] {
  const others = discovery === undefined ? undefined : found.get(name);
  return others === undefined || others.length === 0 ? servers : others;
}
