/** What is compared: a way to run a load balancer and its virtual address on the pair of a lab. */
import type { Balancer, Pair } from '../../src/lab/pair.ts';

/** Which of a node's processes an event strikes. */
export type Part =
  /** All that run on the node. */
  | 'node'
  /** What decides about the address, with its supervisor; the web proxy lives. */
  | 'owner and supervisor'
  /** The process that holds the address, alone. */
  | 'owner'
  /** The web proxy: what serves, without what supervises it. */
  | 'proxy';

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Starts the node. Whether it has the address yet is seen by the lab. */
  start(pair: Pair, host: Balancer, intervalMs: number): Promise<void>;
  /** As an operator stops it for maintenance; does not wait for the end. */
  stop(pair: Pair, host: Balancer): Promise<void>;
  /** Gives the address to the other node and runs on; null: it has no such thing. */
  readonly handOver: ((pair: Pair, host: Balancer) => Promise<void>) | null;
  pids(pair: Pair, host: Balancer, part: Part): number[];
}
