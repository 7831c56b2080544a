/**
 * Addresses and links by rtnetlink (rtnetlink(7)): what the messages look like, and what the kernel says of them.
 *
 * Every address is added with a lifetime. When it is not lengthened in time, the kernel removes the address by itself.
 */
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  type NetlinkMessage,
  type NetlinkWriter,
  readAttributes,
  readU32,
  u32Bytes,
} from './netlink-message.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

export const AF_INET = 2;
export const AF_INET6 = 10;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_AF_SPEC = 26;
const IFLA_EXT_MASK = 29;
const IFLA_MACVLAN_MODE = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const MACVLAN_MODE_BRIDGE = 4;
const IN6_ADDR_GEN_MODE_NONE = 1;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
const IFA_F_SECONDARY = 1;
const IFA_F_NODAD = 2;
const IFA_F_DADFAILED = 8;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_PERMANENT = 0x80;
const IFA_F_NOPREFIXROUTE = 0x200;

const SCOPE_UNIVERSE = 0;

const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
export const RTA_DST = 1;
export const RTA_OIF = 4;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
/** Behind whatever route to the same network anybody else has. */
const ROUTE_METRIC = 4_000_000;

/** What marks an address, or a route, as this program's in `ip -details` (`proto 112`); addresses on kernels from 5.18 on. */
export const ADDRESS_PROTOCOL = 112;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** Up, and with a carrier. */
  readonly isRunning: boolean;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly isMacvlan: boolean;
  /** It is a port of a link of this kind (`bridge`, `bond`), which has its packets; null: it has them itself. */
  readonly portOf: string | null;
  /** Of the link it is on top of; 0: none. */
  readonly parentIndex: number;
}

export interface LinkAddress {
  readonly linkIndex: number;
  readonly family: 4 | 6;
  readonly address: Uint8Array;
  readonly prefixLength: number;
  readonly isSecondary: boolean;
  /** May not be used (yet): duplicate address detection runs, or has failed. */
  readonly isTentative: boolean;
  /** Was added by this program. */
  readonly isOurs: boolean;
  /** Has no end: somebody else's, for those of this program have one. */
  readonly isPermanent: boolean;
}

export interface HeldAddress {
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** The kernel need not make a route to its network. */
  readonly hasRoute: boolean;
  readonly label?: string;
}

/** Adds an address, or sets the lifetime of the one that is there, to so many seconds from now. */
export function writeHoldAddress(writer: NetlinkWriter, linkIndex: number, held: HeldAddress, lifetimeS: number): void {
  const isV6 = held.address.length === 16;
  writer.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addressHeader(held.address, held.prefixLength, linkIndex));
  writer.attribute(IFA_LOCAL, held.address);
  writer.attribute(IFA_ADDRESS, held.address);
  if (!isV6 && held.label !== undefined) writer.text(IFA_LABEL, held.label);
  // Not preferred over IPv6: connections that this machine opens should not begin at an address that may leave.
  writer.attribute(IFA_CACHEINFO, u32Bytes(isV6 ? 0 : lifetimeS, lifetimeS, 0, 0));
  // Duplicate detection would take a second, and is the guard's matter.
  writer.u32(IFA_FLAGS, (isV6 ? IFA_F_NODAD : 0) | (held.hasRoute ? IFA_F_NOPREFIXROUTE : 0));
  writer.u8(IFA_PROTO, ADDRESS_PROTOCOL);
}

/** Gives somebody's address back, for good. */
export function writeRestoreAddress(
  writer: NetlinkWriter,
  linkIndex: number,
  address: Uint8Array,
  prefixLength: number,
): void {
  writer.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addressHeader(address, prefixLength, linkIndex));
  writer.attribute(IFA_LOCAL, address);
  writer.attribute(IFA_ADDRESS, address);
}

/**
 * The way to the network of an IPv4 address, from that address, where nobody else has one. The kernel removes it when it
 * removes the address. An error EEXIST says that it is there already.
 */
export function writeAddRoute(writer: NetlinkWriter, linkIndex: number, of: NetworkAddress): void {
  writeRoute(writer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, linkIndex, of);
}

export function writeDeleteRoute(writer: NetlinkWriter, linkIndex: number, of: NetworkAddress): void {
  writeRoute(writer, RTM_DELROUTE, 0, linkIndex, of);
}

/** An address, and how many bits of it name its network. */
export interface NetworkAddress {
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

function writeRoute(
  writer: NetlinkWriter,
  type: number,
  flags: number,
  linkIndex: number,
  { address, prefixLength }: NetworkAddress,
): void {
  const header = new Uint8Array(12);
  header.set([AF_INET, prefixLength, 0, 0, RT_TABLE_MAIN, ADDRESS_PROTOCOL, RT_SCOPE_LINK, RTN_UNICAST]);
  writer.begin(type, flags, header);
  writer.attribute(RTA_DST, networkOf(address, prefixLength));
  writer.u32(RTA_OIF, linkIndex);
  writer.u32(RTA_PRIORITY, ROUTE_METRIC);
  writer.attribute(RTA_PREFSRC, address);
}

function networkOf(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - 8 * i))));
}

export function writeDeleteAddress(
  writer: NetlinkWriter,
  linkIndex: number,
  address: Uint8Array,
  prefixLength: number,
): void {
  writer.begin(RTM_DELADDR, 0, addressHeader(address, prefixLength, linkIndex));
  writer.attribute(IFA_LOCAL, address);
  writer.attribute(IFA_ADDRESS, address);
}

function addressHeader(address: Uint8Array, prefixLength: number, linkIndex: number): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = address.length === 4 ? AF_INET : AF_INET6;
  header[1] = prefixLength;
  header[3] = SCOPE_UNIVERSE;
  header.set(u32Bytes(linkIndex), 4);
  return header;
}

