/**
 * A broadcast segment that loses, delays, reorders and doubles what it carries, and can be cut in one direction between any
 * two of its hosts.
 */
import { equalBytes, formatHex } from '../../src/base/bytes.ts';
import { ARP_REPLY, ARP_REQUEST, type ArpPacket, arpFrame, parseArpFrame } from '../../src/wire/arp.ts';
import {
  emitEthernet,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  multicastMac,
} from '../../src/wire/ethernet.ts';
import { emitIpv4, IPV4_HEADER_BYTES, TRAFFIC_CLASS_CONTROL } from '../../src/wire/ipv4.ts';
import { emitIpv6, IPV6_HEADER_BYTES } from '../../src/wire/ipv6.ts';
import { ALL_NODES, neighborFrame, parseNeighborFrame } from '../../src/wire/ndp.ts';
import { PRIORITY_RELEASE, VRRP_PROTOCOL, VRRP_TTL } from '../../src/wire/vrrp/advert.ts';
import type { SegmentPacket } from '../../src/port/segment.ts';
import type { World } from './world.ts';

/** Of an advert's bytes, in both versions. */
export const PRIORITY_OFFSET = 2;

export interface LinkQuality {
  /** 0..1 */
  loss: number;
  duplication: number;
  delayUsMin: number;
  delayUsMax: number;
}

/** A host's place on the segment. */
export interface Port {
  readonly mac: Uint8Array;
  /** Whether a unicast packet or an ARP request for that address is for this host, now. */
  hasAddress(address: Uint8Array): boolean;
  /** The MAC that it answers for that address with. */
  macOf(address: Uint8Array): Uint8Array;
  receivePacket(packet: SegmentPacket): void;
  /** Somebody said that it has an address. */
  receiveNeighbor(address: Uint8Array, mac: Uint8Array): void;
}

/** Sees every frame that is sent, at the sender. */
export type Tap = (frame: Uint8Array, atUs: number) => void;

export class Network {
  quality: LinkQuality;
  private readonly world: World;
  private readonly ports: Port[] = [];
  /** from * 256 + to */
  private readonly cuts = new Set<number>();
  private readonly tap: Tap | null;

  constructor(world: World, quality: LinkQuality, tap: Tap | null) {
    this.world = world;
    this.quality = quality;
    this.tap = tap;
  }

  connect(port: Port): void {
    this.ports.push(port);
  }

  /** Cuts or mends the way from one host to another. */
  setCut(from: number, to: number, isCut: boolean): void {
    if (isCut) this.cuts.add(from * 256 + to);
    else this.cuts.delete(from * 256 + to);
  }

  /** The hosts of either part hear nothing of the other one. */
  partition(isInFirst: (index: number) => boolean): void {
    for (let from = 0; from < this.ports.length; from++) {
      for (let to = 0; to < this.ports.length; to++) {
        if (isInFirst(from) !== isInFirst(to)) this.setCut(from, to, true);
      }
    }
  }

  mend(): void {
    this.cuts.clear();
  }

  /** Whether both hear each other. */
  areJoined(a: number, b: number): boolean {
    return !this.cuts.has(a * 256 + b) && !this.cuts.has(b * 256 + a);
  }

  /** Loses every other release of each sender, beginning with the first. */
  losesReleases = false;
  private readonly releases = new Map<string, number>();

  /** An IP packet of protocol 112 to a group or a host. */
  sendPacket(from: Port, source: Uint8Array, destination: Uint8Array, payload: Uint8Array, ttl = VRRP_TTL): void {
    const bytes = payload.slice();
    const isMulticast = destination[0] === 0xff || (destination.length === 4 && destination[0] >= 224);
    this.tap?.(packetFrame(from.mac, source, destination, bytes, ttl), this.world.nowUs);
    if (this.losesReleases && bytes[PRIORITY_OFFSET] === PRIORITY_RELEASE) {
      const way = `${formatHex(source)} ${formatHex(destination)}`;
      const count = this.releases.get(way) ?? 0;
      this.releases.set(way, count + 1);
      if (count % 2 === 0) return;
    }
    const packet = { bytes, start: 0, end: bytes.length, source, destination, protocol: VRRP_PROTOCOL, ttl };
    this.spread(from, (to) => {
      if (isMulticast || to.hasAddress(destination)) to.receivePacket(packet);
    });
  }

