/**
 * Hears who says of himself that he has an address: in ARP frames (RFC 826) and in neighbour advertisements (RFC 4861).
 */
import { closeSync } from 'node:fs';
import { parseArpFrame } from '../../../wire/arp.ts';
import { ETHERTYPE_ARP } from '../../../wire/ethernet.ts';
import { ICMPV6_PROTOCOL, parseNeighborMessage } from '../../../wire/ndp.ts';
import * as libc from '../libc.ts';
import { attachFilter, type Filter, REFUSE_ALL } from '../socket-filter.ts';
import { MessageReceiver } from './message-receiver.ts';
import { openPacket, openRaw } from './open-socket.ts';
import type { Link } from './rtnetlink.ts';
import { EINTR, receive } from './system.ts';

const ICMP6_FILTER = 1;
const NEIGHBOR_ADVERTISEMENT = 136;

/** Per turn; there may be a storm of them. */
const MESSAGES_PER_TURN = 256;
const FRAME_BYTES_MAX = 2048;

export type NeighborHandler = (address: Uint8Array, mac: Uint8Array) => void;

/** Hears nothing before it is given a filter. */
export interface NeighborSocket {
  readonly descriptor: number;
  /** 0, or a negative errno. */
  setFilter(filter: Filter): number;
  read(handle: NeighborHandler): void;
  close(): void;
}

export class ArpSocket implements NeighborSocket {
  readonly descriptor: number;
  private readonly bytes = new Uint8Array(FRAME_BYTES_MAX);

  constructor(link: Link) {
    this.descriptor = openPacket(link, ETHERTYPE_ARP, REFUSE_ALL);
  }

  setFilter(filter: Filter): number {
    return attachFilter(this.descriptor, filter);
  }

  read(handle: NeighborHandler): void {
    for (let i = 0; i < MESSAGES_PER_TURN; i++) {
      const length = receive(this.descriptor, this.bytes);
      if (length === EINTR) continue;
      if (length < 0) return;
      const packet = parseArpFrame(this.bytes.subarray(0, length));
      // A probe (RFC 5227) has no sender's address: it asks, and says nothing.
      if (packet === null || typeof packet === 'string' || packet.senderIp.every((byte) => byte === 0)) continue;
      handle(packet.senderIp, packet.senderMac);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A raw ICMPv6 socket with its own filter: a packet socket would look at every IPv6 packet that the proxies receive. */
export class NeighborAdvertisementSocket implements NeighborSocket {
  readonly descriptor: number;
  private readonly receiver: MessageReceiver;

  constructor(link: Link) {
    this.descriptor = openRaw(libc.AF_INET6, ICMPV6_PROTOCOL, link);
    this.receiver = new MessageReceiver(this.descriptor);
    // struct icmp6_filter: a bit for every type that is refused.
    const filter = new Uint8Array(32).fill(0xff);
    filter[NEIGHBOR_ADVERTISEMENT >> 3] &= ~(1 << (NEIGHBOR_ADVERTISEMENT & 7));
    libc.setOptionBytes(this.descriptor, ICMPV6_PROTOCOL, ICMP6_FILTER, filter);
  }

  setFilter(filter: Filter): number {
    return attachFilter(this.descriptor, filter);
  }

  read(handle: NeighborHandler): void {
    for (let i = 0; i < MESSAGES_PER_TURN; i++) {
      const received = this.receiver.receive();
      if (received === null) return;
      const { bytes, length, hopLimit } = received;
      const message = parseNeighborMessage(bytes, 0, length, received, hopLimit);
      if (typeof message === 'string' || message.kind !== 'advertisement' || message.targetMac === null) continue;
      handle(message.target, message.targetMac);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
