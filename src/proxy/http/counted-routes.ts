/**
 * With which others the requests of each route of a listener are counted, as one plan says it. Of ten thousand routes it is found out step by
 * step, beside what serves, and holds from the turn on in which the plan does.
 */
import type { CountedPlan } from '../../config/plan.ts';
import { countedKey } from '../../config/route-label.ts';
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
    const byKey = new Map<string, CountedPlan>();
    for (const plan of plans) {
      byKey.set(countedKey(plan.route, plan.upstream), plan);
      if (byKey.size % PER_STEP === 0) yield;
    }
    const all: Route[] = [];
    const counted: (CountedPlan | null)[] = [];
    for (const route of routes) {
      for (const one of route.withInner()) {
        all.push(one);
        if (counted.push(byKey.get(one.countedKey) ?? null) % PER_STEP === 0) yield;
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