  /** An ARP or neighbour discovery frame. */
  sendFrame(from: Port, frame: Uint8Array): void {
    this.tap?.(frame, this.world.nowUs);
    const arp = parseArpFrame(frame);
    if (arp !== null) {
      if (typeof arp !== 'string') this.sendArp(from, arp);
      return;
    }
    const message = parseNeighborFrame(frame);
    if (message === null || typeof message === 'string') return;
    if (message.kind === 'advertisement') {
      const mac = message.targetMac ?? from.mac;
      this.spread(from, (to) => to.receiveNeighbor(message.target, mac));
      return;
    }
    this.spread(from, (to) => {
      if (!to.hasAddress(message.target)) return;
      const mac = to.macOf(message.target);
      const answer = {
        kind: 'advertisement',
        target: message.target,
        isRouter: false,
        isSolicited: false,
        isOverride: true,
        targetMac: mac,
      } as const;
      this.tap?.(neighborFrame(answer, { source: message.target, destination: ALL_NODES }, mac), this.world.nowUs);
      this.carry(to, from, () => from.receiveNeighbor(message.target, mac));
    });
  }

  private sendArp(from: Port, arp: ArpPacket): void {
    const isClaim = arp.senderIp.some((byte) => byte !== 0);
    this.spread(from, (to) => {
      if (isClaim) to.receiveNeighbor(arp.senderIp, arp.senderMac);
      if (arp.operation !== ARP_REQUEST || equalBytes(arp.senderIp, arp.targetIp) || !to.hasAddress(arp.targetIp))
        return;
      const reply: ArpPacket = {
        operation: ARP_REPLY,
        senderMac: to.macOf(arp.targetIp),
        senderIp: arp.targetIp,
        targetMac: arp.senderMac,
        targetIp: arp.senderIp,
      };
      this.tap?.(arpFrame(reply), this.world.nowUs);
      this.carry(to, from, () => from.receiveNeighbor(reply.senderIp, reply.senderMac));
    });
  }

  private spread(from: Port, deliver: (to: Port) => void): void {
    for (const to of this.ports) if (to !== from) this.carry(from, to, () => deliver(to));
  }

  private isCut(from: Port, to: Port): boolean {
    return this.cuts.has(this.ports.indexOf(from) * 256 + this.ports.indexOf(to));
  }

  private carry(from: Port, to: Port, deliver: () => void): void {
    const { random } = this.world;
    if (this.cuts.size > 0 && this.isCut(from, to)) return;
    const { loss, duplication, delayUsMin, delayUsMax } = this.quality;
    if (loss > 0 && random.unit() < loss) return;
    const copies = duplication > 0 && random.unit() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.world.at(this.world.nowUs + this.world.between(delayUsMin, delayUsMax), deliver);
    }
  }
}

/** The packet as a frame, for a capture. */
function packetFrame(
  mac: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  payload: Uint8Array,
  ttl: number,
): Uint8Array {
  const isV4 = source.length === 4;
  const isMulticast = isV4 ? destination[0] >= 224 : destination[0] === 0xff;
  const toMac = isMulticast
    ? multicastMac(destination)
    : Uint8Array.of(2, 0, 0, 0, 0xff, destination[destination.length - 1]);
  const headerBytes = isV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + headerBytes + payload.length);
  const etherType = isV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
  const at = emitEthernet({ destination: toMac, source: mac, etherType }, frame, 0);
  const shared = { source, destination, trafficClass: TRAFFIC_CLASS_CONTROL };
  const payloadAt = isV4
    ? emitIpv4({ ...shared, protocol: VRRP_PROTOCOL, ttl, identification: 0 }, payload.length, frame, at)
    : emitIpv6({ ...shared, nextHeader: VRRP_PROTOCOL, hopLimit: ttl }, payload.length, frame, at);
  frame.set(payload, payloadAt);
  return frame;
}
