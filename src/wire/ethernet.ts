/** Ethernet II framing, and the multicast MAC addresses of IP groups (RFC 1112 section 6.4, RFC 2464 section 7). */
import { assert } from '../base/assert.ts';
import { readU16, writeU16 } from '../base/bytes.ts';

export const ETHERNET_HEADER_BYTES = 14;
export const MAC_BYTES = 6;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

export const MAC_BROADCAST: Uint8Array = Uint8Array.of(255, 255, 255, 255, 255, 255);
export const MAC_ZERO: Uint8Array = new Uint8Array(MAC_BYTES);

export interface EthernetHeader {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  readonly etherType: number;
}

/** Copies the header out of a frame; null if there is not even a header. The payload begins ETHERNET_HEADER_BYTES on. */
export function parseEthernet(bytes: Uint8Array, start: number, end: number): EthernetHeader | null {
  if (end - start < ETHERNET_HEADER_BYTES) return null;
  return {
    destination: bytes.slice(start, start + 6),
    source: bytes.slice(start + 6, start + 12),
    etherType: readU16(bytes, start + 12),
  };
}

/** Writes the header at `into[at]` and returns the offset of the payload. */
export function emitEthernet(header: EthernetHeader, into: Uint8Array, at: number): number {
  into.set(header.destination, at);
  into.set(header.source, at + 6);
  writeU16(into, at + 12, header.etherType);
  return at + ETHERNET_HEADER_BYTES;
}

/** The MAC address that frames to an IP multicast group are sent to. */
export function multicastMac(group: Uint8Array): Uint8Array {
  if (group.length === 4) {
    assert(group[0] >> 4 === 14, 'not an IPv4 multicast address');
    return Uint8Array.of(0x01, 0x00, 0x5e, group[1] & 0x7f, group[2], group[3]);
  }
  assert(group.length === 16 && group[0] === 0xff, 'not an IPv6 multicast address');
  return Uint8Array.of(0x33, 0x33, group[12], group[13], group[14], group[15]);
}
