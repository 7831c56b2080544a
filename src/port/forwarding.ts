/**
 * What the keeper needs from a kernel that forwards connections by itself: rules that say what goes where, and for each of their
 * maps which server a bucket is of. Implemented by `io/linux/nftables`; tests bring their own.
 */
import type { Address } from '../base/address.ts';
import type { Forward } from '../base/forward.ts';

/** Which clients come to one bucket: those of one address, or each of their ports apart. */
export type BucketKey = 'source' | 'source-port';

/** What comes to one address and port. */
export interface ForwardedService {
  readonly protocol: 'tcp' | 'udp';
  /** No wildcard. */
  readonly address: Address;
  readonly forward: Forward;
  readonly by: BucketKey;
  /** The name of its map. */
  readonly map: string;
  /**
   * Of TCP: the name of the map for segments that are not the first ones of their connections, where it differs from the other one. Null: all go by
   * that.
   */
  readonly kept: string | null;
  /** All that ever have one of its buckets, of its family: what one of them sends first belongs to this service. */
  readonly servers: readonly Address[];
}

export interface BucketMap {
  readonly name: string;
  readonly family: 4 | 6;
  /** Of services that are forwarded by `dsr`: the port of all servers, which the map does not have. Null: of others. */
  readonly directPort: number | null;
  readonly size: number;
}

export interface ForwardingRules {
  readonly services: readonly ForwardedService[];
  readonly maps: readonly BucketMap[];
}

/** A connection to a service of TCP, whatever its bucket. */
export interface ForwardedFlow {
  readonly service: Address;
  readonly client: Address;
  readonly server: Address;
  /** With `snat`: the port that the server sees. Null: the client's own, or the kernel's choice. */
  readonly via: number | null;
}

/** One that the kernel knows. */
export interface TrackedFlow {
  /** The bytes of its address. */
  readonly client: Uint8Array;
  readonly port: number;
  /** As text. */
  readonly server: string;
  /** With `snat`: the port that the server sees, if it is not the client's own. */
  readonly via: number | null;
  /** It is not expected to go on. */
  readonly isOver: boolean;
}

/** By bucket: whose it is. Null: nobody's. */
export type Buckets = readonly (Address | null)[];

export interface ForwardedCounts {
  /** Of each service, in the order of the rules: the connections that began. */
  readonly services: readonly number[];
  /** The same by server: `tcp 192.0.2.1:22`. */
  readonly servers: ReadonlyMap<string, number>;
}

/** One table in the kernel; it stays when this process ends. Failures are texts for people; null: it was done. */
export interface Forwarder {
  /** In place of whatever the table has, at once for all packets. `buckets`: by the name of the map. */
  replace(
    rules: ForwardingRules,
    buckets: ReadonlyMap<string, Buckets>,
    flows: readonly ForwardedFlow[],
  ): string | null;
  /** Settings of the machine that could not be changed for it, since `replace`: `NAME to VALUE (REASON)`. */
  readonly refusedSettings: readonly string[];
  /** Of one map: these buckets have another server now, all at once. */
  change(map: BucketMap, changes: readonly BucketChange[]): string | null;
  /** These connections have, or have no longer, a server of their own. */
  changeFlows(added: readonly ForwardedFlow[], removed: readonly ForwardedFlow[]): string | null;
  /** Connections of TCP to this service, read in portions: each step is one. */
  flowsOf(service: Address): Generator<undefined, readonly TrackedFlow[]>;
  /** Whether the table is as it was left; a text: what has become of it. Reads it only if anything has changed any table. */
  verify(maps: ReadonlyMap<string, Buckets>): string | null;
  /** What the maps of a table have that a predecessor has left; null: there is none. */
  adopt(maps: readonly BucketMap[]): ReadonlyMap<string, Buckets> | null;
  counts(): ForwardedCounts | null;
  /** What is known of flows to this server is forgotten. How many there were. */
  forget(protocol: 'tcp' | 'udp', server: Address): number;
  /** Flows of this service's clients are forgotten: this node has lost its address. How many there were. */
  forgetService(protocol: 'tcp' | 'udp', service: Address): number;
  /** From the kernel, and the settings that were changed for it are what they were. */
  remove(): void;
  /** What is in the kernel stays. */
  close(): void;
}

export interface BucketChange {
  readonly bucket: number;
  readonly from: Address | null;
  readonly to: Address | null;
}
