/**
 * One virtual router on its segment: turns what comes in into events for the machine of core/vrrp, and its actions into
 * adverts, frames and addresses. It decides nothing that the machine decides.
 */
import { assert } from '../base/assert.ts';
import { formatIP, parseIPv4, parseIPv6 } from '../base/address.ts';
import { equalBytes, formatHex, parseHex } from '../base/bytes.ts';
import type { RouterAction, RouterEvent } from '../core/vrrp/events.ts';
import { GatewayGuard } from '../core/vrrp/gateway.ts';
import { PeerTable } from '../core/vrrp/peers.ts';
import { AdvertReceiver } from '../core/vrrp/receiver.ts';
import { VirtualRouter } from '../core/vrrp/router.ts';
import { AdvertSender } from '../core/vrrp/sender.ts';
import type { AdvertSettings, RouterSettings } from '../core/vrrp/settings.ts';
import type { Attachment, AttachmentHandler, AttachRequest, SegmentHost, SegmentPacket } from '../port/segment.ts';
import { passwordData, virtualMac, VRRP_TTL } from '../wire/vrrp/advert.ts';
import { TrailerKey } from '../wire/vrrp/trailer.ts';
import { announcementFrames, gatewayFrame, probeFrame } from './frames.ts';
import type { VirtualRouterPlan } from './plan.ts';
import type { RouterStatus, VipListener } from './status.ts';

export const GUARD_GATEWAY = 'gateway';
export const GUARD_WITNESSES = 'witnesses';

export class VipMember implements AttachmentHandler {
  readonly plan: VirtualRouterPlan;
  readonly machine: VirtualRouter;
  private readonly host: SegmentHost;
  private readonly listener: VipListener;
  /** To be called after the machine handled something. */
  private readonly afterEvent: (member: VipMember) => void;
  private readonly addresses: readonly Uint8Array[];
  private readonly gatewayAddress: Uint8Array | null;
  private readonly receiver: AdvertReceiver;
  private readonly sender: AdvertSender;
  private readonly peers = new PeerTable();
  private readonly attachment: Attachment;
  /** Of the tracked interfaces, by their index. */
  private readonly seen = new Map<number, { readonly detail: string; readonly atUs: number }>();
  private gateway: GatewayGuard | null = null;
  private source: Uint8Array | null = null;
  private sent = 0;

  constructor(
    plan: VirtualRouterPlan,
    host: SegmentHost,
    listener: VipListener,
    afterEvent: (member: VipMember) => void,
  ) {
    this.plan = plan;
    this.host = host;
    this.listener = listener;
    this.afterEvent = afterEvent;
    this.machine = new VirtualRouter(routerSettings(plan));
    this.addresses = plan.addresses.map(({ address }) => ipBytes(address));
    this.gatewayAddress = plan.guard.gateway === null ? null : ipBytes(plan.guard.gateway);
    const adverts = advertSettings(plan);
    this.receiver = new AdvertReceiver(adverts);
    this.sender = new AdvertSender(adverts);
    this.attachment = host.attach(attachRequest(plan), this);
    plan.tracked.forEach(({ interfaceName }, index) => {
      if (interfaceName === null) return;
      host.watchInterface(interfaceName, (isUp, detail) => {
        this.seen.set(index, { detail, atUs: host.nowUs });
        this.send({ kind: 'tracked', index, isUp });
      });
    });
  }

  /** `lastAdvertUs`: see RouterEvent. */
  start(lastAdvertUs: number | null): void {
    const { nowUs } = this.host;
    this.attachment.begin(lastAdvertUs !== null);
    if (this.gatewayAddress !== null) this.gateway = new GatewayGuard(this.plan.intervalUs, nowUs);
    this.send({ kind: 'start', lastAdvertUs });
    // Too late to go on as the predecessor, whose addresses were kept for that.
    if (lastAdvertUs !== null && !this.machine.isHolding) this.attachment.drop();
  }

  get deadlineUs(): number {
    return Math.min(this.machine.deadlineUs, this.gateway?.deadlineUs ?? Number.POSITIVE_INFINITY);
  }

