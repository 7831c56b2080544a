/** The IPv4 header (RFC 791): what a raw socket is given in front of a packet, and what it sends with IP_HDRINCL. */
import { readU16, writeU16 } from '../base/bytes.ts';
import { addToSum, finishSum } from './checksum.ts';

export const IPV4_HEADER_BYTES = 20;
/** DSCP CS6, internetwork control (RFC 4594): what routers' own protocols are sent with. */
export const TRAFFIC_CLASS_CONTROL = 0xc0;

const FLAGS_FRAGMENT = 6;
const TTL = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;

export interface Ipv4Header {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly ttl: number;
  readonly trafficClass: number;
  readonly identification: number;
}

export interface Ipv4Packet extends Ipv4Header {
  readonly payloadStart: number;
  /** By the total length field; what follows it (link-layer padding) is not part of the packet. */
  readonly payloadEnd: number;
}

export type Ipv4Fault = 'truncated' | 'version' | 'header-length' | 'total-length' | 'checksum' | 'fragment';

/** Reads a packet of bytes[start..end). Addresses are copies. Options are skipped; fragments are refused. */
export function parseIpv4(bytes: Uint8Array, start: number, end: number): Ipv4Packet | Ipv4Fault {
  if (end - start < IPV4_HEADER_BYTES) return 'truncated';
  if (bytes[start] >> 4 !== 4) return 'version';
  const headerBytes = (bytes[start] & 0x0f) * 4;
  if (headerBytes < IPV4_HEADER_BYTES) return 'header-length';
  if (headerBytes > end - start) return 'truncated';
  const totalBytes = readU16(bytes, start + 2);
  if (totalBytes < headerBytes) return 'total-length';
  if (totalBytes > end - start) return 'truncated';
  if (finishSum(addToSum(0, bytes, start, start + headerBytes)) !== 0) return 'checksum';
  if ((readU16(bytes, start + FLAGS_FRAGMENT) & 0x3fff) !== 0) return 'fragment';
  return {
    source: bytes.slice(start + SOURCE, start + SOURCE + 4),
    destination: bytes.slice(start + DESTINATION, start + DESTINATION + 4),
    protocol: bytes[start + PROTOCOL],
    ttl: bytes[start + TTL],
    trafficClass: bytes[start + 1],
    identification: readU16(bytes, start + 4),
    payloadStart: start + headerBytes,
    payloadEnd: start + totalBytes,
  };
}

/** Writes the header of a packet with that payload at `into[at]` and returns where the payload goes. */
export function emitIpv4(header: Ipv4Header, payloadBytes: number, into: Uint8Array, at: number): number {
  into[at] = 0x45;
  into[at + 1] = header.trafficClass;
  writeU16(into, at + 2, IPV4_HEADER_BYTES + payloadBytes);
  writeU16(into, at + 4, header.identification);
  writeU16(into, at + FLAGS_FRAGMENT, 0);
  into[at + TTL] = header.ttl;
  into[at + PROTOCOL] = header.protocol;
  writeU16(into, at + CHECKSUM, 0);
  into.set(header.source, at + SOURCE);
  into.set(header.destination, at + DESTINATION);
  writeU16(into, at + CHECKSUM, finishSum(addToSum(0, into, at, at + IPV4_HEADER_BYTES)));
  return at + IPV4_HEADER_BYTES;
}
