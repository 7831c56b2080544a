/**
 * What the keeper needs from whatever owns the virtual addresses, which is a process of its own: verdicts and an
 * operator's wishes go in, how things stand comes out. What happens is told by the callbacks that it is made with.
 */
import type { RouterStatus } from '../../vip/status.ts';
import type { OwnerView } from '../vip-link.ts';

export interface VirtualAddresses {
  /** Begins to take part. Resolves when the owner runs; rejects, with the reason, if it cannot here. */
  start(): Promise<void>;
  /** A verdict on the thing with that index among the router's tracked ones. Before `start` too; the last one counts. */
  setTracked(router: string, index: number, isUp: boolean): void;
  /** Whether a quorum of the router's witnesses answers. Before `start` too; the last one counts. */
  setWitnesses(router: string, passes: boolean): void;
  /** Gives the addresses of the router, and of its group, to a peer. False: there is no such router. */
  handOver(router: string): boolean;
  /** Ends the restraint after a hand-over. */
  resume(router: string): boolean;
  /** As told last, at every change and now and then. */
  status(): readonly { readonly status: RouterStatus; readonly ageMs: number }[];
  readonly process: OwnerView;
  /** Hands over to the peers, waits until one has taken over or none will, and ends the owner. */
  stop(): Promise<void>;
  /** Ends the owner at once: the addresses are removed, and peers are told. */
  kill(): void;
}