  tick(nowUs: number): void {
    if (this.gateway !== null && nowUs >= this.gateway.deadlineUs) this.runGateway(this.gateway, nowUs);
    if (nowUs >= this.machine.deadlineUs) this.send({ kind: 'tick' });
  }

  /** Gives the machine an event and does what it wants. */
  send(event: RouterEvent): void {
    this.perform(this.machine.handle(event, this.host.nowUs));
    this.afterEvent(this);
  }

  perform(actions: readonly RouterAction[]): void {
    for (const action of actions) this.performOne(action);
  }

  /** Leaves the segment; to be called once the machine has stopped. */
  close(): void {
    assert(this.machine.state === 'initialize', 'closed while running');
    this.gateway = null;
    this.attachment.close();
  }

  // --- from the segment ---

  handleSource(source: Uint8Array | null): void {
    this.source = source === null ? null : source.slice();
    this.send({ kind: 'source', address: this.source });
  }

  handlePacket(packet: SegmentPacket): void {
    const advert = this.receiver.receive(packet, this.source, this.host.unixUs);
    if (typeof advert === 'string') {
      this.send({ kind: 'refused', reason: advert, from: formatIP(packet.source) });
      return;
    }
    this.sender.mirror(advert.source, this.receiver.lastForm);
    this.peers.heard(advert, this.host.nowUs);
    this.send({ kind: 'advert', advert });
  }

  handleNeighbor(address: Uint8Array, mac: Uint8Array): void {
    if (this.gateway !== null && this.gatewayAddress !== null && equalBytes(address, this.gatewayAddress)) {
      this.gateway.handleAnswer(this.host.nowUs);
      this.tellGateway(this.gateway);
    }
    if (!this.addresses.some((each) => equalBytes(each, address)) || this.isOwnMac(mac)) return;
    this.send({ kind: 'address-answered', by: formatHex(mac, ':') });
  }

  handleAddressRemoved(address: Uint8Array): void {
    this.send({ kind: 'address-removed', address: formatIP(address) });
  }

  // --- to the segment ---

  private performOne(action: RouterAction): void {
    const { plan, attachment, source } = this;
    switch (action.kind) {
      case 'send-advert':
        this.sendAdvert(action.priority);
        break;
      case 'hold-addresses':
        attachment.hold(action.lifetimeS);
        break;
      case 'drop-addresses':
        attachment.drop();
        break;
      case 'conceal-addresses':
        attachment.conceal(action.lifetimeS);
        break;
      case 'relay':
        // A peer behind a router would have it sent back to here.
        if (plan.unicast === null || plan.unicast.ttlMin === VRRP_TTL) attachment.relay(action.to);
        break;
      case 'end-relay':
        attachment.endRelay();
        break;
      case 'announce': {
        const mac = plan.hasVirtualMac ? virtualMac(plan.family, plan.virtualRouterId) : attachment.mac;
        for (const address of this.addresses) {
          for (const frame of announcementFrames(address, mac, attachment.isForwarding)) attachment.sendFrame(frame);
        }
        break;
      }
      case 'probe':
        if (source === null) break;
        for (const address of this.addresses) attachment.sendFrame(probeFrame(address, attachment.mac));
        break;
      case 'change': {
        const { from, to, cause, detail } = action;
        this.listener.handleChange({ router: plan.name, from, to, cause, detail, atUs: this.host.nowUs });
        break;
      }
      case 'evidence':
        this.listener.handleEvidence(plan.name, action.evidence);
        break;
    }
  }

  private sendAdvert(priority: number): void {
    const { source, sender } = this;
    // A release on the loss of the interface has nowhere to go.
    if (source === null) return;
    for (let i = 0; i < sender.destinations.length; i++) {
      const payload = sender.payload(priority, i, source, this.host.unixUs);
      this.attachment.sendAdvert(source, sender.destinations[i], payload);
    }
    this.sent++;
  }

