/**
 * Raw sockets that hear adverts on one interface, and send those that go to single peers: the kernel finds the way to a
 * peer's MAC address. (Adverts to the group go out as frames: frame-socket.ts.)
 *
 * What an operator's firewall drops is not heard here: raw sockets come behind it.
 */
import { closeSync } from 'node:fs';
import type { SegmentPacket } from '../../../port/segment.ts';
import { VRRP_GROUP_4, VRRP_GROUP_6, VRRP_PROTOCOL } from '../../../wire/vrrp/advert.ts';
import { emitIpv4, IPV4_HEADER_BYTES, parseIpv4, TRAFFIC_CLASS_CONTROL } from '../../../wire/ipv4.ts';
import { emitIpv6, IPV6_HEADER_BYTES } from '../../../wire/ipv6.ts';
import * as libc from '../libc.ts';
import { attachFilter, type Filter } from '../socket-filter.ts';
import { MessageReceiver } from './message-receiver.ts';
import { openRaw } from './open-socket.ts';
import type { Link } from './rtnetlink.ts';
import { EINTR, receive } from './system.ts';

const IP_HDRINCL = 3;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_MULTICAST_ALL = 29;
const IPV6_HDRINCL = 36;

/** Per turn: as many as the queue holds, and not for ever while somebody sends as fast as this reads. */
const PACKETS_PER_TURN = 1024;

/** One for all sockets: what was received is handled before anything else is. */
const bytes = new Uint8Array(65_536);

export type PacketHandler = (packet: SegmentPacket) => void;

export interface AdvertSocket {
  readonly descriptor: number;
  /** 0, or a negative errno. */
  setFilter(filter: Filter): number;
  /** Reads what has come in. */
  read(handle: PacketHandler): void;
  /** How many bytes, or a negative errno. */
  send(source: Uint8Array, destination: Uint8Array, payload: Uint8Array, ttl: number): number;
  close(): void;
}

/** `protocol` is VRRP's or that of the Authentication Header. */
export class AdvertSocket4 implements AdvertSocket {
  readonly descriptor: number;
  private identification = 0;

  constructor(link: Link, protocol: number, isMulticast: boolean) {
    this.descriptor = openRaw(libc.AF_INET, protocol, link);
    const { descriptor } = this;
    libc.setOption(descriptor, libc.IPPROTO_IP, IP_HDRINCL, 1);
    libc.setOption(descriptor, libc.IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (isMulticast) {
      // struct ip_mreqn: the group, no address, the interface.
      const request = new Uint8Array(12);
      request.set(VRRP_GROUP_4);
      new DataView(request.buffer).setInt32(8, link.index, true);
      libc.setOptionBytes(descriptor, libc.IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
    }
  }

  setFilter(filter: Filter): number {
    return attachFilter(this.descriptor, filter);
  }

  read(handle: PacketHandler): void {
    for (let i = 0; i < PACKETS_PER_TURN; i++) {
      const length = receive(this.descriptor, bytes);
      if (length === EINTR) continue;
      if (length < 0) return;
      const packet = parseIpv4(bytes, 0, length);
      if (typeof packet === 'string') continue;
      const { source, destination, protocol, ttl, payloadStart, payloadEnd } = packet;
      handle({ bytes, start: payloadStart, end: payloadEnd, source, destination, protocol, ttl });
    }
  }

  send(source: Uint8Array, destination: Uint8Array, payload: Uint8Array, ttl: number): number {
    const packet = new Uint8Array(IPV4_HEADER_BYTES + payload.length);
    this.identification = (this.identification + 1) & 0xffff;
    const header = {
      source,
      destination,
      protocol: VRRP_PROTOCOL,
      ttl,
      trafficClass: TRAFFIC_CLASS_CONTROL,
      identification: this.identification,
    };
    packet.set(payload, emitIpv4(header, payload.length, packet, 0));
    // struct sockaddr_in; the port means nothing.
    const name = new Uint8Array(16);
    name[0] = libc.AF_INET;
    name.set(destination, 4);
    return libc.sendTo(this.descriptor, packet, name);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

export class AdvertSocket6 implements AdvertSocket {
  readonly descriptor: number;
  private readonly linkIndex: number;
  private readonly receiver: MessageReceiver;

  constructor(link: Link, isMulticast: boolean) {
    this.linkIndex = link.index;
    this.descriptor = openRaw(libc.AF_INET6, VRRP_PROTOCOL, link);
    const { descriptor } = this;
    this.receiver = new MessageReceiver(descriptor);
    libc.setOption(descriptor, libc.IPPROTO_IPV6, IPV6_HDRINCL, 1);
    libc.setOption(descriptor, libc.IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    libc.setOption(descriptor, libc.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    if (isMulticast) {
      // struct ipv6_mreq: the group, the interface.
      const request = new Uint8Array(20);
      request.set(VRRP_GROUP_6);
      new DataView(request.buffer).setInt32(16, link.index, true);
      libc.setOptionBytes(descriptor, libc.IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
    }
  }

  setFilter(filter: Filter): number {
    return attachFilter(this.descriptor, filter);
  }

  read(handle: PacketHandler): void {
    for (let i = 0; i < PACKETS_PER_TURN; i++) {
      const message = this.receiver.receive();
      if (message === null) return;
      const { bytes, length, source, destination, hopLimit } = message;
      handle({ bytes, start: 0, end: length, source, destination, protocol: VRRP_PROTOCOL, ttl: hopLimit });
    }
  }

  send(source: Uint8Array, destination: Uint8Array, payload: Uint8Array, ttl: number): number {
    const packet = new Uint8Array(IPV6_HEADER_BYTES + payload.length);
    const header = {
      source,
      destination,
      nextHeader: VRRP_PROTOCOL,
      hopLimit: ttl,
      trafficClass: TRAFFIC_CLASS_CONTROL,
    };
    packet.set(payload, emitIpv6(header, payload.length, packet, 0));
    // struct sockaddr_in6; the scope is needed for link-local addresses only.
    const name = new Uint8Array(28);
    name[0] = libc.AF_INET6;
    name.set(destination, 8);
    new DataView(name.buffer).setUint32(24, this.linkIndex, true);
    return libc.sendTo(this.descriptor, packet, name);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
