/**
 * What a proxy process inherits from the keeper, and under which descriptors. Both sides take it from here; nothing else
 * about it is agreed anywhere.
 */
import type { Plan } from '../config/plan.ts';

/** The control channel: a connected stream socket. */
export const CONTROL_DESCRIPTOR = 3;
/** An unnamed file that holds a Handover as JSON. */
export const HANDOVER_DESCRIPTOR = 4;
/** The status board. */
export const BOARD_DESCRIPTOR = 5;
/** The listening sockets follow, in the order of the plan. */
const FIRST_LISTEN_DESCRIPTOR = 6;

export interface Handover {
  readonly plan: Plan;
  /** Per listener, the descriptors of those of its addresses that could be listened on. */
  readonly descriptors: readonly (readonly number[])[];
}

/** Numbers the listening sockets; `counts` is how many each listener has. */
export function numberDescriptors(counts: readonly number[]): number[][] {
  let next = FIRST_LISTEN_DESCRIPTOR;
  return counts.map((count) => Array.from({ length: count }, () => next++));
}