  private runGateway(gateway: GatewayGuard, nowUs: number): void {
    const shouldAsk = gateway.tick(nowUs);
    if (shouldAsk && this.source !== null && this.gatewayAddress !== null) {
      this.attachment.sendFrame(gatewayFrame(this.gatewayAddress, this.source, this.attachment.mac));
    }
    this.tellGateway(gateway);
  }

  private tellGateway(gateway: GatewayGuard): void {
    const passes = gateway.passes === true;
    if (passes === this.machine.guards.get(GUARD_GATEWAY)) return;
    this.send({ kind: 'guard', name: GUARD_GATEWAY, passes });
  }

  private isOwnMac(mac: Uint8Array): boolean {
    const { plan } = this;
    if (equalBytes(mac, this.attachment.mac)) return true;
    // The virtual MAC is whoever holds the addresses.
    if (!plan.hasVirtualMac || !this.machine.isHolding) return false;
    return equalBytes(mac, virtualMac(plan.family, plan.virtualRouterId));
  }

  // --- for people ---

  status(): RouterStatus {
    const { plan, machine, receiver } = this;
    return {
      name: plan.name,
      state: machine.state,
      sinceUs: machine.sinceUs,
      nowUs: this.host.nowUs,
      priority: machine.priority,
      fault: machine.fault,
      interfaceName: plan.interfaceName,
      source: this.source === null ? null : formatIP(this.source),
      addresses: plan.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      lastAdvertUs: Number.isFinite(machine.lastAdvertUs) ? machine.lastAdvertUs : null,
      peers: this.peers.list(),
      tracked: machine.tracking.list().map(({ name, weight, isUp }, i) => {
        return { name, weight, isUp, seen: this.seen.get(i) ?? null };
      }),
      guards: Object.fromEntries(machine.guards),
      adverts: { sent: this.sent, accepted: receiver.accepted, refused: { ...receiver.refused } },
      observed: machine.observer.totals(),
    };
  }
}

function routerSettings(plan: VirtualRouterPlan): RouterSettings {
  const { guard } = plan;
  return {
    version: plan.version,
    priority: plan.priority,
    intervalUs: plan.intervalUs,
    preempt: plan.preempt,
    preemptDelayUs: plan.preemptDelayUs,
    startDelayUs: plan.startDelayUs,
    guards: [...(guard.gateway === null ? [] : [GUARD_GATEWAY]), ...(guard.hasWitnesses ? [GUARD_WITNESSES] : [])],
    probesAddresses: guard.probesAddresses,
    isGrouped: plan.group !== null,
    hasVirtualMac: plan.hasVirtualMac,
    tracked: plan.tracked,
  };
}

export function attachRequest(plan: VirtualRouterPlan): AttachRequest {
  return {
    interfaceName: plan.interfaceName,
    family: plan.family,
    virtualRouterId: plan.virtualRouterId,
    hasVirtualMac: plan.hasVirtualMac,
    addresses: plan.addresses.map(({ address, prefixLength }) => ({ address: ipBytes(address), prefixLength })),
    source: plan.source === null ? null : ipBytes(plan.source),
    isMulticast: plan.unicast === null,
  };
}

export function advertSettings(plan: VirtualRouterPlan): AdvertSettings {
  const { unicast } = plan;
  return {
    family: plan.family,
    version: plan.version,
    virtualRouterId: plan.virtualRouterId,
    intervalUs: plan.intervalUs,
    addresses: plan.addresses.map(({ address }) => ipBytes(address)),
    unicast: unicast === null ? null : { peers: unicast.peers.map(ipBytes), ttlMin: unicast.ttlMin },
    checksum: plan.checksum,
    password: plan.password === null ? null : passwordData(plan.password),
    keys: plan.keys.length === 0 ? null : plan.keys.map(({ id, secret }) => new TrailerKey(id, hexBytes(secret))),
  };
}

function ipBytes(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  assert(bytes !== null, 'a plan has valid addresses');
  return bytes;
}

function hexBytes(text: string): Uint8Array {
  const bytes = parseHex(text);
  assert(bytes !== null, 'a plan has valid keys');
  return bytes;
}
