/**
 * What an operator says by hand of a server, a listener or the node, over what the file says: plain data, and what becomes
 * of a plan by it. Pure.
 *
 * One that says nothing else than the file is none: so an override ends when it is taken back, and when the file comes to
 * say the same.
 */
import type { AdminState, Plan, ServerPlan, UpstreamPlan } from '../config/plan.ts';

export interface Override {
  /** `server web/192.0.2.1:80`, `listener web`, or `node`. */
  readonly subject: string;
  /** Null: as in the file. */
  readonly state: AdminState | null;
  /** Of a server; null: as in the file. */
  readonly weight: number | null;
  /** Who said so last, as they said; null: they did not. */
  readonly by: string | null;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** What the file says of a subject. */
export interface Filed {
  readonly state: AdminState;
  /** Null: it is no server. */
  readonly weight: number | null;
}

/** A part that is missing stays as it was said before; null takes it back. */
export interface Change {
  readonly subject: string;
  readonly state?: AdminState | null;
  readonly weight?: number | null;
}

export const NODE = 'node';

export function serverSubject(upstream: string, server: string): string {
  return `server ${upstream}/${server}`;
}

export function listenerSubject(listener: string): string {
  return `listener ${listener}`;
}

/** Everything that can be overridden. */
export function filedOf(plan: Plan): ReadonlyMap<string, Filed> {
  const filed = new Map<string, Filed>([[NODE, { state: 'enabled', weight: null }]]);
  for (const { name } of plan.listeners) filed.set(listenerSubject(name), { state: 'enabled', weight: null });
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
      return Object.assign({}, listener, { intake, isReady: listener.isReady && !isNodeDrained });
    }),
    upstreams: plan.upstreams.map((upstream) => overriddenUpstream(upstream, bySubject)),
  };
}

function overriddenUpstream(upstream: UpstreamPlan, bySubject: ReadonlyMap<string, Override>): UpstreamPlan {
  const servers = upstream.servers.map((server): ServerPlan => {
    const override = bySubject.get(serverSubject(upstream.name, server.name));
    if (override === undefined) return server;
    const { state, weight } = override;
    return Object.assign({}, server, { state: state ?? server.state, weight: weight ?? server.weight });
  });
  return { ...upstream, servers };
}

function isDrained(override: Override | undefined): boolean {
  return override !== undefined && override.state !== null && override.state !== 'enabled';
}
