/**
 * What the keeper needs from whatever owns the virtual addresses, which is a process of its own: verdicts and an
 * operator's wishes go in, what happened and how things stand come out. Its death is not the end: it is started again,
 * told every verdict once more, and goes on where it was.
 */
import type { RouterStatus, VipListener } from '../../vip/status.ts';

export interface VirtualAddresses {
  /** Begins to take part. Resolves when the owner runs; rejects, with the reason and the remedy, if it cannot here. */
  start(): Promise<void>;
  /** A verdict on the thing with that index among the router's tracked ones. Before `start` too; the last one counts. */
  setTracked(router: string, index: number, isUp: boolean): void;
  /** Whether a quorum of the router's witnesses answers. Before `start` too; the last one counts. */
  setWitnesses(router: string, passes: boolean): void;
  /** Gives the addresses of the router, and of its group, to a peer. */
  handOver(router: string): void;
  /** Ends the restraint after a hand-over. */
  resume(router: string): void;
  /** Asks the owner how things stand. Null: it does not answer now. */
  ask(): Promise<readonly RouterStatus[] | null>;
  /** Hands over to the peers, waits until one has taken over or none will, and ends the owner. */
  stop(): Promise<void>;
  /** Ends the owner at once: the addresses are removed, and peers are told. */
  kill(): void;
}

export interface VirtualAddressesListener extends VipListener {
  /** The owner's process is gone, or does not react; another one takes its place. */
  handleOwnerLost(reason: string): void;
  /** The owner runs again. */
  handleOwnerBack(): void;
}
