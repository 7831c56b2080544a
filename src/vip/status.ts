/** What is told about the virtual routers: as they change, and when asked. Serialisable as JSON. */
import type { Evidence, Sightings } from '../core/vrrp/observer.ts';
import type { OccupantView } from '../core/vrrp/occupant.ts';
import type { Peer } from '../core/vrrp/peers.ts';
import type { Restraint, RestraintEnd, RestraintReason } from '../core/vrrp/restraint.ts';
import type { Severity } from '../core/vrrp/severity.ts';
import type { Cause, State } from '../core/vrrp/states.ts';

/** In the order things happened. */
export interface VipListener {
  handleChange(change: RoleChange): void;
  handleEvidence(router: string, evidence: Evidence): void;
  handleRestraint(change: RestraintChange): void;
  /** Somebody is to try whether anything serves at its addresses, and to say so by `handleServing`. */
  handleAskServing(router: string): void;
  /** A peer has its addresses, and in a moment nothing sent from them arrives: who has a connection to one is to be told. */
  handleEndConnections(router: string, addresses: readonly string[]): void;
}

export interface RestraintChange {
  readonly router: string;
  readonly restraint: RestraintStatus | null;
  /** Why there is none any more. */
  readonly end: RestraintEnd | null;
}

/** A restraint whose end may be null: until `resume`. */
export interface RestraintStatus {
  readonly reason: RestraintReason;
  readonly sinceUs: number;
  readonly untilUs: number | null;
}

export function restraintStatus(restraint: Restraint | null): RestraintStatus | null {
  if (restraint === null) return null;
  const { reason, sinceUs, untilUs } = restraint;
  return { reason, sinceUs, untilUs: Number.isFinite(untilUs) ? untilUs : null };
}

export interface RoleChange {
  readonly router: string;
  readonly from: State;
  readonly to: State;
  readonly cause: Cause;
  readonly detail: string;
  readonly severity: Severity;
  readonly atUs: number;
  /** That it has then. */
  readonly priority: number;
}

export interface TrackedStatus {
  readonly name: string;
  readonly weight: number;
  readonly isUp: boolean | null;
  /** Of an interface: what was seen, and when. Null: what gave the verdict knows. */
  readonly seen: { readonly detail: string; readonly atUs: number } | null;
}

/** A route or a rule that goes with the addresses. */
export interface RoutingStatus {
  readonly text: string;
  /** Why it is not there although the addresses are; null: it goes with them. */
  readonly problem: string | null;
}

export interface GuardStatus {
  readonly name: string;
  readonly passes: boolean;
  /** Whose answer it waits for; null: it is several, and the keeper knows them. */
  readonly target: string | null;
  /** When that answered last; null: never, or not known here. */
  readonly answeredUs: number | null;
}

/** Times are of the clock that `nowUs` is: an age is a difference. */
export interface RouterStatus {
  readonly name: string;
  readonly state: State;
  readonly sinceUs: number;
  readonly nowUs: number;
  /** As advertised. */
  readonly priority: number;
  readonly fault: string | null;
  readonly interfaceName: string;
  /** What adverts are sent from. */
  readonly source: string | null;
  readonly addresses: readonly string[];
  /** Held too, and not named in adverts. */
  readonly excluded: readonly string[];
  readonly routes: readonly RoutingStatus[];
  readonly rules: readonly RoutingStatus[];
  /** When the last advert was sent; null: none yet. */
  readonly lastAdvertUs: number | null;
  readonly peers: readonly Peer[];
  /** The address of the active router that is followed; null: none was heard, or it is this one. */
  readonly activePeer: string | null;
  readonly restraint: RestraintStatus | null;
  /** What keeps it from being active, and who answers for the addresses, while it is claiming. */
  readonly claim: { readonly gate: string; readonly occupant: OccupantView | null } | null;
  /** Somebody else has, or may have had, the addresses that it holds: it announces them each second. */
  readonly isContested: boolean;
  readonly tracked: readonly TrackedStatus[];
  readonly guards: readonly GuardStatus[];
  readonly adverts: {
    readonly sent: number;
    /** Those that this machine did not send, to one or all of its peers. */
    readonly unsent: number;
    readonly accepted: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  /** What was noted, by its kind. */
  readonly observed: Readonly<Record<string, Sightings>>;
}
