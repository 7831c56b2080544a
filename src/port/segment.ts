/**
 * What the owner of virtual addresses needs from its machine: a place on a network segment for each virtual router, and
 * two clocks. Implemented by `io/linux` and by the simulator.
 *
 * Nothing here throws. An interface that is gone has no source address, addresses are held or dropped as often as it takes,
 * and of an advert that the machine did not send it is said why.
 *
 * A handler is called from the host's own loop and never from inside a call to the host or an attachment.
 */

import type { KernelRoute, KernelRule } from '../base/kernel-routing.ts';

export interface SegmentHost {
  /** Microseconds of a clock that never goes back and counts the time in which the machine was suspended. */
  readonly nowUs: number;
  /** Microseconds since 1970: what the authentication of adverts is dated with. May go back. */
  readonly unixUs: number;
  /** A place for a virtual router. Nothing is heard there, and nothing changed on the machine, before it has begun. */
  attach(request: AttachRequest, handler: AttachmentHandler): Attachment;
  /** The routes and rules that go with a virtual router's addresses. Nothing is changed before they have begun. */
  attachRouting(wanted: WantedRouting): Routing;
  /**
   * Calls `handle` soon, and whenever that changes: whether an interface is up and, if it has one, its link works. Until what
   * is returned is called.
   */
  watchInterface(name: string, handle: InterfaceHandler): () => void;
}

/** `detail` is for people: `no carrier`. */
export type InterfaceHandler = (isUp: boolean, detail: string) => void;

export interface AttachRequest {
  readonly interfaceName: string;
  readonly family: 4 | 6;
  readonly virtualRouterId: number;
  /** The addresses are to be on 00-00-5E-00-01-{VRID} or 00-00-5E-00-02-{VRID}. */
  readonly hasVirtualMac: boolean;
  /** All of that family. */
  readonly addresses: readonly VirtualAddress[];
  /** Null: nothing but the addresses is here; adverts are sent and heard elsewhere. */
  readonly adverts: AdvertPlace | null;
}

/** How adverts are sent from an interface. */
export interface AdvertPlace {
  /** The address to send adverts from; null: the interface's first, over IPv6 its link-local one. Never a virtual one. */
  readonly source: Uint8Array | null;
  /** Priority 255: the addresses are the machine's own, and it may have no other one to send from. */
  readonly isOwner: boolean;
  /** Of the IP packet. */
  readonly packetBytes: number;
  /** What else is heard is refused in any case. */
  readonly shape: AdvertShape;
}

/** What can be told of adverts without reading much of them. */
export interface AdvertShape {
  readonly version: 2 | 3;
  /** Who sends them, to this machine; null: adverts go to, and come from, the VRRP group. */
  readonly peers: readonly Uint8Array[] | null;
  /** The lowest TTL or hop limit. */
  readonly ttlMin: number;
  /** They have a trailer. */
  readonly isSigned: boolean;
}

/** While an attachment is narrow: one in so many of the packets that do not have the shape is handed over, by chance. */
export const NARROW_SAMPLE = 256;
/** The same of packets of senders that it does not name: one that begins to send is to be heard within seconds. */
export const STRANGER_SAMPLE = 32;

export interface Narrowing {
  /** Whose packets are all handed over, if they have the shape; null: those of all senders are. */
  readonly senders: readonly Uint8Array[] | null;
}

/** 4 or 16 bytes, and how many bits of them name the network. */
export interface VirtualAddress {
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** Of an IPv4 address: what the system calls it by; without it the name of its interface. */
  readonly label?: string;
}

export interface Attachment {
  /** The interface's own MAC address; meaningful while there is a source address. */
  readonly mac: Uint8Array;
  /** Whether this machine forwards packets of the family on this interface. */
  readonly isForwarding: boolean;
  /**
   * All its addresses are on its interface, put there by another program that is not this one: what a keepalived leaves when
   * it is killed. Not where they are the machine's own.
   */
  readonly hasLeftovers: boolean;
  /**
   * Begins to listen. Leftovers of an earlier life are removed before this returns; or, if a predecessor was active a moment
   * ago, or what another program has left is to stay, addresses that are there already are held.
   */
  begin(keepsAddresses: boolean): void;
  /**
   * Sends an IP packet of protocol 112 with TTL 255. `payload` is read before this returns. Null, or why this machine has
   * not sent it, as the name of the system's error: `EPERM`.
   */
  sendAdvert(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): string | null;
  /** Sends a whole Ethernet frame, which is read before this returns. */
  sendFrame(frame: Uint8Array): void;
  /** Puts all addresses there, or lengthens their life, to `lifetimeS` seconds from now. */
  hold(lifetimeS: number): void;
  /** Removes all addresses. */
  drop(): void;
  /**
   * Lets no neighbour see the addresses here any more, while connections to them go on for at most `lifetimeS` seconds, or
   * until `drop`. Where that cannot be done, they are removed.
   */
  conceal(lifetimeS: number): void;
  /**
   * From now on passes TCP segments for these addresses, all of its family, on to `peer` on the same segment, unless they
   * belong to a connection that began after this call. Where that cannot be done, nothing happens.
   */
  relay(peer: Uint8Array, addresses: readonly Uint8Array[]): void;
  endRelay(): void;
  /**
   * Hands over, from now on, only packets of the shape that its adverts have, and a sample of the others; null: all again. What
   * has come in already is handed over first. False: it cannot, and everything is handed over.
   */
  narrow(narrowing: Narrowing | null): boolean;
  /**
   * Other addresses, or another way of adverts, in the same place: of the same interface, family, router id and MAC address.
   * Addresses that are not among them are removed before this returns, new ones come with the next `hold`.
   */
  apply(request: AttachRequest): void;
  /** Leaves the segment as it was before `begin`. */
  close(): void;
}

export interface WantedRouting {
  readonly routes: readonly KernelRoute[];
  readonly rules: readonly KernelRule[];
}

/** Routes and rules of one virtual router. What others have put there, also the same, is theirs, and stays. */
export interface Routing {
  /** Why each of them is not there although it should be; null: it is, or should not be. Routes first, then rules. */
  readonly problems: readonly (string | null)[];
  /** As of an attachment, of which this follows the end. */
  begin(keepsThem: boolean): void;
  /** Has them there: routes, then rules. To be called when the addresses are, and again and again while they are. */
  hold(): void;
  /** Removes them: rules, then routes. To be called before the addresses go. */
  drop(): void;
  /** Others from now on. Those that are not among them are removed before this returns, new ones come with the next `hold`. */
  apply(wanted: WantedRouting): void;
  close(): void;
}

export interface AttachmentHandler {
  /** The address that adverts are sent from, or why there is none. Called at every change. */
  handleSource(source: Uint8Array | SourceLoss): void;
  /** The interface has another MAC address: what neighbours remember is wrong. */
  handleMacChanged(): void;
  /** A VRRP packet, or an Authentication Header, came in. Borrowed. */
  handlePacket(packet: SegmentPacket): void;
  /** A machine with that MAC address said that it has that IP address. Borrowed. */
  handleNeighbor(address: Uint8Array, mac: Uint8Array): void;
  /** Somebody else, or the end of its life, removed a virtual address. Borrowed. */
  handleAddressRemoved(address: Uint8Array): void;
}

/** Why no advert can be sent from an interface. */
export interface SourceLoss {
  /** For people: `eth0 is down`. */
  readonly reason: string;
  /** The link works: adverts can be sent from the address that was there until now. */
  readonly isLinkUp: boolean;
}

export interface SegmentPacket {
  readonly bytes: Uint8Array;
  /** Where the IP payload begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly ttl: number;
}
