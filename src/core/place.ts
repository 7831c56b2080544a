/**
 * Gives the servers and listeners of a plan their places on the status board: those that an earlier plan had keep theirs.
 * Pure.
 */
import { ROUTE_UNITS_TIMED } from '../base/traffic-cells.ts';
import type { CountedPlan } from '../config/plan/record.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { countedKey } from '../config/plan/route-label.ts';
import { type SlotRange, SlotTable } from './slots.ts';

export class Places {
  readonly servers: SlotTable;
  readonly listeners: SlotTable;
  /** Of these two nothing but counters: what they rest for is that nobody counts there any more. */
  readonly upstreams: SlotTable;
  readonly routes: SlotTable;

  /** How many there are of each. */
  constructor(servers: number, listeners: number, routes: number) {
    this.servers = new SlotTable(servers);
    this.listeners = new SlotTable(listeners);
    this.upstreams = new SlotTable(servers);
    this.routes = new SlotTable(routes);
  }

  /** As of SlotTable. */
  acknowledge(reader: number, generation: number): void {
    for (const table of this.all) table.acknowledge(reader, generation);
  }

  forget(reader: number): void {
    for (const table of this.all) table.forget(reader);
  }

  private get all(): readonly SlotTable[] {
    return [this.servers, this.listeners, this.upstreams, this.routes];
  }
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
  const wantedUpstreams = new Map(plan.upstreams.map(({ name }) => [name, 1]));
  const upstreams = places.upstreams.propose(wantedUpstreams, generation, IS_QUIET);
  if (servers === null || listeners === null || upstreams === null) return null;
  const wantedRoutes = routesOf(plan, places.routes.capacity >> 1);
  // nobody is refused a plan because its routes cannot be counted apart
  const routes =
    places.routes.propose(wantedRoutes, generation, IS_QUIET) ??
    places.routes.propose(new Map(), generation, IS_QUIET)!;
  const placed: Plan = {
    ...plan,
    listeners: plan.listeners.map((listener) => ({
      ...listener,
      slot: listeners.ranges.get(listenerKey(listener))!.first,
      counted: listener.counted.map((one) => {
        return { ...one, slot: routes.ranges.get(routeKey(listener, one))?.first ?? -1 };
      }),
    })),
    upstreams: plan.upstreams.map((upstream) => ({
      ...upstream,
      slot: upstreams.ranges.get(upstream.name)!.first,
      servers: upstream.servers.map((server) => {
        const { first, epoch } = servers.ranges.get(serverKey(upstream, server))!;
        return { ...server, firstSlot: first, epoch };
      }),
    })),
  };
  const commit = (): void => {
    servers.commit();
    listeners.commit();
    upstreams.commit();
    routes.commit();
  };
  return { plan: placed, commit };
}

const IS_QUIET = (): boolean => true;

/** The first ones that take no more than so many places. */
function routesOf({ listeners }: Plan, unitsMax: number): Map<string, number> {
  const wanted = new Map<string, number>();
  let units = 0;
  for (const listener of listeners) {
    for (const one of listener.counted) {
      const count = one.isTimed ? ROUTE_UNITS_TIMED : 1;
      if (units + count > unitsMax) return wanted;
      units += count;
      wanted.set(routeKey(listener, one), count);
    }
  }
  return wanted;
}

function routeKey(listener: ListenerPlan, { route, upstream }: CountedPlan): string {
  return `${listener.name}\n${countedKey(route, upstream)}`;
}

/** What makes a server the same one in another plan: its upstream, and what is written for it there. */
function serverKey(upstream: UpstreamPlan, server: ServerPlan): string {
  return `${upstream.name}/${server.name}`;
}

/** The places of a listener are counters of connections; one of another protocol has other ones. */
function listenerKey({ name, protocol }: ListenerPlan): string {
  return `${name} ${protocol}`;
}
