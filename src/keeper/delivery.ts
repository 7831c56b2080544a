/** A plan on its way to a proxy: a sealed file and the listening sockets that it names, by descriptor. */
import type { Plan } from '../config/plan.ts';

/** The file's content, as JSON. */
export interface Delivery {
  readonly plan: Plan;
  /** The sockets, in the order of the descriptors that follow the file's. */
  readonly sockets: readonly SocketName[];
}

export interface SocketName {
  /** Index into the plan's listeners. */
  readonly listener: number;
  /** Of the keeper's own: the same number is the same socket, in every generation. */
  readonly id: number;
}
