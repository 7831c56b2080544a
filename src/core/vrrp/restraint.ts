/**
 * Why a router does not preempt although its priority says so: it leaves the addresses to whoever has them. It ends by
 * `resume`, when its time is over, and when nobody else has the addresses.
 */

export type RestraintReason =
  | 'hand-over' // an operator had it give the addresses away
  | 'late' // its process died while it was active, and the next one came too late: one death moves an address once at most
  | 'start' // it was started with --restrained
  | 'mute'; // its adverts did not leave its machine while a peer was heard

/** Times are of the router's clock. */
export interface Restraint {
  readonly reason: RestraintReason;
  readonly sinceUs: number;
  /** Infinity: until `resume`. */
  readonly untilUs: number;
}

/** `taken`: nobody else had the addresses. */
export type RestraintEnd = 'resume' | 'over' | 'taken';
