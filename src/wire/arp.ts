/**
 * ARP for IPv4 over Ethernet (RFC 826), in the shapes that a virtual address needs: the two forms of gratuitous ARP, the
 * probe and the announcement of RFC 5227, and the plain request.
 */
import { readU16, writeU16 } from '../base/bytes.ts';
import {
  emitEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_ARP,
  MAC_BROADCAST,
  MAC_ZERO,
  parseEthernet,
} from './ethernet.ts';

export const ARP_BYTES = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

export interface ArpPacket {
  /** ARP_REQUEST or ARP_REPLY; other values are passed through. */
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

export type ArpFault = 'truncated' | 'hardware' | 'protocol';

/** Reads a packet of bytes[start..end), without its Ethernet header; what follows it is padding. Fields are copies. */
export function parseArp(bytes: Uint8Array, start: number, end: number): ArpPacket | ArpFault {
  if (end - start < ARP_BYTES) return 'truncated';
  if (readU16(bytes, start) !== 1 || bytes[start + 4] !== 6) return 'hardware';
  if (readU16(bytes, start + 2) !== 0x0800 || bytes[start + 5] !== 4) return 'protocol';
  return {
    operation: readU16(bytes, start + 6),
    senderMac: bytes.slice(start + 8, start + 14),
    senderIp: bytes.slice(start + 14, start + 18),
    targetMac: bytes.slice(start + 18, start + 24),
    targetIp: bytes.slice(start + 24, start + 28),
  };
}

/** Writes the packet at `into[at]` and returns its end. */
export function emitArp(packet: ArpPacket, into: Uint8Array, at: number): number {
  writeU16(into, at, 1);
  writeU16(into, at + 2, 0x0800);
  into[at + 4] = 6;
  into[at + 5] = 4;
  writeU16(into, at + 6, packet.operation);
  into.set(packet.senderMac, at + 8);
  into.set(packet.senderIp, at + 14);
  into.set(packet.targetMac, at + 18);
  into.set(packet.targetIp, at + 24);
  return at + ARP_BYTES;
}

/**
 * Gratuitous ARP as a request (RFC 9568 sections 6.4.1 and 8.1.2, with erratum 7949: the target hardware address is the
 * virtual router's too).
 */
export function gratuitousRequest(mac: Uint8Array, ip: Uint8Array): ArpPacket {
  return { operation: ARP_REQUEST, senderMac: mac, senderIp: ip, targetMac: mac, targetIp: ip };
}

/** Gratuitous ARP as a reply (RFC 5944 section 4.6). Some hosts update their cache only from this form. */
export function gratuitousReply(mac: Uint8Array, ip: Uint8Array): ArpPacket {
  return { operation: ARP_REPLY, senderMac: mac, senderIp: ip, targetMac: mac, targetIp: ip };
}

/** Asks who has `ip` without claiming it: the sender's address is zero, so nobody's cache changes (RFC 5227 section 1.1). */
export function arpProbe(mac: Uint8Array, ip: Uint8Array): ArpPacket {
  return { operation: ARP_REQUEST, senderMac: mac, senderIp: new Uint8Array(4), targetMac: MAC_ZERO, targetIp: ip };
}

export function arpRequest(mac: Uint8Array, ip: Uint8Array, targetIp: Uint8Array): ArpPacket {
  return { operation: ARP_REQUEST, senderMac: mac, senderIp: ip, targetMac: MAC_ZERO, targetIp };
}

/** The packet in a broadcast Ethernet frame from its sender's MAC address. */
export function arpFrame(packet: ArpPacket): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + ARP_BYTES);
  const header = { destination: MAC_BROADCAST, source: packet.senderMac, etherType: ETHERTYPE_ARP };
  emitArp(packet, frame, emitEthernet(header, frame, 0));
  return frame;
}

/** The ARP packet of an Ethernet frame; null if the frame is of another protocol. */
export function parseArpFrame(frame: Uint8Array): ArpPacket | ArpFault | null {
  const header = parseEthernet(frame, 0, frame.length);
  if (header === null || header.etherType !== ETHERTYPE_ARP) return null;
  return parseArp(frame, ETHERNET_HEADER_BYTES, frame.length);
}
