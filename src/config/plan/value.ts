/** Named values: through a map, by network, by share, by presence. */
import type { NetworkPlan } from './listener.ts';

/** Texts are templates. */
export type ValuePlan = MapPlan | NetworksPlan | SplitPlan | PresencePlan;

export interface MapPlan {
  readonly kind: 'map';
  readonly name: string;
  readonly of: string;
  /** Lower-case: `of` is compared without regard to case. */
  readonly exact: readonly (readonly [text: string, value: string])[];
  /** `*.x` and `x.*`. */
  readonly hosts: readonly (readonly [host: string, value: string])[];
  readonly regexes: readonly (readonly [regex: string, value: string])[];
  readonly otherwise: string;
  /** Made once for a request. */
  readonly isKept: boolean;
  /** It is made of what a response says, when that comes: such values and dates in the texts are marked (template.ts). */
  readonly isLate: boolean;
}

export interface NetworksPlan {
  readonly kind: 'networks';
  readonly name: string;
  readonly of: string;
  /** The longest one that has the address. */
  readonly networks: readonly (readonly [network: NetworkPlan, value: string])[];
  /** Where there is no address, as of a client of a Unix socket. */
  readonly unix: string;
  readonly otherwise: string;
}

/** `1` while something is there, and else empty. */
export interface PresencePlan {
  readonly kind: 'presence';
  readonly name: string;
  readonly of: 'file' | 'folder';
  readonly path: string;
  /** As last seen: who makes a plan looks. */
  readonly isThere: boolean;
}

export interface SplitPlan {
  readonly kind: 'split';
  readonly name: string;
  readonly of: string;
  /** In hundredths of a percent. */
  readonly shares: readonly (readonly [share: number, value: string])[];
  readonly otherwise: string;
}
