/**
 * Why a router does not preempt although its priority says so: it leaves the addresses to whoever has them. It ends by
 * `resume`, when its time is over, and when nobody else has the addresses.
 */
import { US_PER_S } from './intervals.ts';

export type RestraintReason =
  | 'hand-over' // an operator had it give the addresses away
  | 'late' // its process died while it was active, and the next one came too late: one death does not move an address twice in a row
  | 'start' // it was started with --restrained
  | 'certificates' // it was started without a certificate of a listener, and lasts until that can be used
  | 'mute'; // its adverts did not leave its machine while a peer was heard

/** Who came too late has shown by then that it lives. */
export const LATE_US = 300 * US_PER_S;

/** Times are of the router's clock. */
export interface Restraint {
  readonly reason: RestraintReason;
  readonly sinceUs: number;
  /** Infinity: until `resume`. */
  readonly untilUs: number;
}

/** `taken`: nobody else had the addresses. */
export type RestraintEnd = 'resume' | 'over' | 'taken';
