/** What is configured for one virtual router. Times are microseconds, addresses 4 or 16 bytes. */
import type { Family, Version } from '../../wire/vrrp/advert.ts';
import type { TrailerKey } from '../../wire/vrrp/trailer.ts';

export interface TrackedSettings {
  /** As the operator knows it: `interface eth0`, `script check-nginx`, `proxy`. */
  readonly name: string;
  /**
   * 0: down is a fault. Above 0: added to the priority while up. Below 0: subtracted while down. -253..253.
   */
  readonly weight: number;
}

export interface RouterSettings {
  readonly version: Version;
  /** 1..255; 255 owns the addresses. */
  readonly priority: number;
  /** Advertisement_Interval. */
  readonly intervalUs: number;
  /** Preempt_Mode: take over from an active router of lower priority. An owner always does. */
  readonly preempt: boolean;
  /** How long an active router of lower priority must have been heard before it is preempted. */
  readonly preemptDelayUs: number;
  /** After a start, how long to wait at least for a first advert: ports and switches may not forward yet. */
  readonly startDelayUs: number;
  /** Names of what must pass for this router to be active. Until the first verdict it does not. */
  readonly guards: readonly string[];
  /** Ask whether anybody holds the addresses before taking them. */
  readonly probesAddresses: boolean;
  /** Becomes active, and stops being active, only together with the others of its group. */
  readonly isGrouped: boolean;
  /** The addresses are on the virtual MAC: caches need not change when they move. */
  readonly hasVirtualMac: boolean;
  readonly tracked: readonly TrackedSettings[];
}

/** What adverts of a virtual router look like, and whose are believed. */
export interface AdvertSettings {
  readonly family: Family;
  readonly version: Version;
  readonly virtualRouterId: number;
  readonly intervalUs: number;
  /** In the order they are advertised; over IPv6 a link-local address first (section 5.2.9). */
  readonly addresses: readonly Uint8Array[];
  /** Null: multicast. */
  readonly unicast: UnicastSettings | null;
  /** Which checksum version 3 over IPv4 is sent with; `mirror`: the one last seen from the peer. */
  readonly checksum: 'mirror' | 'message' | 'pseudo-header';
  /** Version 2: eight bytes that peers must show too, or null. Protects against mistakes, not against anybody. */
  readonly password: Uint8Array | null;
  /** Adverts are signed with the first of these and must be signed with any; null: they are not. */
  readonly keys: readonly TrailerKey[] | null;
}

export interface UnicastSettings {
  readonly peers: readonly Uint8Array[];
  /** The lowest TTL believed: 255 where peers are on one segment, less for every router between them. */
  readonly ttlMin: number;
}
