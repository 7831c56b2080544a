/**
 * Routes and rules by rtnetlink (rtnetlink(7)). Each is marked with the protocol of this program, in both directions: what is
 * removed is never somebody else's, however much it looks like it.
 */
import { parseIPv4, parseIPv6 } from '../../../base/address.ts';
import { assert } from '../../../base/assert.ts';
import {
  type KernelNetwork,
  type KernelRoute,
  type KernelRule,
  ROUTE_SCOPES,
  type RouteKind,
  type RuleKind,
} from '../../../base/kernel-routing.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkWriter, u32Bytes } from './netlink-message.ts';
import {
  ADDRESS_PROTOCOL,
  AF_INET,
  AF_INET6,
  RTA_DST,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTM_DELROUTE,
  RTM_NEWROUTE,
} from './rtnetlink.ts';

export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;

const RTA_GATEWAY = 5;
const RTA_METRICS = 8;
const RTA_TABLE = 15;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const ROUTE_TYPES: Readonly<Record<RouteKind, number>> = {
  unicast: 1,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
};

const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_PROTOCOL = 21;
const RULE_ACTIONS: Readonly<Record<RuleKind, number>> = { lookup: 1, blackhole: 6, unreachable: 7, prohibit: 8 };

/**
 * In front of whatever IPv4 route to the same network, of the same metric, somebody else has; EEXIST says that this one is
 * there. Over IPv6 it is beside the others.
 */
export function writeAddVirtualRoute(writer: NetlinkWriter, route: KernelRoute, linkIndex: number | null): void {
  writeRoute(writer, RTM_NEWROUTE, NLM_F_CREATE, route, linkIndex);
}

export function writeDeleteVirtualRoute(writer: NetlinkWriter, route: KernelRoute, linkIndex: number | null): void {
  writeRoute(writer, RTM_DELROUTE, 0, route, linkIndex);
}

function writeRoute(
  writer: NetlinkWriter,
  type: number,
  flags: number,
  route: KernelRoute,
  linkIndex: number | null,
): void {
  const { family, kind, to, via, source, table, metric, scope, isOnLink, mtu } = route;
  const header = new Uint8Array(12);
  header.set([familyNumber(family), to.prefixLength, 0, 0, tableByte(table), ADDRESS_PROTOCOL]);
  header[6] = ROUTE_SCOPES[scope];
  header[7] = ROUTE_TYPES[kind];
  header.set(u32Bytes(isOnLink ? RTNH_F_ONLINK : 0), 8);
  writer.begin(type, flags, header);
  writer.u32(RTA_TABLE, table);
  if (to.prefixLength > 0) writer.attribute(RTA_DST, bytesOf(to.address));
  if (via !== null) writer.attribute(RTA_GATEWAY, bytesOf(via));
  if (linkIndex !== null) writer.u32(RTA_OIF, linkIndex);
  if (source !== null) writer.attribute(RTA_PREFSRC, bytesOf(source));
  if (metric !== null) writer.u32(RTA_PRIORITY, metric);
  if (mtu !== null) writer.nest(RTA_METRICS, () => writer.u32(RTAX_MTU, mtu));
}

/** EEXIST: the same rule is there, whoever has put it there. */
export function writeAddRule(writer: NetlinkWriter, rule: KernelRule): void {
  writeRule(writer, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

export function writeDeleteRule(writer: NetlinkWriter, rule: KernelRule): void {
  writeRule(writer, RTM_DELRULE, 0, rule);
}

function writeRule(writer: NetlinkWriter, type: number, flags: number, rule: KernelRule): void {
  const { family, kind, from, to, inInterface, outInterface, mark, table, preference } = rule;
  const header = new Uint8Array(12);
  header.set([familyNumber(family), to?.prefixLength ?? 0, from?.prefixLength ?? 0, 0, tableByte(table ?? 0)]);
  header[7] = RULE_ACTIONS[kind];
  writer.begin(type, flags, header);
  writer.u8(FRA_PROTOCOL, ADDRESS_PROTOCOL);
  writer.u32(FRA_PRIORITY, preference);
  if (table !== null) writer.u32(FRA_TABLE, table);
  if (hasBits(from)) writer.attribute(FRA_SRC, bytesOf(from.address));
  if (hasBits(to)) writer.attribute(FRA_DST, bytesOf(to.address));
  if (inInterface !== null) writer.text(FRA_IIFNAME, inInterface);
  if (outInterface !== null) writer.text(FRA_OIFNAME, outInterface);
  if (mark === null) return;
  writer.u32(FRA_FWMARK, mark.value);
  writer.u32(FRA_FWMASK, mark.mask);
}

function hasBits(network: KernelNetwork | null): network is KernelNetwork {
  return network !== null && network.prefixLength > 0;
}

function familyNumber(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** The header has room for the lowest ones; an attribute has them all. */
function tableByte(table: number): number {
  return table < 256 ? table : 0;
}

function bytesOf(text: string): Uint8Array {
  const bytes = parseIPv4(text) ?? parseIPv6(text);
  assert(bytes !== null, 'a plan has valid addresses');
  return bytes;
}
