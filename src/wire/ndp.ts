/**
 * Neighbour Discovery for IPv6 (RFC 4861) as far as a virtual address needs it: the unsolicited neighbour advertisement
 * that tells every host where the address now is, and the solicitation that asks who has it, with a source (section
 * 7.2.2) or without (the probe of RFC 4862 section 5.4.2).
 */
import { equalBytes, writeU16 } from '../base/bytes.ts';
import { addToSum, finishSum, pseudoHeaderSum } from './checksum.ts';
import {
  emitEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV6,
  MAC_BYTES,
  multicastMac,
  parseEthernet,
} from './ethernet.ts';
import { emitIpv6, IPV6_HEADER_BYTES, parseIpv6 } from './ipv6.ts';

export const ICMPV6_PROTOCOL = 58;
/** A hop limit of 255 proves that a message did not cross a router (RFC 4861 section 7.1). */
const NDP_HOP_LIMIT = 255;

const TYPE_SOLICITATION = 135;
const TYPE_ADVERTISEMENT = 136;
const FIXED_BYTES = 24;
const TARGET = 8;
const OPTION_SOURCE_MAC = 1;
const OPTION_TARGET_MAC = 2;
const MAC_OPTION_BYTES = 8;

const FLAG_ROUTER = 0x80;
const FLAG_SOLICITED = 0x40;
const FLAG_OVERRIDE = 0x20;

export const ALL_NODES: Uint8Array = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
export const UNSPECIFIED: Uint8Array = new Uint8Array(16);

export interface NeighborAdvertisement {
  readonly kind: 'advertisement';
  readonly target: Uint8Array;
  readonly isRouter: boolean;
  readonly isSolicited: boolean;
  readonly isOverride: boolean;
  readonly targetMac: Uint8Array | null;
}

export interface NeighborSolicitation {
  readonly kind: 'solicitation';
  readonly target: Uint8Array;
  readonly sourceMac: Uint8Array | null;
}

export type NeighborMessage = NeighborAdvertisement | NeighborSolicitation;

/** Who sent a message, and to whom: its checksum covers both. */
export interface NeighborEnvelope {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

export type NeighborFault = 'truncated' | 'hop-limit' | 'checksum' | 'code' | 'type' | 'target' | 'option' | 'source';

/** Reads an ICMPv6 message of bytes[start..end) with the checks of RFC 4861 sections 7.1.1 and 7.1.2. Fields are copies. */
export function parseNeighborMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  envelope: NeighborEnvelope,
  hopLimit: number,
): NeighborMessage | NeighborFault {
  if (end - start < FIXED_BYTES) return 'truncated';
  if (hopLimit !== NDP_HOP_LIMIT) return 'hop-limit';
  const pseudo = pseudoHeaderSum(envelope.source, envelope.destination, ICMPV6_PROTOCOL, end - start);
  if (finishSum(addToSum(pseudo, bytes, start, end)) !== 0) return 'checksum';
  const type = bytes[start];
  if (type !== TYPE_SOLICITATION && type !== TYPE_ADVERTISEMENT) return 'type';
  if (bytes[start + 1] !== 0) return 'code';
  const target = bytes.slice(start + TARGET, start + TARGET + 16);
  if (target[0] === 0xff) return 'target';
  const macOption = type === TYPE_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC;
  let mac: Uint8Array | null = null;
  for (let at = start + FIXED_BYTES; at < end;) {
    if (at + 1 >= end) return 'option';
    const optionBytes = bytes[at + 1] * 8;
    if (optionBytes === 0 || at + optionBytes > end) return 'option';
    if (bytes[at] === macOption && optionBytes === MAC_OPTION_BYTES) mac = bytes.slice(at + 2, at + 2 + MAC_BYTES);
    at += optionBytes;
  }
  if (type === TYPE_SOLICITATION) {
    if (mac !== null && equalBytes(envelope.source, UNSPECIFIED)) return 'source';
    return { kind: 'solicitation', target, sourceMac: mac };
  }
  const flags = bytes[start + 4];
  return {
    kind: 'advertisement',
    target,
    isRouter: (flags & FLAG_ROUTER) !== 0,
    isSolicited: (flags & FLAG_SOLICITED) !== 0,
    isOverride: (flags & FLAG_OVERRIDE) !== 0,
    targetMac: mac,
  };
}

