/**
 * A plan on its way to be applied. What takes long is prepared beside what serves, a few steps in each turn; the rest is done in
 * one turn, when everything is ready (proxy.ts).
 */
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { RouteWatch } from '../core/route/route-watch.ts';
import { defineValue } from '../core/value/definitions.ts';
import { ResponseMap } from '../core/value/response-values.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { Definition } from '../core/value/variables.ts';
import { type Secrets, TlsRefusal } from '../port/tls.ts';
import { RouteSet } from './http/route-set.ts';
import type { ServerLayers } from './tls/server-layers.ts';
import type { SharedContext } from './tls/shared-contexts.ts';
import type { PreparedContexts, TlsLayers } from './tls/tls-layers.ts';

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

/** What becomes of a plan: one of both is called, once. */
export interface Outcome {
  /** It holds. */
  readonly onApplied: () => void;
  /** No proxy could apply it, for the reason that is said; the one before still holds. */
  readonly onRefused: (reason: string) => void;
}

/** What serves, as far as a plan that is prepared beside it needs it. */
export interface Serving {
  readonly tls: TlsLayers;
  readonly serverLayers: ServerLayers;
  /** The routes that the listener has now. */
  readonly routesOf: (plan: ListenerPlan) => RouteSet | null;
  /** Hears how routes are found; null: nobody does. */
  readonly watch: RouteWatch | null;
}

export class Provision {
  readonly plan: Plan;
  readonly sockets: readonly PlannedSocket[];
  readonly secrets: Secrets;
  readonly outcome: Outcome;
  /** Descriptors: of each access log's target. */
  readonly logs: readonly number[];
  /** Why it cannot be applied; null: so far, it can. */
  refusal: string | null = null;
  /** What the plan's values are made by. */
  readonly values: Definition<RequestView>[] = [];
  /** Those of them that are made of what a response says. */
  readonly responseMaps: ResponseMap[] = [];
  private readonly sets = new Map<ListenerPlan, RouteSet>();
  private readonly contexts = new Map<ListenerPlan, PreparedContexts>();
  /** Of upstreams. */
  private readonly serversContexts: SharedContext[] = [];
  /** Whose contexts are prepared. */
  private subject = '';
  private steps: Generator<undefined, void> | null = null;
  private isPrepared = false;

  constructor(
    plan: Plan,
    sockets: readonly PlannedSocket[],
    secrets: Secrets,
    outcome: Outcome,
    logs: readonly number[],
  ) {
    this.plan = plan;
    this.sockets = sockets;
    this.secrets = secrets;
    this.outcome = outcome;
    this.logs = logs;
  }

  /**
   * True: everything is ready, or it is refused. What took turns has another one to be applied in, which takes as long as one of
   * those where there is much of it.
   */
  advance(steps: number, serving: Serving): boolean {
    if (this.isPrepared) return true;
    const isAtOnce = this.steps === null || steps === Infinity;
    this.steps ??= this.prepare(serving);
    try {
      for (let step = 0; step < steps && !this.isPrepared; step++) this.isPrepared = this.steps.next().done === true;
      return this.isPrepared && isAtOnce;
    } catch (error) {
      if (!(error instanceof TlsRefusal)) throw error;
      this.refusal = `${this.subject}: ${error.message}`;
      for (const contexts of this.contexts.values()) serving.tls.giveBack(contexts);
      this.giveBackServers(serving.serverLayers);
      return true;
    }
  }

  /** Null: it has none. */
  routesOf(plan: ListenerPlan): RouteSet | null {
    return this.sets.get(plan) ?? null;
  }

  contextsOf(plan: ListenerPlan): PreparedContexts {
    return this.contexts.get(plan) ?? [];
  }

  /** Each server that needs one has taken it. */
  giveBackServers(layers: ServerLayers): void {
    for (const context of this.serversContexts) layers.giveBack(context);
  }

  private *prepare({ routesOf, serverLayers, tls, watch }: Serving): Generator<undefined, void> {
    for (const plan of this.plan.values) {
      if (plan.kind === 'map' && plan.isLate) this.responseMaps.push(new ResponseMap(plan));
      else this.values.push(defineValue(plan));
      yield;
    }
    for (const plan of this.plan.listeners) {
      this.subject = `listener ${plan.name}`;
      if (plan.protocol === 'http') this.sets.set(plan, yield* RouteSet.prepare(plan, routesOf(plan), watch));
      if (plan.tls !== null) this.contexts.set(plan, yield* tls.prepare(plan.tls, this.secrets));
    }
    for (const { name, tls: plan } of this.plan.upstreams) {
      if (plan === null) continue;
      this.subject = `upstream ${name}`;
      this.serversContexts.push(serverLayers.prepare(plan, this.secrets));
      yield;
    }
  }
}
