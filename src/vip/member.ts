/**
 * One virtual router on its segment: turns what comes in into events for the machine of core/vrrp, and its actions into
 * adverts, frames and addresses. It decides nothing that the machine decides.
 */
import { assert } from '../base/assert.ts';
import { formatIP } from '../base/address.ts';
import { equalBytes, formatHex } from '../base/bytes.ts';
import type { RouterAction, RouterEvent } from '../core/vrrp/events.ts';
import { FloodGate } from '../core/vrrp/flood-gate.ts';
import { GatewayGuard } from '../core/vrrp/gateway.ts';
import { PeerTable } from '../core/vrrp/peers.ts';
import { AdvertReceiver, hasAddress } from '../core/vrrp/receiver.ts';
import { RefusalDigest } from '../core/vrrp/refusal-digest.ts';
import { VirtualRouter } from '../core/vrrp/router.ts';
import { AdvertSender } from '../core/vrrp/sender.ts';
import { OwnAddress } from '../core/vrrp/own-address.ts';
import {
  type Attachment,
  type AttachmentHandler,
  type AttachRequest,
  NARROW_SAMPLE,
  type Routing,
  STRANGER_SAMPLE,
  type SegmentHost,
  type SegmentPacket,
  type SourceLoss,
} from '../port/segment.ts';
import { virtualMac, VRRP_TTL } from '../wire/vrrp/advert.ts';
import { announcementFrames, neighborQuestion, probeFrame, rivalFrame } from './frames.ts';
import { advertSettings, attachRequests, GUARD_GATEWAY, ipBytes, routerSettings } from './requests.ts';
import type { Legacy } from './legacy.ts';
import { addressText, isSamePlan, type VirtualRouterPlan } from './plan.ts';
import { type GuardStatus, type RouterStatus, restraintStatus, type VipListener } from './status.ts';

/** Addresses of one family on one interface. The first one is that of the router, where adverts are sent and heard too. */
interface Place {
  readonly request: AttachRequest;
  readonly attachment: Attachment;
  readonly addresses: readonly Uint8Array[];
}

/** Whoever answers for an address as fast as it can must not have this machine ask as fast. */
const PEERS_GAP_US = 1_000_000;
/** Nobody is a stranger before a router has listened for so many of its intervals, or has heard somebody with the key. */
const STRANGERS_INTERVALS = 10;