export function neighborMessageBytes(message: NeighborMessage): number {
  return FIXED_BYTES + (macOf(message) === null ? 0 : MAC_OPTION_BYTES);
}

/** Writes the message with its checksum at `into[at]` and returns its end. */
export function emitNeighborMessage(
  message: NeighborMessage,
  envelope: NeighborEnvelope,
  into: Uint8Array,
  at: number,
): number {
  const mac = macOf(message);
  into.fill(0, at, at + FIXED_BYTES);
  into.set(message.target, at + TARGET);
  let end = at + FIXED_BYTES;
  if (message.kind === 'advertisement') {
    into[at] = TYPE_ADVERTISEMENT;
    into[at + 4] =
      (message.isRouter ? FLAG_ROUTER : 0) |
      (message.isSolicited ? FLAG_SOLICITED : 0) |
      (message.isOverride ? FLAG_OVERRIDE : 0);
  } else {
    into[at] = TYPE_SOLICITATION;
  }
  if (mac !== null) {
    into[end] = message.kind === 'advertisement' ? OPTION_TARGET_MAC : OPTION_SOURCE_MAC;
    into[end + 1] = 1;
    into.set(mac, end + 2);
    end += MAC_OPTION_BYTES;
  }
  const pseudo = pseudoHeaderSum(envelope.source, envelope.destination, ICMPV6_PROTOCOL, end - at);
  writeU16(into, at + 2, finishSum(addToSum(pseudo, into, at, end)));
  return end;
}

/** RFC 9568 section 6.4.1: the router flag as given, solicited flag clear, override flag set, the MAC address in it. */
export function unsolicitedAdvertisement(ip: Uint8Array, mac: Uint8Array, isRouter: boolean): NeighborAdvertisement {
  return { kind: 'advertisement', target: ip, isRouter, isSolicited: false, isOverride: true, targetMac: mac };
}

/** ff02::1:ffXX:XXXX, the group that the holder of `ip` listens to (RFC 4291 section 2.7.1). */
export function solicitedNodeGroup(ip: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ip[13], ip[14], ip[15]);
}

/** The message in an Ethernet frame to the multicast address `envelope.destination`. */
export function neighborFrame(message: NeighborMessage, envelope: NeighborEnvelope, mac: Uint8Array): Uint8Array {
  const payloadBytes = neighborMessageBytes(message);
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + payloadBytes);
  const destination = multicastMac(envelope.destination);
  const ip = emitEthernet({ destination, source: mac, etherType: ETHERTYPE_IPV6 }, frame, 0);
  const header = { ...envelope, nextHeader: ICMPV6_PROTOCOL, hopLimit: NDP_HOP_LIMIT, trafficClass: 0 };
  emitNeighborMessage(message, envelope, frame, emitIpv6(header, payloadBytes, frame, ip));
  return frame;
}

/** The neighbour message of an Ethernet frame; null if the frame is of another protocol. */
export function parseNeighborFrame(frame: Uint8Array): NeighborMessage | NeighborFault | null {
  const header = parseEthernet(frame, 0, frame.length);
  if (header === null || header.etherType !== ETHERTYPE_IPV6) return null;
  const packet = parseIpv6(frame, ETHERNET_HEADER_BYTES, frame.length);
  if (typeof packet === 'string' || packet.nextHeader !== ICMPV6_PROTOCOL) return null;
  return parseNeighborMessage(frame, packet.payloadStart, packet.payloadEnd, packet, packet.hopLimit);
}

function macOf(message: NeighborMessage): Uint8Array | null {
  return message.kind === 'advertisement' ? message.targetMac : message.sourceMac;
}
