/**
 * How things stand with the virtual routers, for people and programs: everything with its age, so that nothing that nobody
 * has confirmed for a while passes for the truth. Serialisable as JSON; ages are milliseconds at the time of the answer.
 */
import type {
  ChangeView,
  ClaimView,
  EvidenceView,
  HaStatus,
  OwnerView,
  RestraintView,
  RouterAccount,
  RouterView,
  TrackedView,
} from '../../api/virtual-routers.ts';
import type { HaPlan } from '../../config/plan/ha.ts';
import type { TrackedPlan } from '../../config/plan/vip.ts';
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { State } from '../../core/vrrp/states.ts';
import { addressText } from '../../vip/plan.ts';
import type { RoleChange, RouterStatus, RoutingStatus } from '../../vip/status.ts';
import type { RouterMemory } from './heritage.ts';
import { verdictFor, type WatchStatus } from './watch.ts';
import type { LeaseStatus } from './lease-watch.ts';
import type { WitnessStatus } from './witness-watch.ts';

/** What the owner of the addresses last told of a router, and how long ago that was. */
export interface Account {
  readonly status: RouterStatus;
  readonly ageMs: number;
}

export interface HaFacts {
  readonly plan: HaPlan;
  readonly nowMs: number;
  readonly owner: OwnerView;
  readonly accounts: readonly Account[];
  /** In the order of the plan's watches. */
  readonly watches: readonly WatchStatus[];
  /** In the order of the plan's routers, as are the histories. */
  readonly witnesses: readonly (readonly WitnessStatus[])[];
  readonly leases: readonly (LeaseStatus | null)[];
  readonly histories: readonly History[];
  readonly restraints: readonly (RestraintView | null)[];
}

/** An account comes every second for a single router, and in a round for many. */
const ACCOUNT_MS_MAX = 3_000;
const CHANGES_MAX = 10;

/** What is remembered of a router: bounded, and the times are the keeper's. */
export class History {
  /** By the last change. */
  state: State = 'initialize';
  private readonly changes: { readonly change: RoleChange; readonly atMs: number }[] = [];
  private readonly evidence = new Map<string, { readonly evidence: Evidence; readonly atMs: number }>();

  handleChange(change: RoleChange, nowMs: number): void {
    this.state = change.to;
    this.changes.unshift({ change, atMs: nowMs });
    this.changes.splice(CHANGES_MAX);
  }

  /** For a successor. */
  memory(router: string, nowMs: number): RouterMemory {
    const { state, changes, evidence } = this;
    const aged = <T extends { readonly atMs: number }>({ atMs, ...rest }: T): Omit<T, 'atMs'> & { ageMs: number } => {
      return { ...rest, ageMs: nowMs - atMs };
    };
    return { router, state, changes: changes.map(aged), evidence: Array.from(evidence.values(), aged) };
  }

  restore({ state, changes, evidence }: RouterMemory, nowMs: number): void {
    this.state = state;
    for (const { change, ageMs } of changes) this.changes.push({ change, atMs: nowMs - ageMs });
    for (const each of evidence) {
      this.evidence.set(each.evidence.kind, { evidence: each.evidence, atMs: nowMs - each.ageMs });
    }
  }

  handleEvidence(evidence: Evidence, nowMs: number): void {
    this.evidence.delete(evidence.kind);
    this.evidence.set(evidence.kind, { evidence, atMs: nowMs });
  }

  changeViews(nowMs: number): readonly ChangeView[] {
    return this.changes.map(({ change: { from, to, cause, detail }, atMs }) => {
      return { from, to, cause, detail, ageMs: nowMs - atMs };
    });
  }

  /** It is told once a minute at most; what happened meanwhile is known from the owner's account. The last one is first. */
  evidenceViews(nowMs: number, told: Account | null): readonly EvidenceView[] {
    const views = Array.from(this.evidence.values(), ({ evidence: { kind, detail }, atMs }) => {
      const sightings = told?.status.observed[kind];
      const toldAgeMs = nowMs - atMs;
      if (told === null || sightings === undefined) return { kind, detail, ageMs: toldAgeMs, total: 1 };
      return { kind, detail, ageMs: Math.min(toldAgeMs, ageOf(told, sightings.lastUs)), total: sightings.total };
    });
    return views.toSorted((a, b) => a.ageMs - b.ageMs);
  }
}

export function haStatus(facts: HaFacts): HaStatus {
  const { plan, owner } = facts;
  return { node: plan.node, owner, routers: plan.routers.map((_, index) => routerView(facts, index)) };
}

