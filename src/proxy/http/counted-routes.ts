/**
 * With which others the requests of each route of a listener are counted, as one plan says it. Of ten thousand routes it is found out step by
 * step, beside what serves, and holds from the turn on in which the plan does.
 */
import type { CountedPlan } from '../../config/plan/record.ts';
import { countedKey, hasKey } from '../../config/plan/route-label.ts';
import type { Route } from './route.ts';

/** So many look-ups cost about what a new route does. */
const PER_STEP = 32;

export class CountedRoutes {
  private readonly plans: readonly CountedPlan[];
  private readonly routes: readonly Route[];
  /** Of each of them; null: there is none. */
  private readonly counted: readonly (CountedPlan | null)[];

  private constructor(
    plans: readonly CountedPlan[],
    routes: readonly Route[],
    counted: readonly (CountedPlan | null)[],
  ) {
    this.plans = plans;
    this.routes = routes;
    this.counted = counted;
  }

  /** Between two steps somebody else may have the turn. */
  static *prepare(plans: readonly CountedPlan[], routes: Iterable<Route>): Generator<undefined, CountedRoutes> {
    const all: Route[] = [];
    const counted: (CountedPlan | null)[] = [];
    const waiting: Route[] = [];
    let byKey: ReadonlyMap<string, number> | null = null;
    // Plans are in the order of the routes, behind that of no route: nearly always it is this one, or the one before.
    let next = 1;
    for (const route of routes) {
      waiting.push(route);
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        const { countedKey: key } = one;
        if (hasKey(plans[next], key)) next++;
        else if (!hasKey(plans[next - 1], key)) {
          byKey ??= yield* placesByKey(plans);
          next = (byKey.get(key) ?? -1) + 1;
        }
        all.push(one);
        if (counted.push(plans[next - 1] ?? null) % PER_STEP === 0) yield;
        for (const inner of one.inside) waiting.push(inner);
      }
    }
    return new CountedRoutes(plans, all, counted);
  }

  /** For the same routes nothing else is found by these. */
  isBy(plans: readonly CountedPlan[]): boolean {
    return (
      plans.length === this.plans.length &&
      plans.every(({ slot, isTimed }, i) => slot === this.plans[i].slot && isTimed === this.plans[i].isTimed)
    );
  }

  /** From now on. */
  set(): void {
    for (let i = 0; i < this.routes.length; i++) this.routes[i].counted = this.counted[i];
  }
}

function* placesByKey(plans: readonly CountedPlan[]): Generator<undefined, ReadonlyMap<string, number>> {
  const byKey = new Map<string, number>();
  for (const [at, { route, upstream }] of plans.entries()) {
    byKey.set(countedKey(route, upstream), at);
    if (at % PER_STEP === 0) yield;
  }
  return byKey;
}
