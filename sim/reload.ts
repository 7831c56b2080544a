/**
 * Reloads that change nothing that a client could see. The positions: the same listeners and upstreams in another order, as new objects. Whoever keeps a
 * position across plans takes one for another, and whoever does not keep what has not changed loses it: neither may be seen.
 * And now and then one server is gone and another one has its place.
 */
import type { Prng } from '../src/base/prng.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { ServerPlan } from '../src/config/plan/upstream.ts';
import type { PlannedSocket } from '../src/proxy/proxy.ts';

export interface Reordered {
  readonly plan: Plan;
  readonly sockets: readonly PlannedSocket[];
}

export function reorder(prng: Prng, plan: Plan, sockets: readonly PlannedSocket[]): Reordered {
  const upstreams = shuffled(prng, plan.upstreams);
  const listeners = shuffled(prng, plan.listeners);
  const upstreamAt = plan.upstreams.map((upstream) => upstreams.indexOf(upstream));
  const listenerAt = plan.listeners.map((listener) => listeners.indexOf(listener));
  const moved: Plan = {
    ...plan,
    upstreams,
    listeners: listeners.map((listener) =>
      Object.assign({}, listener, {
        upstream: listener.upstream < 0 ? -1 : upstreamAt[listener.upstream],
      }),
    ),
  };
  return {
    plan: structuredClone(moved),
    sockets: sockets.map(({ id, listener, descriptor }) => ({ id, listener: listenerAt[listener], descriptor })),
  };
}

/** A server of the plan has been replaced by another one, which has its slots. */
export function replaceServer(prng: Prng, plan: Plan): { readonly plan: Plan; readonly replaced: ServerPlan } {
  const upstream = plan.upstreams[prng.below(plan.upstreams.length)];
  const server = upstream.servers[prng.below(upstream.servers.length)];
  const replaced: ServerPlan = { ...server, epoch: server.epoch + 1 };
  const servers = upstream.servers.map((each) => (each === server ? replaced : each));
  const upstreams = plan.upstreams.map((each) => (each === upstream ? Object.assign({}, upstream, { servers }) : each));
  return { plan: { ...plan, upstreams }, replaced };
}

function shuffled<T>(prng: Prng, list: readonly T[]): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
