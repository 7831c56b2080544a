/** Limits of a route, from the model to the plan. */
import { assert } from '../../base/assert.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Config, RouteConfig } from '../model/config.ts';
import type { ConnectionLimitPlan, LimitPlan, LimitsPlan, RequestLimitPlan } from '../plan/limits.ts';
import { parseRate } from '../words/units.ts';

export type LimiterConfigs = NonNullable<Config['limiters']>;

/** Null: the route has none. */
export function compileLimits(written: RouteConfig['limits'], limiters: LimiterConfigs): LimitsPlan | null {
  const { requests = [], connections = [] } = written ?? {};
  if (requests.length + connections.length === 0) return null;
  const common = (use: (typeof requests | typeof connections)[number]): LimitPlan => ({
    zone: use.of,
    key: limiters[use.of].key ?? null,
    ipv6Bits: limiters[use.of]['ipv6-prefix'] ?? DEFAULTS.limiter['ipv6-prefix'],
    status: use.status ?? DEFAULTS.limiter.status,
    isDry: use['dry-run'] ?? DEFAULTS.limiter['dry-run'],
  });
  const requestLimit = (use: (typeof requests)[number]): RequestLimitPlan => {
    const rate = parseRate(limiters[use.of].rate ?? '');
    assert(rate !== null, `the rate of ${use.of} was checked`);
    const { burst = DEFAULTS.limiter.burst, 'delay-after': delayAfter = null } = use;
    return { ...common(use), rate, burst, delayAfter };
  };
  const connectionLimit = (use: (typeof connections)[number]): ConnectionLimitPlan => ({
    ...common(use),
    max: use.max,
  });
  return { requests: requests.map(requestLimit), connections: connections.map(connectionLimit) };
}
