/**
 * What an operator says by hand of a server, a listener or the node, over what the file says: plain data, and what becomes
 * of a plan by it. Pure.
 *
 * One that says nothing else than the file is none: so an override ends when it is taken back, and when the file comes to
 * say the same.
 */
import type { AdminState, ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { RoutePlan, StepPlan } from '../config/plan/route.ts';
import { compileMaintenance } from '../config/compile/maintenance.ts';
import { routeLabel } from '../config/plan/route-label.ts';
import { formatRoutes, parseRoutes } from '../config/plan/route-text.ts';

/** Of maintenance: it is on, or off. */
export type SaidState = AdminState | 'on' | 'off';

export interface Override {
  /** `server web/192.0.2.1:80`, `listener web`, `node`, `maintenance`, `maintenance web` or `maintenance web /shop/`. */
  readonly subject: string;
  /** Null: as in the file. */
  readonly state: SaidState | null;
  /** Of a server; null: as in the file. */
  readonly weight: number | null;
  /** Who said so last, as they said; null: they did not. */
  readonly by: string | null;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** What the file says of a subject. */
export interface Filed {
  readonly state: SaidState;
  /** Null: it is no server. */
  readonly weight: number | null;
}

/** A part that is missing stays as it was said before; null takes it back. */
export interface Change {
  readonly subject: string;
  readonly state?: SaidState | null;
  readonly weight?: number | null;
}

export const NODE = 'node';
const MAINTENANCE = 'maintenance';
const USUAL_PAGE = compileMaintenance({});
const OFF: Filed = { state: 'off', weight: null };
/** What the labels of routes begin with that are called by name. */
const CALLED = '@';
const CHALLENGES = '/.well-known/acme-challenge/';

export function serverSubject(upstream: string, server: string): string {
  return `server ${upstream}/${server}`;
}

export function listenerSubject(listener: string): string {
  return `listener ${listener}`;
}

/** Of all routes, of those of a listener, or of one of them, by its label (config/plan/route-label.ts). */
export function maintenanceSubject(listener: string | null, route: string | null): string {
  return [MAINTENANCE, listener, route].filter((word) => word !== null).join(' ');
}

/** Everything that can be overridden. */
export function filedOf(plan: Plan): ReadonlyMap<string, Filed> {
  const filed = new Map<string, Filed>([[NODE, { state: 'enabled', weight: null }]]);
  filed.set(MAINTENANCE, OFF);
  for (const { counted, name, protocol } of plan.listeners) {
    filed.set(listenerSubject(name), { state: 'enabled', weight: null });
    if (protocol !== 'http') continue;
    filed.set(maintenanceSubject(name, null), OFF);
    for (const { route } of counted)
      if (route !== '' && !route.startsWith(CALLED)) filed.set(maintenanceSubject(name, route), OFF);
  }
  for (const { name, servers } of plan.upstreams) {
    for (const { name: server, state, weight } of servers) filed.set(serverSubject(name, server), { state, weight });
  }
  return filed;
}

/** The overrides after another one, by `by` at `atMs`. */
export function changed(
  overrides: readonly Override[],
  { subject, state, weight }: Change,
  by: string | null,
  atMs: number,
): readonly Override[] {
  const before = overrides.find((each) => each.subject === subject);
  const after: Override = {
    subject,
    state: state === undefined ? (before?.state ?? null) : state,
    weight: weight === undefined ? (before?.weight ?? null) : weight,
    by,
    atMs,
  };
  return [...overrides.filter((each) => each !== before), after];
}

/** What of the overrides says something else than this file, of something that it has. */
export function remaining(overrides: readonly Override[], filed: ReadonlyMap<string, Filed>): readonly Override[] {
  return overrides.flatMap((override) => {
    const said = filed.get(override.subject);
    if (said === undefined) return [];
    const state = override.state === said.state ? null : override.state;
    const weight = override.weight === said.weight ? null : override.weight;
    if (state === null && weight === null) return [];
    return state === override.state && weight === override.weight ? [override] : [{ ...override, state, weight }];
  });
}

/** The plan of a file, as these make it. */
export function overridden(plan: Plan, overrides: readonly Override[]): Plan {
  if (overrides.length === 0) return plan;
  const bySubject = new Map(overrides.map((override) => [override.subject, override]));
  const isNodeDrained = isDrained(bySubject.get(NODE));
  return {
    ...plan,
    listeners: plan.listeners.map((listener) => {
      const isClosed = isDrained(bySubject.get(listenerSubject(listener.name)));
      const intake = isClosed ? 'closed' : isNodeDrained ? 'last' : listener.intake;
      const routes = routesOf(listener, plan.maintenance ?? USUAL_PAGE, bySubject);
      return Object.assign({}, listener, { intake, routes, isReady: listener.isReady && !isNodeDrained });
    }),
    upstreams: plan.upstreams.map((upstream) => overriddenUpstream(upstream, bySubject)),
  };
}

/** Those that are closed do this first. */
function routesOf({ name, routes }: ListenerPlan, step: StepPlan, bySubject: ReadonlyMap<string, Override>): string {
  const own = maintenanceSubject(name, null);
  const isAll = bySubject.has(MAINTENANCE) || bySubject.has(own);
  if (!isAll && ![...bySubject.keys()].some((subject) => subject.startsWith(`${own} `))) return routes;
  const isClosed = (route: RoutePlan): boolean =>
    isClosable(route) && (isAll || bySubject.has(maintenanceSubject(name, routeLabel(route))));
  const closed = (route: RoutePlan): RoutePlan =>
    isClosed(route) ? { ...route, steps: [step, ...route.steps] } : route;
  return formatRoutes(parseRoutes(routes).map(closed));
}

/** Clients come to it, and it answers neither a load balancer in front nor an authority that issues certificates. */
function isClosable({ action, isInternal, match, name }: RoutePlan): boolean {
  const isChallenge = match.path !== null && match.path.value.startsWith(CHALLENGES);
  return name === null && !isInternal && action.kind !== 'ready' && !isChallenge;
}

function overriddenUpstream(upstream: UpstreamPlan, bySubject: ReadonlyMap<string, Override>): UpstreamPlan {
  const servers = upstream.servers.map((server): ServerPlan => {
    const override = bySubject.get(serverSubject(upstream.name, server.name));
    if (override === undefined) return server;
    const { weight } = override;
    const state = override.state as AdminState | null;
    return Object.assign({}, server, { state: state ?? server.state, weight: weight ?? server.weight });
  });
  return { ...upstream, servers };
}

function isDrained(override: Override | undefined): boolean {
  return override !== undefined && override.state !== null && override.state !== 'enabled';
}
