/**
 * A plan on its way to be applied. What takes long is prepared beside what serves, a few steps in each turn; the rest is done in
 * one turn, when everything is ready (proxy.ts).
 */
import type { ListenerPlan, Plan } from '../config/plan.ts';
import { defineValue } from '../core/value/definitions.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { Definition } from '../core/value/variables.ts';
import type { Secrets } from '../port/tls.ts';
import { RouteSet } from './http/route-set.ts';

/** A listening socket of a plan. */
export interface PlannedSocket {
  /** The same number is the same socket, in every plan. */
  readonly id: number;
  /** Index into the plan's listeners. */
  readonly listener: number;
  /** This proxy's own; not looked at for a socket that it has already. */
  readonly descriptor: number;
}

/** Of a route or so each. They take less than a millisecond together, also in code that has not run before. */
export const STEPS_PER_TURN = 16;

export class Provision {
  readonly plan: Plan;
  readonly sockets: readonly PlannedSocket[];
  readonly secrets: Secrets;
  /** To be called when it is applied. */
  readonly onApplied: () => void;
  /** What the plan's values are made by. */
  readonly values: Definition<RequestView>[] = [];
  private readonly sets = new Map<ListenerPlan, RouteSet>();
  private steps: Generator<undefined, void> | null = null;

  constructor(plan: Plan, sockets: readonly PlannedSocket[], secrets: Secrets, onApplied: () => void) {
    this.plan = plan;
    this.sockets = sockets;
    this.secrets = secrets;
    this.onApplied = onApplied;
  }

  /** True: everything is ready. `formerOf`: the routes that a listener has now. */
  advance(steps: number, formerOf: (plan: ListenerPlan) => RouteSet | null): boolean {
    this.steps ??= this.prepare(formerOf);
    for (let step = 0; step < steps; step++) if (this.steps.next().done === true) return true;
    return false;
  }

  /** Null: it has none. */
  routesOf(plan: ListenerPlan): RouteSet | null {
    return this.sets.get(plan) ?? null;
  }

  private *prepare(formerOf: (plan: ListenerPlan) => RouteSet | null): Generator<undefined, void> {
    for (const plan of this.plan.values) {
      this.values.push(defineValue(plan));
      yield;
    }
    for (const plan of this.plan.listeners) {
      if (plan.protocol === 'http') this.sets.set(plan, yield* RouteSet.prepare(plan, formerOf(plan)));
    }
  }
}
