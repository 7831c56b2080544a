/** Limits of a route, from the model to the plan. */
import { assert } from '../base/assert.ts';
import { DEFAULTS } from './defaults.ts';
import type { Config, RouteConfig } from './model.ts';
import type { ConnectionLimitPlan, LimitPlan, LimitsPlan, RequestLimitPlan } from './plan.ts';
import { parseRate } from './units.ts';

export type LimitConfigs = NonNullable<Config['limits']>;

/** Null: the route has none. */
export function compileLimits(written: RouteConfig['limits'], limits: LimitConfigs): LimitsPlan | null {
  const { requests = [], connections = [] } = written ?? {};
  if (requests.length + connections.length === 0) return null;
  const common = (use: (typeof requests | typeof connections)[number]): LimitPlan => ({
    zone: use.of,
    key: limits[use.of].key ?? null,
    ipv6Bits: limits[use.of]['ipv6-prefix'] ?? DEFAULTS.limit['ipv6-prefix'],
    status: use.status ?? DEFAULTS.limit.status,
    isDry: use['dry-run'] ?? DEFAULTS.limit['dry-run'],
  });
  const requestLimit = (use: (typeof requests)[number]): RequestLimitPlan => {
    const rate = parseRate(limits[use.of].rate ?? '');
    assert(rate !== null, `the rate of ${use.of} was checked`);
    const { burst = DEFAULTS.limit.burst, 'delay-after': delayAfter = null } = use;
    return { ...common(use), rate, burst, delayAfter };
  };
  const connectionLimit = (use: (typeof connections)[number]): ConnectionLimitPlan => ({
    ...common(use),
    max: use.max,
  });
  return { requests: requests.map(requestLimit), connections: connections.map(connectionLimit) };
}
