/**
 * All routes of a listener, prepared. Of ten thousand that takes longer than a request may wait, so it is done step by step. A
 * line that the set before has too is the same route, and is not prepared again.
 */
import type { CountedPlan } from '../../config/plan/record.ts';
import type { EscapedSlash } from '../../config/plan/listener.ts';
import { parseRoute } from '../../config/plan/route-text.ts';
import type { RouteWatch } from '../../core/route/route-watch.ts';
import { Rule } from '../../core/route/rule.ts';
import { readingOf, type RouteTable, RouteTableBuilder } from '../../core/route/table.ts';
import type { Upstream } from '../upstream.ts';
import { CountedRoutes } from './counted-routes.ts';
import { Route, type Surroundings } from './route.ts';

interface Prepared {
  readonly rule: Rule;
  readonly route: Route;
}

/** What a listener's plan says of its routes. */
export interface RoutesPlan {
  readonly routes: string;
  readonly escapedSlash: EscapedSlash;
  readonly counted: readonly CountedPlan[];
}

interface Parts extends Pick<RouteSet, 'table' | 'routes' | 'called' | 'areLogged'> {
  readonly plan: RoutesPlan;
  readonly byLine: ReadonlyMap<string, Prepared>;
  readonly counted: CountedRoutes;
}

/** So many lines that were there before cost about what a new one does. */
const KEPT_PER_STEP = 16;

export class RouteSet {
  readonly table: RouteTable;
  readonly routes: readonly Route[];
  /** Those that steps call, by name: where they stand in `routes`. */
  readonly called: ReadonlyMap<string, number>;
  /** A route has access logs of its own. */
  readonly areLogged: boolean;
  private readonly plan: RoutesPlan;
  private readonly byLine: ReadonlyMap<string, Prepared>;
  private readonly counted: CountedRoutes;

  private constructor({ plan, table, routes, called, areLogged, byLine, counted }: Parts) {
    this.plan = plan;
    this.table = table;
    this.routes = routes;
    this.called = called;
    this.areLogged = areLogged;
    this.byLine = byLine;
    this.counted = counted;
  }

  /** Between two steps somebody else may have the turn. `former` stays as it is. `watch`: hears how routes are found. */
  static *prepare(
    plan: RoutesPlan,
    former: RouteSet | null,
    watch: RouteWatch | null = null,
  ): Generator<undefined, RouteSet> {
    const known = former?.plan.escapedSlash === plan.escapedSlash ? former : null;
    if (known?.plan.routes === plan.routes) {
      if (known.counted.isBy(plan.counted)) return known;
      const { table, routes, called, areLogged, byLine } = known;
      const counted = yield* CountedRoutes.prepare(plan.counted, routes);
      return new RouteSet({ plan, table, routes, called, areLogged, byLine, counted });
    }
    const { routes: text, escapedSlash } = plan;
    const builder = new RouteTableBuilder();
    const routes: Route[] = [];
    const called = new Map<string, number>();
    let areLogged = false;
    const byLine = new Map<string, Prepared>();
    let kept = 0;
    for (let at = 0; at < text.length;) {
      const end = text.indexOf('\n', at);
      const line = text.slice(at, end);
      at = end + 1;
      let prepared = known?.byLine.get(line) ?? byLine.get(line);
      const isNew = prepared === undefined;
      prepared ??= prepareLine(line, escapedSlash, watch);
      byLine.set(line, prepared);
      builder.add(prepared.rule);
      const index = routes.push(prepared.route) - 1;
      const { isLogged, plan: own } = prepared.route;
      if (own.name !== null) called.set(own.name, index);
      areLogged ||= isLogged;
      if (isNew || ++kept % KEPT_PER_STEP === 0) yield;
    }
    const table = yield* builder.build(escapedSlash, watch);
    const counted = yield* CountedRoutes.prepare(plan.counted, routes);
    return new RouteSet({ plan, table, routes, called, areLogged, byLine, counted });
  }

  /** The plan that these routes are of has these. */
  bind(upstreams: readonly Upstream[], rest: Omit<Surroundings, 'upstreams'>): void {
    const byName = new Map(upstreams.map((upstream) => [upstream.plan.name, upstream]));
    const surroundings = { ...rest, upstreams: byName };
    for (const route of this.routes) route.bind(surroundings);
    this.counted.set();
  }
}

function prepareLine(line: string, escapedSlash: EscapedSlash, watch: RouteWatch | null): Prepared {
  const plan = parseRoute(line);
  return { rule: new Rule(plan), route: new Route(plan, readingOf(escapedSlash), watch) };
}
