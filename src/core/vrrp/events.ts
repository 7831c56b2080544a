/** What goes into a virtual router and what comes out of it. */
import type { ServingVerdict } from './occupant.ts';
import type { HeardAdvert } from './heard-advert.ts';
import type { Evidence } from './observer.ts';
import type { Refusal } from './refusals.ts';
import type { Restraint, RestraintEnd } from './restraint.ts';
import type { RouterSettings } from './settings.ts';
import type { Severity } from './severity.ts';
import type { Cause, State } from './states.ts';

export type RouterEvent =
  /**
   * `lastAdvertUs`: when a predecessor that held the addresses sent its last advert, or null. Too long ago to go on as
   * active, the address has moved or is about to: then this router does not preempt, or it would move twice.
   * `restraint`: what holds it back from before. `hasLeftovers`: its addresses are on this machine, left there by another
   * program; they stay for as long as nobody else is known to have them, until this router is active or `drop-addresses`.
   * `followedUs`: the interval that a predecessor believed of the active router that it followed: until that one is heard, so much
   * patience is due to it.
   */
  | {
      readonly kind: 'start';
      readonly lastAdvertUs: number | null;
      readonly restraint: Restraint | null;
      readonly hasLeftovers?: boolean;
      readonly followedUs?: number | null;
    }
  /** Graceful: keeps the addresses until a peer has taken over. */
  | { readonly kind: 'stop'; readonly isGraceful: boolean }
  | { readonly kind: 'tick' }
  /** Goes by these from now on. `hasOtherAddresses`: the addresses that it holds, or would hold, are not the same ones. */
  | { readonly kind: 'settings'; readonly settings: RouterSettings; readonly hasOtherAddresses: boolean }
  | { readonly kind: 'advert'; readonly advert: HeardAdvert }
  /** So many adverts were not believed; `from` sent one of them. `why`: for people, where that says more than the reason; else empty. */
  | {
      readonly kind: 'refused';
      readonly reason: Refusal;
      readonly from: string;
      readonly why: string;
      readonly count: number;
    }
  /** So many are refused that the kernel drops most of them from now on. */
  | { readonly kind: 'flood' }
  /** `amount`: what is added to the priority, if that is not the weight. */
  | { readonly kind: 'tracked'; readonly index: number; readonly isUp: boolean; readonly amount?: number }
  | { readonly kind: 'guard'; readonly name: string; readonly passes: boolean }
  /** What only one node has at a time (core/lease) is this one's until then; in the past: it is not. The name of the guard. */
  | { readonly kind: 'lease'; readonly name: string; readonly untilUs: number }
  /** The address that adverts are sent from; null: there is none, for that reason. Borrowed until the next one. */
  | { readonly kind: 'source'; readonly address: Uint8Array | null; readonly reason?: string }
  /** An interface with addresses has another MAC address now. */
  | { readonly kind: 'mac-changed' }
  /** This machine did not send an advert, to anybody, and why; null: it sends them again. */
  | { readonly kind: 'sending'; readonly problem: string | null }
  /** A foreign machine says that it has an address of this router. `peer`: whose MAC address that is; null: a stranger's. */
  | {
      readonly kind: 'address-answered';
      readonly address: string;
      readonly by: string;
      readonly peer: string | null;
    }
  /** The answer to `ask-serving`. */
  | { readonly kind: 'serving'; readonly verdict: ServingVerdict }
  /** An address that this router holds was removed by somebody else. */
  | { readonly kind: 'address-removed'; readonly address: string }
  /** To a peer, and no preemption until then (Infinity: until `resume`). */
  | { readonly kind: 'hand-over'; readonly untilUs: number }
  /** Ends a restraint: preempt again, if so set. */
  | { readonly kind: 'resume' }
  /** From the group: whether it allows to become active, how high the priority may be, whether another one is faulty. */
  | { readonly kind: 'group'; readonly isReady: boolean; readonly priorityMax: number; readonly isFaulty: boolean }
  /** From the group: another one is not active any more. */
  | { readonly kind: 'group-left' };

export type RouterAction =
  | { readonly kind: 'send-advert'; readonly priority: number }
  /** Add the addresses, or lengthen the life of those that are there. */
  | { readonly kind: 'hold-addresses'; readonly lifetimeS: number }
  | { readonly kind: 'drop-addresses' }
  /**
   * A peer has them now, or takes them. No neighbour is to see them here any more, but connections that this machine has go on, until
   * `drop-addresses` or at most for so long.
   */
  | { readonly kind: 'conceal-addresses'; readonly lifetimeS: number }
  /** End the connections that came to the addresses: nothing that is sent from them arrives any more, or will in a moment. */
  | { readonly kind: 'end-connections' }
  /** Pass what belongs to no connection of this machine on to this peer, the predecessor, until `end-relay`. */
  | { readonly kind: 'relay'; readonly to: Uint8Array }
  | { readonly kind: 'end-relay' }
  /** One round of gratuitous ARP or neighbour advertisements. */
  | { readonly kind: 'announce' }
  /** Ask once who has the addresses, and whose MAC addresses the peers have. */
  | { readonly kind: 'probe' }
  /** Have somebody try whether anything serves at the addresses, which are not here. */
  | { readonly kind: 'ask-serving' }
  /** It is held back from now on, or not any more. */
  | { readonly kind: 'restraint'; readonly restraint: Restraint | null; readonly end: RestraintEnd | null }
  | {
      readonly kind: 'change';
      readonly from: State;
      readonly to: State;
      readonly cause: Cause;
      /** For people: names the peer that it is about. */
      readonly detail: string;
      readonly severity: Severity;
    }
  | { readonly kind: 'evidence'; readonly evidence: Evidence };
