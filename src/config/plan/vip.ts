/**
 * The virtual routers of one node, for whoever drives them: the configuration's `ha` with every default filled in, every
 * unit converted and every per-node value chosen. Serialisable as JSON; it holds secrets. Shapes only.
 */
import type { KernelRoute, KernelRule } from '../../base/kernel-routing.ts';

export interface VipPlan {
  readonly routers: readonly VirtualRouterPlan[];
}

export interface VirtualRouterPlan {
  readonly name: string;
  /** Its place on the board of the vip processes, from when the plan is applied on. */
  readonly slot: number;
  readonly interfaceName: string;
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
  readonly priority: number;
  readonly intervalUs: number;
  /** Those that adverts name, all of `family`. */
  readonly addresses: readonly AddressPlan[];
  /** Those that are held as well, of either family. */
  readonly excluded: readonly AddressPlan[];
  /** What comes and goes with the addresses. */
  readonly routes: readonly KernelRoute[];
  readonly rules: readonly KernelRule[];
  readonly hasVirtualMac: boolean;
  readonly preempt: boolean;
  readonly preemptDelayUs: number;
  readonly startDelayUs: number;
  /** Routers with the same name are active together or not at all. */
  readonly group: string | null;
  /** The address to send from; null: the interface's first, over IPv6 its link-local one. */
  readonly source: string | null;
  readonly unicast: UnicastPlan | null;
  /** Of version 2. */
  readonly password: string | null;
  /** Secrets in hexadecimal; the first signs. Empty: adverts are not signed. */
  readonly keys: readonly { readonly id: number; readonly secret: string }[];
  readonly checksum: 'mirror' | 'message' | 'pseudo-header';
  readonly tracked: readonly TrackedPlan[];
  readonly guard: {
    readonly probesAddresses: boolean;
    readonly gateway: string | null;
    /** A verdict on them, by quorum, comes from the keeper. */
    readonly hasWitnesses: boolean;
    /** Until when this node has the lease comes from the keeper. */
    readonly hasLease: boolean;
  };
}

/** Text, as the operator knows it. */
export interface AddressPlan {
  readonly address: string;
  readonly prefixLength: number;
  /** Where it is, if that is not the router's interface. */
  readonly interfaceName?: string;
  /** Of an IPv4 address: without it the name of its interface. */
  readonly label?: string;
}

export interface TrackedPlan {
  readonly name: string;
  readonly weight: number;
  /** A network interface, which the owner of the addresses follows itself; null: verdicts come from the keeper. */
  readonly interfaceName: string | null;
}

export interface UnicastPlan {
  readonly peers: readonly string[];
  readonly ttlMin: number;
}
