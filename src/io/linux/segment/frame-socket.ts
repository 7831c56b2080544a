/**
 * Sends whole Ethernet frames on one interface: gratuitous ARP, neighbour advertisements, probes, and adverts to the group.
 * Those need no route, no neighbour and no address on the virtual MAC that they come from.
 */
import { closeSync } from 'node:fs';
import {
  emitEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  multicastMac,
} from '../../../wire/ethernet.ts';
import { emitIpv4, IPV4_HEADER_BYTES, TRAFFIC_CLASS_CONTROL } from '../../../wire/ipv4.ts';
import { emitIpv6, IPV6_HEADER_BYTES } from '../../../wire/ipv6.ts';
import { VRRP_PROTOCOL, VRRP_TTL } from '../../../wire/vrrp/advert.ts';
import { REFUSE_ALL } from '../socket-filter.ts';
import { openPacket } from './open-socket.ts';
import type { Link } from './rtnetlink.ts';
import { send } from './system.ts';

export class FrameSocket {
  private readonly descriptor: number;

  constructor(link: Link) {
    this.descriptor = openPacket(link, 0, REFUSE_ALL);
  }

  /** How many bytes, or a negative errno. */
  send(frame: Uint8Array): number {
    return send(this.descriptor, frame);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** An IP packet with an advert in a frame from that MAC address to the group. */
export function advertFrame(
  mac: Uint8Array,
  source: Uint8Array,
  group: Uint8Array,
  payload: Uint8Array,
  identification: number,
): Uint8Array {
  const isV6 = group.length === 16;
  const headerBytes = ETHERNET_HEADER_BYTES + (isV6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
  const frame = new Uint8Array(headerBytes + payload.length);
  const etherType = isV6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
  const at = emitEthernet({ destination: multicastMac(group), source: mac, etherType }, frame, 0);
  // Written out: an object that is spread into a larger one costs V8 memory that only a full collection frees.
  const trafficClass = TRAFFIC_CLASS_CONTROL;
  const payloadAt = isV6
    ? emitIpv6(
        { source, destination: group, trafficClass, nextHeader: VRRP_PROTOCOL, hopLimit: VRRP_TTL },
        payload.length,
        frame,
        at,
      )
    : emitIpv4(
        { source, destination: group, trafficClass, protocol: VRRP_PROTOCOL, ttl: VRRP_TTL, identification },
        payload.length,
        frame,
        at,
      );
  frame.set(payload, payloadAt);
  return frame;
}
