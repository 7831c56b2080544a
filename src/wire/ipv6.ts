/** The IPv6 header (RFC 8200). Extension headers are not looked into: nothing read here may come behind one. */
import { readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';

export const IPV6_HEADER_BYTES = 40;

const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

export interface Ipv6Header {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly trafficClass: number;
}

export interface Ipv6Packet extends Ipv6Header {
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

export type Ipv6Fault = 'truncated' | 'version';

/** Reads a packet of bytes[start..end). Addresses are copies. */
export function parseIpv6(bytes: Uint8Array, start: number, end: number): Ipv6Packet | Ipv6Fault {
  if (end - start < IPV6_HEADER_BYTES) return 'truncated';
  if (bytes[start] >> 4 !== 6) return 'version';
  const payloadStart = start + IPV6_HEADER_BYTES;
  const payloadEnd = payloadStart + readU16(bytes, start + PAYLOAD_LENGTH);
  if (payloadEnd > end) return 'truncated';
  return {
    source: bytes.slice(start + SOURCE, start + SOURCE + 16),
    destination: bytes.slice(start + DESTINATION, start + DESTINATION + 16),
    nextHeader: bytes[start + NEXT_HEADER],
    hopLimit: bytes[start + HOP_LIMIT],
    trafficClass: (readU32(bytes, start) >>> 20) & 0xff,
    payloadStart,
    payloadEnd,
  };
}

/** Writes the header of a packet with that payload at `into[at]` and returns where the payload goes. */
export function emitIpv6(header: Ipv6Header, payloadBytes: number, into: Uint8Array, at: number): number {
  writeU32(into, at, ((6 << 28) | (header.trafficClass << 20)) >>> 0);
  writeU16(into, at + PAYLOAD_LENGTH, payloadBytes);
  into[at + NEXT_HEADER] = header.nextHeader;
  into[at + HOP_LIMIT] = header.hopLimit;
  into.set(header.source, at + SOURCE);
  into.set(header.destination, at + DESTINATION);
  return at + IPV6_HEADER_BYTES;
}
