/**
 * What a keeper leaves of its virtual addresses to its successor, besides the board and the process that takes part. By names and
 * ages: the successor may be of another version, and what it does not understand is left out.
 */
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { RestraintReason } from '../../core/vrrp/restraint.ts';
import type { RoleChange } from '../../vip/status.ts';

/** Before anything changes hands. Two descriptors belong to it: the board, and the end of a lifeline (io/linux/lifeline.ts). */
export interface HaHeritage {
  readonly vip: VipHeritage;
  readonly watches: readonly WatchMemory[];
}

export interface VipHeritage {
  /** VIP_BOARD_FORMAT of the board. */
  readonly format: number;
  /** The process whose lifeline it is; null: none takes part. */
  readonly pid: number | null;
  readonly routers: readonly { readonly name: string; readonly key: string; readonly slot: number }[];
  /** Places below this one may be those of routers that are still leaving. */
  readonly slotsUsed: number;
}

/** A verdict on something that is watched. */
export interface WatchMemory {
  readonly key: string;
  readonly isUp: boolean;
  readonly sinceAgeMs: number;
  readonly detail: string;
}

/** When the process that took part is gone: what happened until then. */
export interface HaMemory {
  readonly routers: readonly RouterMemory[];
  readonly restraints: readonly RestraintMemory[];
}

export interface RouterMemory {
  readonly router: string;
  readonly state: State;
  /** The newest first. */
  readonly changes: readonly { readonly change: RoleChange; readonly ageMs: number }[];
  readonly evidence: readonly { readonly evidence: Evidence; readonly ageMs: number }[];
}

export interface RestraintMemory {
  readonly router: string;
  readonly reason: RestraintReason;
  readonly by: string | null;
  readonly atMs: number;
  readonly untilMs: number | null;
}