/**
 * Creates a macvlan, which is down. In bridge mode, not private as keepalived has it: in private mode the parent never
 * sees the frames of a rival, because they come from the same virtual MAC.
 */
export function writeCreateMacvlan(writer: NetlinkWriter, name: string, parentIndex: number, mac: Uint8Array): void {
  writer.begin(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, linkHeader(0, 0, 0));
  writer.text(IFLA_IFNAME, name);
  writer.u32(IFLA_LINK, parentIndex);
  writer.attribute(IFLA_ADDRESS, mac);
  writer.nest(IFLA_LINKINFO, () => {
    writer.text(IFLA_INFO_KIND, 'macvlan');
    writer.nest(IFLA_INFO_DATA, () => writer.u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE));
  });
}

/** No link-local address of its own: derived from the virtual MAC it would be on all nodes (RFC 9568 section 7.4). */
export function writeNoLinkLocal(writer: NetlinkWriter, linkIndex: number): void {
  writer.begin(RTM_NEWLINK, NLM_F_ACK, linkHeader(linkIndex, 0, 0));
  writer.nest(IFLA_AF_SPEC, () =>
    writer.nest(AF_INET6, () => writer.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)),
  );
}

export function writeSetUp(writer: NetlinkWriter, linkIndex: number, isUp: boolean): void {
  writer.begin(RTM_NEWLINK, 0, linkHeader(linkIndex, isUp ? IFF_UP : 0, IFF_UP));
}

export function writeDeleteLink(writer: NetlinkWriter, linkIndex: number): void {
  writer.begin(RTM_DELLINK, NLM_F_ACK, linkHeader(linkIndex, 0, 0));
}

function linkHeader(index: number, flags: number, change: number): Uint8Array {
  const header = new Uint8Array(16);
  header.set(u32Bytes(index, flags, change), 4);
  return header;
}

/** Asks for all links, without their counters. */
export function writeGetLinks(writer: NetlinkWriter, flags: number): void {
  writer.begin(RTM_GETLINK, flags, linkHeader(0, 0, 0));
  writer.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/** Asks for all addresses of both families. */
export function writeGetAddresses(writer: NetlinkWriter, flags: number): void {
  writer.begin(RTM_GETADDR, flags, new Uint8Array(8));
}

/** Asks what IPv6 packets are delivered to this machine that are for an address of that link. */
export function writeGetLocalRoutes6(writer: NetlinkWriter, flags: number, linkIndex: number): void {
  const header = new Uint8Array(12);
  header[0] = AF_INET6;
  header[4] = RT_TABLE_LOCAL;
  writer.begin(RTM_GETROUTE, flags, header);
  writer.u32(RTA_OIF, linkIndex);
}

/** The destination of a route of that link, from the answer; null: it is of another one. */
export function readRouteTo(bytes: Uint8Array, message: NetlinkMessage, linkIndex: number): Uint8Array | null {
  const attributes = readAttributes(bytes, message.start + 12, message.end);
  const link = attributes.get(RTA_OIF);
  if (link === undefined || readU32(link) !== linkIndex) return null;
  return attributes.get(RTA_DST)?.slice() ?? null;
}

/** Reads RTM_NEWLINK or RTM_DELLINK. */
export function readLink(bytes: Uint8Array, message: NetlinkMessage): Link {
  const flags = readU32(bytes, message.start + 8);
  const attributes = readAttributes(bytes, message.start + 16, message.end);
  const info = attributes.get(IFLA_LINKINFO);
  const details = info === undefined ? undefined : readAttributes(info, 0, info.length);
  const portOf = textOf(details?.get(IFLA_INFO_SLAVE_KIND));
  const parent = attributes.get(IFLA_LINK);
  const mtu = attributes.get(IFLA_MTU);
  return {
    index: readU32(bytes, message.start + 4),
    name: textOf(attributes.get(IFLA_IFNAME)),
    isUp: (flags & IFF_UP) !== 0,
    isRunning: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    mac: attributes.get(IFLA_ADDRESS)?.slice() ?? new Uint8Array(6),
    mtu: mtu === undefined ? Number.POSITIVE_INFINITY : readU32(mtu),
    isMacvlan: textOf(details?.get(IFLA_INFO_KIND)) === 'macvlan',
    // A domain for routing takes nothing away from its members.
    portOf: portOf === '' || portOf === 'vrf' ? null : portOf,
    parentIndex: parent === undefined ? 0 : readU32(parent),
  };
}

/** Reads RTM_NEWADDR or RTM_DELADDR; null if it is of another family. */
export function readLinkAddress(bytes: Uint8Array, message: NetlinkMessage): LinkAddress | null {
  const family = bytes[message.start];
  if (family !== AF_INET && family !== AF_INET6) return null;
  const attributes = readAttributes(bytes, message.start + 8, message.end);
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address === undefined) return null;
  const wide = attributes.get(IFA_FLAGS);
  const flags = wide === undefined ? bytes[message.start + 2] : readU32(wide);
  return {
    linkIndex: readU32(bytes, message.start + 4),
    family: family === AF_INET ? 4 : 6,
    address: address.slice(),
    prefixLength: bytes[message.start + 1],
    isSecondary: family === AF_INET && (flags & IFA_F_SECONDARY) !== 0,
    isTentative: (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !== 0,
    isOurs: attributes.get(IFA_PROTO)?.[0] === ADDRESS_PROTOCOL,
    isPermanent: (flags & IFA_F_PERMANENT) !== 0,
  };
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString().replace(/\0.*$/s, '');
}
