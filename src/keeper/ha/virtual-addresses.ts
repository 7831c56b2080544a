/**
 * What the keeper needs from whatever owns the virtual addresses, which is a process of its own: verdicts and an
 * operator's wishes go in, how things stand comes out. What happens is told by the callbacks that it is made with.
 */
import type { OwnerView } from '../../api/virtual-routers.ts';
import type { Verdict } from '../../vip/messages.ts';
import type { VipPlan } from '../../vip/plan.ts';
import type { RouterStatus } from '../../vip/status.ts';
import type { ServingVerdict } from '../../core/vrrp/occupant.ts';
import type { InheritedRestraint } from './vip-link.ts';
import type { VipEstate } from './vip-estate.ts';

export interface VirtualAddresses {
  /** Begins to take part. Resolves when the owner runs; rejects, with the reason, if it cannot here. */
  start(): Promise<void>;
  /** Of several on the same thing the last one counts. Before `start` too. */
  setVerdict(verdict: Verdict): void;
  /**
   * Goes on by this plan, with these verdicts on what it tracks and no others. Resolves when the owner does; rejects when
   * everything ends before that.
   */
  apply(plan: VipPlan, verdicts: readonly Verdict[]): Promise<void>;
  /** Whether anything serves at the router's addresses, which was asked for. */
  setServing(router: string, verdict: ServingVerdict): void;
  /** Before `start`: what holds routers back from before, by their names. */
  inherit(restraints: ReadonlyMap<string, InheritedRestraint>): void;
  /** Gives the addresses of the router, and of its group, to a peer, for so long (null: until `resume`). */
  handOver(router: string, forMs: number | null): void;
  /** Ends a restraint of the router and of its group. */
  resume(router: string): void;
  /** As told last, at every change and now and then. */
  status(): readonly { readonly status: RouterStatus; readonly ageMs: number }[];
  readonly process: OwnerView;
  /** For a successor. */
  readonly estate: Estate;
  /** With a heritage, after `start`: goes on when the predecessor's process is gone. Resolves when it would. */
  watch(): Promise<void>;
  /** And then: it is gone. Resolves when the owner runs. */
  adopt(): Promise<void>;
  /** Hands over to the peers, waits until one has taken over or none will, and ends the owner. */
  stop(): Promise<void>;
  /** Ends the owner at once: the addresses are removed, and peers are told. */
  kill(): void;
}

export type Estate = Pick<VipEstate, 'bequeath' | 'part' | 'rejoin' | 'yield'>;