export class VipMember implements AttachmentHandler {
  plan: VirtualRouterPlan;
  readonly machine: VirtualRouter;
  private readonly host: SegmentHost;
  private readonly listener: VipListener;
  /** To be called after the machine handled something. */
  private readonly afterEvent: (member: VipMember) => void;
  private gatewayAddress: Uint8Array | null;
  private readonly receiver: AdvertReceiver;
  private readonly sender: AdvertSender;
  private readonly refusals: RefusalDigest;
  private readonly gate = new FloodGate(NARROW_SAMPLE);
  /** Of forgeries, which no filter can tell: of senders that never sent anything right. */
  private readonly strangers = new FloodGate(STRANGER_SAMPLE);
  private beganUs = Number.POSITIVE_INFINITY;
  private readonly peers = new PeerTable();
  private places: readonly Place[];
  private readonly attachment: Attachment;
  private readonly routing: Routing;
  /** Of the tracked interfaces, by their name. */
  private readonly seen = new Map<string, { readonly detail: string; readonly atUs: number }>();
  /** What ends following them. */
  private readonly followed = new Map<string, () => void>();
  /** Who answered for an address, and is no peer's as far as is known: the peers are being asked. */
  private unnamed: { readonly address: Uint8Array; readonly mac: Uint8Array } | null = null;
  private askedPeersUs = Number.NEGATIVE_INFINITY;
  private hasBegun = false;
  private gateway: GatewayGuard | null = null;
  private readonly own = new OwnAddress();
  private source: Uint8Array | null = null;
  private sent = 0;
  private unsent = 0;
  /** Why adverts did not leave, of which the machine was told nothing yet; null: they did; undefined: nothing new. */
  private sending: string | null | undefined = undefined;
  private isMuted = false;

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
    this.gatewayAddress = plan.guard.gateway === null ? null : ipBytes(plan.guard.gateway);
    const adverts = advertSettings(plan);
    for (const peer of adverts.unicast?.peers ?? []) this.peers.expect(peer);
    this.receiver = new AdvertReceiver(adverts);
    this.refusals = new RefusalDigest(this.receiver.refused);
    this.sender = new AdvertSender(adverts);
    this.places = attachRequests(plan).map((request) => this.attach(request));
    this.attachment = this.places[0].attachment;
    this.routing = host.attachRouting(plan);
    this.followInterfaces();
  }

  /**
   * Goes by this plan of the same router from now on. What it holds no more is gone when this returns; `settle` follows, when
   * all routers have done this: an address may go from one to another.
   */
  apply(plan: VirtualRouterPlan): void {
    const { plan: before, host } = this;
    this.plan = plan;
    const adverts = advertSettings(plan);
    for (const peer of adverts.unicast?.peers ?? []) this.peers.expect(peer);
    this.receiver.apply(adverts);
    this.sender.apply(adverts);
    this.routing.apply(plan);
    this.move(attachRequests(plan));
    this.followInterfaces();
    const gone = heldAddresses(before).filter((address) => !heldAddresses(plan).includes(address));
    const hadThem = this.machine.isHolding || this.machine.isLingering;
    if (hadThem && gone.length > 0) this.listener.handleEndConnections(plan.name, gone);
    if (before.guard.gateway === plan.guard.gateway && before.intervalUs === plan.intervalUs) return;
    this.gatewayAddress = plan.guard.gateway === null ? null : ipBytes(plan.guard.gateway);
    const isAsked = this.hasBegun && this.gatewayAddress !== null;
    this.gateway = isAsked ? new GatewayGuard(plan.intervalUs, host.nowUs) : null;
  }

  /** After `apply`: `before` is the plan until then. */
  settle(before: VirtualRouterPlan): void {
    const { plan } = this;
    const hasOtherAddresses = !isSamePlan(heldBy(before), heldBy(plan));
    this.send({ kind: 'settings', settings: routerSettings(plan), hasOtherAddresses });
  }

  start({ lastAdvertUs, restraint, followedUs = null }: Legacy): void {
    const { nowUs } = this.host;
    this.hasBegun = true;
    this.beganUs = nowUs;
    const isSuccessor = lastAdvertUs !== null;
    const hasLeftovers = !isSuccessor && this.places.every(({ attachment }) => attachment.hasLeftovers);
    if (!isSuccessor) this.routing.begin(false);
    for (const { attachment } of this.places) attachment.begin(isSuccessor || hasLeftovers);
    if (isSuccessor) this.routing.begin(true);
    if (this.gatewayAddress !== null) this.gateway = new GatewayGuard(this.plan.intervalUs, nowUs);
    this.send({ kind: 'start', lastAdvertUs, restraint, hasLeftovers, followedUs });
    // Too late to go on as the predecessor, whose addresses were kept for that.
    if (lastAdvertUs !== null && !this.machine.isHolding) this.drop();
  }

  get deadlineUs(): number {
    const gatewayUs = this.gateway?.deadlineUs ?? Number.POSITIVE_INFINITY;
    const { machine, own, refusals, gate, strangers } = this;
    const gatesUs = Math.min(gate.deadlineUs, strangers.deadlineUs, gatewayUs);
    return Math.min(machine.deadlineUs, own.deadlineUs, refusals.deadlineUs, gatesUs);
  }

  tick(nowUs: number): void {
    if (this.gateway !== null && nowUs >= this.gateway.deadlineUs) this.runGateway(this.gateway, nowUs);
    if (this.own.tick(nowUs)) this.tellSource();
    for (const event of this.refusals.tick(nowUs)) this.send(event);
    this.runGates(nowUs);
    if (nowUs >= this.machine.deadlineUs) this.send({ kind: 'tick' });
  }

  /** Gives the machine an event and does what it wants. */
  send(event: RouterEvent): void {
    this.perform(this.machine.handle(event, this.host.nowUs));
    if (this.sending !== undefined) {
      const problem = this.sending;
      this.sending = undefined;
      this.perform(this.machine.handle({ kind: 'sending', problem }, this.host.nowUs));
    }
    this.afterEvent(this);
  }

  perform(actions: readonly RouterAction[]): void {
    for (const action of actions) this.performOne(action);
  }

  /** Leaves the segment; to be called once the machine has stopped. */
  close(): void {
    assert(this.machine.state === 'initialize', 'closed while running');
    this.gateway = null;
    for (const end of this.followed.values()) end();
    this.routing.close();
    for (const { attachment } of this.places) attachment.close();
  }

  // --- places and interfaces ---

  private attach(request: AttachRequest): Place {
    const attachment = this.host.attach(request, request.adverts === null ? this.elsewhere : this);
    if (this.hasBegun) attachment.begin(false);
    return { ...placeOf(request), attachment };
  }

  private move(requests: readonly AttachRequest[]): void {
    const former = this.places;
    for (const { request, attachment } of former) {
      if (!requests.some((each) => isSamePlace(each, request))) attachment.close();
    }
    this.places = requests.map((request) => {
      const place = former.find((each) => isSamePlace(each.request, request));
      if (place === undefined) return this.attach(request);
      if (!isSamePlan(place.request, request)) place.attachment.apply(request);
      return { ...placeOf(request), attachment: place.attachment };
    });
  }

  private followInterfaces(): void {
    const { host, followed, seen } = this;
    const wanted = new Set(this.plan.tracked.flatMap(({ interfaceName }) => interfaceName ?? []));
    for (const [name, end] of followed) {
      if (wanted.has(name)) continue;
      end();
      followed.delete(name);
      seen.delete(name);
    }
    for (const name of wanted) {
      if (followed.has(name)) continue;
      const end = host.watchInterface(name, (isUp, detail) => {
        seen.set(name, { detail, atUs: host.nowUs });
        this.plan.tracked.forEach(({ interfaceName }, index) => {
          if (interfaceName === name) this.send({ kind: 'tracked', index, isUp });
        });
      });
      followed.set(name, end);
    }
  }

  // --- from the segment ---

  handleSource(source: Uint8Array | SourceLoss): void {
    if (this.own.handle(source, this.host.nowUs)) this.tellSource();
  }

  handleMacChanged(): void {
    this.send({ kind: 'mac-changed' });
  }

  handlePacket(packet: SegmentPacket): void {
    const { receiver } = this;
    const { misshapen, forged } = receiver;
    const advert = receiver.receive(packet, this.source, this.host.unixUs);
    if (typeof advert === 'string') {
      const { nowUs } = this.host;
      this.refusals.note(advert, packet.source, nowUs, receiver.staleLeadUs);
      if (receiver.misshapen !== misshapen) this.gate.count(nowUs);
      if (receiver.forged !== forged && this.knowsItsPeers(nowUs)) this.strangers.count(nowUs);
      return;
    }
    // One that began to send, or has another address now.
    if (receiver.admitted !== null && !hasAddress(receiver.admitted, advert.source)) this.filter(this.host.nowUs);
    this.sender.mirror(advert.source, this.receiver.lastForm);
    this.peers.heard(advert, this.host.nowUs);
    this.send({ kind: 'advert', advert });
  }

  /** Who is active has been heard, if anybody is. */
  private knowsItsPeers(nowUs: number): boolean {
    return this.receiver.hasSenders || nowUs - this.beganUs >= STRANGERS_INTERVALS * this.plan.intervalUs;
  }

  private runGates(nowUs: number): void {
    const { gate, strangers, receiver } = this;
    const wanted = [gate.tick(nowUs), strangers.tick(nowUs)];
    if (wanted.some((each) => each !== null) && this.filter(nowUs) && wanted.includes('narrow')) {
      this.send({ kind: 'flood' });
    }
    receiver.weight = Math.max(gate.weight, strangers.state === 'narrow' ? NARROW_SAMPLE : 1);
    receiver.strangerWeight = strangers.weight;
  }

  /** Tells the kernel how the gates are. False: it does not take it, and they are open. */
  private filter(nowUs: number): boolean {
    const { gate, strangers, receiver, attachment } = this;
    const senders = strangers.state === 'open' ? null : receiver.senders;
    const isNarrow = senders !== null || gate.state !== 'open';
    receiver.admitted = senders;
    if (attachment.narrow(isNarrow ? { senders } : null)) return true;
    receiver.admitted = null;
    gate.handleFailure(nowUs);
    strangers.handleFailure(nowUs);
    return false;
  }

  handleNeighbor(address: Uint8Array, mac: Uint8Array): void {
    if (this.gateway !== null && this.gatewayAddress !== null && equalBytes(address, this.gatewayAddress)) {
      this.gateway.handleAnswer(this.host.nowUs);
      this.tellGateway(this.gateway);
    }
    if (this.isOwnMac(mac)) return;
    this.peers.handleMac(address, mac);
    const isOurs = this.places.some(({ addresses }) => addresses.some((each) => equalBytes(each, address)));
    if (isOurs) this.tellAnswer(address, mac);
    else if (this.unnamed !== null && this.findPeer(this.unnamed.mac) !== null)
      this.tellAnswer(this.unnamed.address, this.unnamed.mac);
  }

  private tellAnswer(address: Uint8Array, mac: Uint8Array): void {
    const peer = this.findPeer(mac);
    this.unnamed = null;
    if (peer === null && this.source !== null && this.machine.isHolding) {
      this.unnamed = { address: address.slice(), mac: mac.slice() };
      if (this.host.nowUs - this.askedPeersUs >= PEERS_GAP_US) this.askPeers(this.source);
    }
    this.send({ kind: 'address-answered', address: formatIP(address), by: formatHex(mac, ':'), peer });
  }

  handleAddressRemoved(address: Uint8Array): void {
    this.send({ kind: 'address-removed', address: formatIP(address) });
  }

  /** From places where no adverts are. */
  private readonly elsewhere: AttachmentHandler = {
    handleSource: () => undefined,
    handleMacChanged: () => this.handleMacChanged(),
    handlePacket: () => undefined,
    handleNeighbor: (address, mac) => this.handleNeighbor(address, mac),
    handleAddressRemoved: (address) => this.handleAddressRemoved(address),
  };

  private tellSource(): void {
    const { account } = this.own;
    const isThere = typeof account !== 'string';
    this.source = isThere ? account : null;
    this.send({ kind: 'source', address: this.source, ...(isThere ? {} : { reason: account }) });
  }

  // --- to the segment ---

  private performOne(action: RouterAction): void {
    const { plan, places } = this;
    switch (action.kind) {
      case 'send-advert':
        this.sendAdvert(action.priority);
        break;
      case 'hold-addresses':
        for (const { attachment } of places) attachment.hold(action.lifetimeS);
        this.routing.hold();
        break;
      case 'drop-addresses':
        this.drop();
        break;
      case 'conceal-addresses':
        for (const { attachment } of places) attachment.conceal(action.lifetimeS);
        break;
      case 'end-connections':
        this.listener.handleEndConnections(plan.name, heldAddresses(plan));
        break;
      case 'relay':
        this.relay(action.to);
        break;
      case 'end-relay':
        this.attachment.endRelay();
        break;
      case 'announce':
        for (const place of places) this.announce(place);
        break;
      case 'probe':
        if (this.source !== null) this.probe(this.source);
        break;
      case 'ask-serving':
        this.listener.handleAskServing(plan.name);
        break;
      case 'restraint': {
        const { restraint, end } = action;
        this.listener.handleRestraint({ router: plan.name, restraint: restraintStatus(restraint), end });
        break;
      }
      case 'change': {
        const { from, to, cause, detail, severity } = action;
        const { priority } = this.machine;
        const { nowUs: atUs } = this.host;
        this.listener.handleChange({ router: plan.name, from, to, cause, detail, severity, atUs, priority });
        break;
      }
      case 'evidence':
        this.listener.handleEvidence(plan.name, action.evidence);
        break;
    }
  }

  private drop(): void {
    this.routing.drop();
    for (const { attachment } of this.places) attachment.drop();
  }

  private announce({ request, attachment, addresses }: Place): void {
    const { hasVirtualMac, family, virtualRouterId } = request;
    const mac = hasVirtualMac ? virtualMac(family, virtualRouterId) : attachment.mac;
    for (const address of addresses) {
      for (const frame of announcementFrames(address, mac, attachment.isForwarding)) attachment.sendFrame(frame);
    }
  }

  private relay(to: Uint8Array): void {
    const { plan, places } = this;
    // A peer behind a router would have it sent back to here.
    if (plan.unicast !== null && plan.unicast.ttlMin !== VRRP_TTL) return;
    const all = places.flatMap(({ addresses }) => addresses);
    // An owner of the addresses sends from one of them, and cannot be reached by it any more.
    if (all.some((address) => equalBytes(address, to))) return;
    this.attachment.relay(
      to,
      all.filter(({ length }) => length === to.length),
    );
  }

  private sendAdvert(priority: number): void {
    const { sender } = this;
    const source = this.own.sendable;
    // A release on the loss of the interface has nowhere to go.
    if (source === null) return;
    let problem: string | null = null;
    let isSent = false;
    for (let i = 0; i < sender.destinations.length; i++) {
      const payload = sender.payload(priority, i, source, this.host.unixUs);
      const failure = this.attachment.sendAdvert(source, sender.destinations[i], payload);
      if (failure === null) isSent = true;
      else problem = failure;
    }
    if (isSent) this.sent++;
    if (problem !== null) this.unsent++;
    if (isSent && !this.isMuted) return;
    this.isMuted = !isSent;
    this.sending = isSent ? null : problem;
  }

  private probe(source: Uint8Array): void {
    const { mac } = this.attachment;
    if (this.machine.isHolding) {
      // One of them is enough to find a rival. As anybody would ask: the answer comes here and turns nobody else's cache.
      this.attachment.sendFrame(rivalFrame(this.places[0].addresses[0], source, mac));
      return;
    }
    this.askPeers(source);
    for (const { attachment, addresses } of this.places) {
      for (const address of addresses) attachment.sendFrame(probeFrame(address, attachment.mac));
    }
  }

  /** Whose the MAC addresses are: see `findPeer`. */
  private askPeers(source: Uint8Array): void {
    const { attachment, peers } = this;
    this.askedPeersUs = this.host.nowUs;
    for (const peer of peers.sources()) attachment.sendFrame(neighborQuestion(peer, source, attachment.mac));
  }

  /** The address of the peer whose machine has that MAC address, or whose the virtual one may be; null: a stranger's. */
  private findPeer(mac: Uint8Array): string | null {
    const { family, virtualRouterId } = this.plan;
    return equalBytes(mac, virtualMac(family, virtualRouterId)) ? this.peers.last : this.peers.findByMac(mac);
  }

  private runGateway(gateway: GatewayGuard, nowUs: number): void {
    const shouldAsk = gateway.tick(nowUs);
    if (shouldAsk && this.source !== null && this.gatewayAddress !== null) {
      this.attachment.sendFrame(neighborQuestion(this.gatewayAddress, this.source, this.attachment.mac));
    }
    this.tellGateway(gateway);
  }

  private tellGateway(gateway: GatewayGuard): void {
    const { passes } = gateway;
    if (passes === null || passes === this.machine.guards.get(GUARD_GATEWAY)) return;
    this.send({ kind: 'guard', name: GUARD_GATEWAY, passes });
  }

  private isOwnMac(mac: Uint8Array): boolean {
    const { plan } = this;
    if (this.places.some(({ attachment }) => equalBytes(mac, attachment.mac))) return true;
    // The virtual MAC is whoever holds the addresses.
    if (!plan.hasVirtualMac || !this.machine.isHolding) return false;
    return equalBytes(mac, virtualMac(plan.family, plan.virtualRouterId));
  }

  /** When it sent its last advert; null: it does not hold its addresses. */
  get lastAdvertUs(): number | null {
    return this.machine.isHolding ? this.machine.lastAdvertUs : null;
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
      addresses: plan.addresses.map(addressText),
      excluded: plan.excluded.map(addressText),
      routes: plan.routes.map(({ text }, i) => ({ text, problem: this.routing.problems[i] })),
      rules: plan.rules.map(({ text }, i) => ({ text, problem: this.routing.problems[plan.routes.length + i] })),
      lastAdvertUs: Number.isFinite(machine.lastAdvertUs) ? machine.lastAdvertUs : null,
      peers: this.peers.list(),
      activePeer: activePeer(machine),
      restraint: restraintStatus(machine.restraint),
      claim: claimOf(machine),
      isContested: machine.isContested,
      tracked: machine.tracking.list().map(({ name, weight, isUp }, i) => {
        return { name, weight, isUp, seen: this.seen.get(plan.tracked[i].interfaceName ?? '') ?? null };
      }),
      guards: Array.from(machine.guards, ([name, passes]) => this.guardStatus(name, passes)),
      adverts: { sent: this.sent, unsent: this.unsent, accepted: receiver.accepted, refused: { ...receiver.refused } },
      observed: machine.observer.totals(),
    };
  }

  private guardStatus(name: string, passes: boolean): GuardStatus {
    const isGateway = name === GUARD_GATEWAY;
    const answeredUs = isGateway ? (this.gateway?.lastAnswerUs ?? null) : null;
    return { name, passes, target: isGateway ? this.plan.guard.gateway : null, answeredUs };
  }
}

function placeOf(request: AttachRequest): Omit<Place, 'attachment'> {
  return { request, addresses: request.addresses.map(({ address }) => address) };
}

function heldBy({ addresses, excluded, routes, rules }: VirtualRouterPlan): readonly unknown[] {
  return [addresses, excluded, routes, rules];
}

function heldAddresses({ addresses, excluded }: VirtualRouterPlan): string[] {
  return [...addresses, ...excluded].map(({ address }) => address);
}

function isSamePlace(a: AttachRequest, b: AttachRequest): boolean {
  return a.interfaceName === b.interfaceName && a.family === b.family;
}

function activePeer({ followedSource }: VirtualRouter): string | null {
  return followedSource === null ? null : formatIP(followedSource);
}

function claimOf({ closedGate, occupant }: VirtualRouter): RouterStatus['claim'] {
  return closedGate === null ? null : { gate: closedGate, occupant };
}
