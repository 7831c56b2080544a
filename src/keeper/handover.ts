/**
 * What a proxy process inherits from the keeper, and under which descriptors. Both sides take it from here; nothing else
 * about it is agreed anywhere.
 */
import type { Plan } from '../config/plan.ts';
import type { ProcessUser } from '../port/host.ts';

/** The control channel: a connected stream socket. */
export const CONTROL_DESCRIPTOR = 3;
/** An unnamed file that holds a Handover as JSON. */
export const HANDOVER_DESCRIPTOR = 4;
/** The status board's server table, to read. */
export const TABLE_DESCRIPTOR = 5;
/** The status board's rows follow, by worker: its own to write, the others to read; then the listening sockets. */
const FIRST_ROW_DESCRIPTOR = 6;

export interface Handover {
  readonly plan: Plan;
  /** Whom the proxy is to become. Null: it stays who it is. */
  readonly user: ProcessUser | null;
  /** Per listener, the descriptors of those of its addresses that could be listened on. */
  readonly descriptors: readonly (readonly number[])[];
  /** By worker. */
  readonly rowDescriptors: readonly number[];
}

export type DescriptorNumbers = Pick<Handover, 'descriptors' | 'rowDescriptors'>;

/** `counts` is how many listening sockets each listener has. */
export function numberDescriptors(workers: number, counts: readonly number[]): DescriptorNumbers {
  let next = FIRST_ROW_DESCRIPTOR;
  const rowDescriptors = Array.from({ length: workers }, () => next++);
  return { rowDescriptors, descriptors: counts.map((count) => Array.from({ length: count }, () => next++)) };
}