function routerView(
  { plan, nowMs, owner, accounts, watches, witnesses, leases, histories, restraints }: HaFacts,
  index: number,
): RouterView {
  const { name, watches: own, witnesses: panel } = plan.routers[index];
  const vip = plan.vip.routers[index];
  const told = accounts.find(({ status }) => status.name === name) ?? null;
  const isCurrent = owner.problem === null && told !== null && told.ageMs < ACCOUNT_MS_MAX + plan.routers.length * 10;
  return {
    name,
    state: isCurrent ? told.status.state : 'unknown',
    accountAgeMs: told?.ageMs ?? null,
    account: told === null ? null : accountOf(told),
    interfaceName: vip.interfaceName,
    virtualRouterId: vip.virtualRouterId,
    version: vip.version,
    intervalMs: vip.intervalUs / 1_000,
    addresses: vip.addresses.map(addressText),
    excluded: vip.excluded.map(addressText),
    routes: routingOf(vip.routes, told?.status.routes),
    rules: routingOf(vip.rules, told?.status.rules),
    group: vip.group,
    tracked: own.map((watch, i) => {
      const { name, weight } = vip.tracked[i];
      if (watch === null) return seenByOwner(told, i, vip.tracked[i]);
      const { sinceMs, seenMs, detail } = watches[watch];
      const { isUp } = verdictFor(watches[watch], weight);
      const seenAgeMs = seenMs === null ? null : nowMs - seenMs;
      return { name, weight, isUp, sinceAgeMs: nowMs - sinceMs, seenAgeMs, detail };
    }),
    witnesses: witnesses[index].map(({ name, isAnswering, answeredMs, detail }) => {
      return { name, isAnswering, answerAgeMs: answeredMs === null ? null : nowMs - answeredMs, detail };
    }),
    quorum: panel?.quorum ?? null,
    ...(leases[index] === null ? {} : { lease: leases[index] }),
    restraint: restraints[index],
    changes: histories[index].changeViews(nowMs),
    evidence: histories[index].evidenceViews(nowMs, told),
  };
}

/** Of those that its account is not about yet nothing is known. */
function routingOf(plans: readonly { readonly text: string }[], told: readonly RoutingStatus[] = []): RoutingStatus[] {
  return plans.map(({ text }) => ({ text, problem: told.find((each) => each.text === text)?.problem ?? null }));
}

/** Ages grow with the age of the account. */
function ageOf({ status, ageMs }: Account, us: number): number {
  return Math.max(0, (status.nowUs - us) / 1_000) + ageMs;
}

/** It is told when that changes: how old its account is says how old this is. */
function seenByOwner(told: Account | null, index: number, { name, weight }: TrackedPlan): TrackedView {
  const tracked = told?.status.tracked[index];
  if (told === null || tracked === undefined || tracked.seen === null) {
    return { name, weight, isUp: null, sinceAgeMs: 0, seenAgeMs: null, detail: 'not seen yet' };
  }
  const { isUp, seen } = tracked;
  return { name, weight, isUp, sinceAgeMs: ageOf(told, seen.atUs), seenAgeMs: told.ageMs, detail: seen.detail };
}

function accountOf(told: Account): RouterAccount {
  const { status } = told;
  return {
    state: status.state,
    stateAgeMs: ageOf(told, status.sinceUs),
    priority: status.priority,
    fault: status.fault,
    source: status.source,
    lastAdvertAgeMs: status.lastAdvertUs === null ? null : ageOf(told, status.lastAdvertUs),
    peers: status.peers.map(({ address, priority, intervalUs, addresses, lastHeardUs, adverts }) => {
      return {
        address,
        priority,
        intervalMs: intervalUs / 1_000,
        addresses,
        ageMs: ageOf(told, lastHeardUs),
        adverts,
      };
    }),
    activePeer: status.activePeer,
    claim: claimOf(told),
    isContested: status.isContested,
    guards: status.guards.map(({ name, passes, target, answeredUs }) => {
      return { name, passes, target, answerAgeMs: answeredUs === null ? null : ageOf(told, answeredUs) };
    }),
    adverts: status.adverts,
  };
}

function claimOf(told: Account): ClaimView | null {
  const { claim } = told.status;
  if (claim === null || claim.occupant === null) return claim === null ? null : { gate: claim.gate, occupant: null };
  const { by, peer, sinceUs, verdict } = claim.occupant;
  const tried =
    verdict === null ? null : { serves: verdict.serves, detail: verdict.detail, ageMs: ageOf(told, verdict.atUs) };
  return { gate: claim.gate, occupant: { by, peer, sinceAgeMs: ageOf(told, sinceUs), verdict: tried } };
}
