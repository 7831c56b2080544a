/**
 * A simulated machine: a kernel with addresses that have a life, network interfaces, clocks that drift, and a process that
 * runs the production driver and can be killed, frozen, or slow.
 */
import { equalBytes, formatHex } from '../../src/base/bytes.ts';
import type { Evidence } from '../../src/core/vrrp/observer.ts';
import type { State } from '../../src/core/vrrp/states.ts';
import type {
  AttachmentHandler,
  Attachment,
  AttachRequest,
  InterfaceHandler,
  Routing,
  SegmentHost,
  SegmentPacket,
  SourceLoss,
  VirtualAddress,
} from '../../src/port/segment.ts';
import { VipOwner } from '../../src/vip/owner.ts';
import type { VipPlan } from '../../src/vip/plan.ts';
import { mayYield, yieldsByUs } from '../../src/vip/yielding.ts';
import type { RestraintStatus, RoleChange } from '../../src/vip/status.ts';
import { PRIORITY_RELEASE, virtualMac } from '../../src/wire/vrrp/advert.ts';
import { type Network, type Port, PRIORITY_OFFSET } from './network.ts';
import type { World } from './world.ts';

/** What a socket's buffer keeps for a process that does not run. */
const INBOX_MAX = 256;
/** The kernel removes an address up to this long after the end of its life. */
const EXPIRY_SLACK_US = 200_000;

const NO_ROUTING: Routing = {
  problems: [],
  begin: () => undefined,
  hold: () => undefined,
  drop: () => undefined,
  apply: () => undefined,
  close: () => undefined,
};

/** What adverts may be apart over an upgrade, in intervals. */
const APART_MAX = 1.2;
/** How long the process that stands by takes to go on, beyond its usual latency. */
const SUCCESSION_US_MAX = 5_000;

/** For canaries: a fault of the simulated machine that the checks must find. */
export type Sabotage = 'none' | 'addresses-for-ever' | 'deaf' | 'never-ticks';

export interface NodeClock {
  /** Of this node's clock to true time: 1 is exact. */
  readonly rate: number;
  readonly offsetUs: number;
  /** Of its wall clock, from true time. */
  unixOffsetUs: number;
}

export interface NodeObserver {
  handleChange(change: RoleChange, node: number): void;
  handleEvidence(router: string, evidence: Evidence, node: number): void;
  /** It asks whether anything serves at its addresses, which others answer for. */
  handleAskServing(router: string, node: SimNode): void;
  /** Sent an advert of priority 0. */
  handleRelease(node: number): void;
  /** After an upgrade; `sinceUs`: since the one before, by this machine's clock. */
  handleLateAdvert(node: number, sinceUs: number): void;
  /** A role, or who holds an address, has changed. */
  handleNodeChange(): void;
}

export class SimNode implements SegmentHost {
  readonly index: number;
  plan: VipPlan;
  readonly clock: NodeClock;
  readonly nics = new Map<string, Nic>();
  isFrozen = false;
  isPaused = false;
  whenThawed: () => void = () => {};
  /** Longest that the process takes to react. */
  latencyUsMax: number;
  private readonly world: World;
  private readonly observer: NodeObserver;
  private readonly sabotage: Sabotage;
  private readonly states = new Map<string, State>();
  /** Written down by the keeper: it outlives everything. */
  private readonly restraints = new Map<string, RestraintStatus>();
  /** The keeper's verdicts. */
  private readonly tracked = new Map<string, boolean>();
  private owner: VipOwner | null = null;
  private inbox: (() => void)[] = [];
  private wakeUs = Number.POSITIVE_INFINITY;
  private isStarting = false;
  /** Was to be started while it stood still. */
  private startsLater = false;
  private isStopping = false;
  /** Until when it waits for a good moment to yield to the next program's; null: it is not to. */
  private yieldsByUs: number | null = null;
  /** When the program before this one sent its last adverts, by the routers' names. */
  private formerAdverts = new Map<string, number>();
  /** True time in which this machine was paused and its clock stood. */
  private stoodUs = 0;
  private pausedAtUs = 0;

  constructor(
    index: number,
    plan: VipPlan,
    world: World,
    clock: NodeClock,
    latencyUsMax: number,
    observer: NodeObserver,
    sabotage: Sabotage,
  ) {
    this.index = index;
    this.plan = plan;
    this.world = world;
    this.clock = clock;
    this.latencyUsMax = latencyUsMax;
    this.observer = observer;
    this.sabotage = sabotage;
  }

  connect(interfaceName: string, network: Network, address: Uint8Array): void {
    const mac = Uint8Array.of(2, 0, 0, 0, this.nics.size, this.index + 1);
    this.nics.set(interfaceName, new Nic(this, network, mac, address));
  }

  // --- SegmentHost ---

  get nowUs(): number {
    return Math.floor((this.world.nowUs - this.stoodUs) * this.clock.rate + this.clock.offsetUs);
  }

  get unixUs(): number {
    return Math.floor(this.world.nowUs + this.clock.unixOffsetUs) + 1_700_000_000_000_000;
  }

  attach(request: AttachRequest, handler: AttachmentHandler): Attachment {
    const nic = this.nics.get(request.interfaceName);
    if (nic === undefined) throw new Error(`no interface ${request.interfaceName}`);
    const attachment = new SimAttachment(nic, request, handler);
    nic.attachments.push(attachment);
    this.enqueueSurely(() => handler.handleSource(nic.source));
    return attachment;
  }

  /** Routes and rules go with the addresses, which are what is looked at here. */
  attachRouting(): Routing {
    return NO_ROUTING;
  }

  watchInterface(name: string, handle: InterfaceHandler): () => void {
    const nic = this.nics.get(name);
    if (nic === undefined) throw new Error(`no interface ${name}`);
    nic.watches.add(handle);
    this.enqueueSurely(() => handle(nic.isUp, nic.isUp ? 'up' : 'no carrier'));
    return () => nic.watches.delete(handle);
  }

  // --- the process ---

  get isAlive(): boolean {
    return this.owner !== null;
  }

  /** Runs now, and did for as long as it lives. */
  get isRunning(): boolean {
    return this.owner !== null && !this.isFrozen && !this.isPaused;
  }

  /** By the machine's clock; null: those that do not hold their addresses. */
  lastAdverts(): ReadonlyMap<string, number> {
    const { owner } = this;
    if (owner === null) return new Map();
    const adverts = this.plan.routers.map(({ name }) => [name, owner.lastAdvertUs(name)] as const);
    return new Map(adverts.flatMap(([name, lastUs]) => (lastUs === null ? [] : [[name, lastUs] as const])));
  }

  /** `lastAdverts`, `followed`: what a process that is gone has left, in whose place this one goes on. */
  start(
    lastAdverts: ReadonlyMap<string, number> = new Map(),
    followed: ReadonlyMap<string, number | null> = new Map(),
  ): void {
    if (this.owner !== null) return;
    if (this.isPaused) {
      this.startsLater = true;
      return;
    }
    this.isStopping = false;
    this.isStarting = true;
    const owner = new VipOwner(this.plan, this, {
      handleChange: (change) => this.handleChange(change),
      handleEvidence: (router, evidence) => this.observer.handleEvidence(router, evidence, this.index),
      handleRestraint: ({ router, restraint }) => {
        if (restraint === null) this.restraints.delete(router);
        else this.restraints.set(router, restraint);
      },
      handleAskServing: (router) => this.observer.handleAskServing(router, this),
      // nobody is connected here
      handleEndConnections: () => undefined,
    });
    this.owner = owner;
    this.isStarting = false;
    for (const { name, tracked } of this.plan.routers) {
      this.tracked.set(name, true);
      tracked.forEach((_, index) => this.enqueueSurely(() => owner.handleTracked(name, index, true)));
    }
    const legacy = new Map(
      this.plan.routers.map(({ name }) => {
        const known = this.restraints.get(name) ?? null;
        const restraint = known === null ? null : { ...known, untilUs: known.untilUs ?? Number.POSITIVE_INFINITY };
        return [
          name,
          { lastAdvertUs: lastAdverts.get(name) ?? null, restraint, followedUs: followed.get(name) ?? null },
        ];
      }),
    );
    this.enqueueSurely(() => owner.start(legacy));
  }

  /** The next program is ready, and goes on when this one's process has ended in a good moment. */
  upgrade(): void {
    if (this.owner === null) return;
    this.yieldsByUs = yieldsByUs(this.plan, this.nowUs);
    this.command(() => undefined);
  }

  private succeed(): void {
    const roles = new Map(this.states);
    const { owner } = this;
    const lastAdverts = this.lastAdverts();
    const followed = new Map(this.plan.routers.map(({ name }) => [name, owner?.followedUs(name) ?? null] as const));
    this.kill();
    for (const [router, role] of roles) this.states.set(router, role);
    this.world.at(this.world.nowUs + this.world.between(0, SUCCESSION_US_MAX), () => {
      this.start(lastAdverts, followed);
      this.formerAdverts = new Map(lastAdverts);
    });
  }

  /** It sends one. */
  handleAdvert({ interfaceName, virtualRouterId }: AttachRequest): void {
    const router = this.plan.routers.find(
      (each) => each.interfaceName === interfaceName && each.virtualRouterId === virtualRouterId,
    );
    const formerUs = router === undefined ? undefined : this.formerAdverts.get(router.name);
    if (router === undefined || formerUs === undefined) return;
    this.formerAdverts.delete(router.name);
    const sinceUs = this.nowUs - formerUs;
    if (sinceUs > APART_MAX * router.intervalUs) this.observer.handleLateAdvert(this.index, sinceUs);
  }

  kill(): void {
    this.owner = null;
    this.yieldsByUs = null;
    this.formerAdverts.clear();
    this.inbox = [];
    this.isFrozen = false;
    this.wakeUs = Number.POSITIVE_INFINITY;
    for (const nic of this.nics.values()) {
      nic.attachments.length = 0;
      nic.watches.clear();
    }
    this.states.clear();
    this.observer.handleNodeChange();
  }

  /** Its program is killed, and leaves the addresses in the kernel for ever, as keepalived's do. */
  abandon(): void {
    for (const nic of this.nics.values()) nic.keepForEver();
    this.kill();
  }

  /** The keeper has another plan: the process has it when it gets to it, the next one from the start. */
  reload(plan: VipPlan): void {
    this.plan = plan;
    this.command((owner) => {
      owner.apply(plan);
      for (const { name } of plan.routers) owner.handleTracked(name, 0, this.tracked.get(name) ?? true);
    });
  }

  /** The first verdict on what was added. */
  judgeAdded(): void {
    for (const { name, tracked } of this.plan.routers) {
      if (tracked.length > 1) this.command((owner) => owner.handleTracked(name, 1, true));
    }
  }

  setTracked(router: string, isUp: boolean): void {
    this.tracked.set(router, isUp);
    this.command((owner) => owner.handleTracked(router, 0, isUp));
  }

  stop(isGraceful: boolean): void {
    this.isStopping = true;
    this.command((owner) => owner.stop(isGraceful));
  }

  /** Something the keeper says. */
  command(act: (owner: VipOwner) => void): void {
    const { owner } = this;
    if (owner === null) return;
    this.enqueueSurely(() => act(owner));
  }

  freeze(): void {
    this.isFrozen = true;
    this.observer.handleNodeChange();
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    this.whenThawed();
    this.wakeAt(this.world.nowUs);
    this.observer.handleNodeChange();
  }

  /** The whole machine stands still, and hears nothing. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.pausedAtUs = this.world.nowUs;
    this.observer.handleNodeChange();
  }

  /** `clockWentOn`: the machine knows how long it stood. */
  unpause(clockWentOn: boolean): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const stoodUs = this.world.nowUs - this.pausedAtUs;
    if (!clockWentOn) this.stoodUs += stoodUs;
    // The kernel counts lives with a clock that stands.
    for (const nic of this.nics.values()) nic.prolong(stoodUs);
    this.wakeAt(this.world.nowUs);
    if (this.startsLater) this.start();
    this.startsLater = false;
    this.observer.handleNodeChange();
  }

  stateOf(router: string): State {
    return this.states.get(router) ?? 'initialize';
  }

  get status(): ReturnType<VipOwner['status']> {
    return this.owner?.status() ?? [];
  }

  /** Something for the process, in its socket buffers. */
  enqueue(handle: () => void): void {
    if (this.owner === null && !this.isStarting) return;
    if (this.isPaused || this.inbox.length >= INBOX_MAX) return;
    this.inbox.push(handle);
    this.wakeAt(this.world.nowUs + this.world.between(0, this.latencyUsMax));
  }

  /** Something from this machine itself: no pause loses it. */
  enqueueSurely(handle: () => void): void {
    if (this.owner === null && !this.isStarting) return;
    this.inbox.push(handle);
    this.wakeAt(this.world.nowUs + this.world.between(0, this.latencyUsMax));
  }

  released(): void {
    this.observer.handleRelease(this.index);
  }

  holdersChanged(): void {
    this.observer.handleNodeChange();
  }

  get isSabotaged(): Sabotage {
    return this.sabotage;
  }

  get simulation(): World {
    return this.world;
  }

  private wakeAt(atUs: number): void {
    if (atUs >= this.wakeUs) return;
    this.wakeUs = atUs;
    this.world.at(atUs, () => {
      if (this.wakeUs === atUs) this.wake();
    });
  }

  private wake(): void {
    this.wakeUs = Number.POSITIVE_INFINITY;
    const { owner } = this;
    if (owner === null || this.isFrozen || this.isPaused) return;
    const { inbox } = this;
    this.inbox = [];
    for (const handle of inbox) handle();
    if (this.sabotage === 'never-ticks') return;
    owner.tick();
    if (this.yieldsByUs !== null && mayYield(owner, this.plan, this.nowUs, this.yieldsByUs)) {
      this.succeed();
      return;
    }
    if (this.isStopping && owner.hasStopped) {
      owner.close();
      this.kill();
      return;
    }
    const dueUs = Math.min(owner.deadlineUs, this.yieldsByUs ?? Number.POSITIVE_INFINITY);
    const waitUs = Math.max(0, dueUs - this.nowUs) / this.clock.rate;
    if (waitUs === Number.POSITIVE_INFINITY) return;
    this.wakeAt(this.world.nowUs + Math.ceil(waitUs) + this.world.between(0, this.latencyUsMax));
  }

  private handleChange(change: RoleChange): void {
    // The next program goes on in the role that the one before had.
    if (change.from === 'initialize' && this.states.get(change.router) === change.to) return;
    this.states.set(change.router, change.to);
    this.observer.handleChange(change, this.index);
    this.observer.handleNodeChange();
  }
}

/** A virtual address in the kernel. */
interface Life {
  readonly address: Uint8Array;
  readonly mac: Uint8Array;
  endUs: number;
}

/** A network interface, its own address, and the virtual addresses that the kernel has on it. */
export class Nic implements Port {
  readonly mac: Uint8Array;
  readonly address: Uint8Array;
  readonly network: Network;
  readonly node: SimNode;
  readonly attachments: SimAttachment[] = [];
  readonly watches = new Set<InterfaceHandler>();
  isUp = true;
  /** Adverts are refused by the machine itself. */
  isMute = false;
  private hasOwnAddress = true;
  private lives: Life[] = [];
  /** Addresses that no neighbour sees, and when the kernel removes them at the latest. */
  private readonly concealed = new Map<string, number>();

  constructor(node: SimNode, network: Network, mac: Uint8Array, address: Uint8Array) {
    this.node = node;
    this.network = network;
    this.mac = mac;
    this.address = address;
    network.connect(this);
  }

  get source(): Uint8Array | SourceLoss {
    if (!this.isUp) return { reason: 'no carrier', isLinkUp: false };
    return this.hasOwnAddress ? this.address : { reason: 'no address', isLinkUp: true };
  }

  setUp(isUp: boolean): void {
    this.isUp = isUp;
    for (const { handler } of this.attachments) {
      this.node.enqueueSurely(() => handler.handleSource(this.source));
    }
    for (const handle of this.watches)
      this.node.enqueueSurely(() => handle(this.isUp, this.isUp ? 'up' : 'no carrier'));
    this.node.holdersChanged();
  }

  setOwnAddress(isThere: boolean): void {
    this.hasOwnAddress = isThere;
    for (const { handler } of this.attachments) this.node.enqueueSurely(() => handler.handleSource(this.source));
    this.node.holdersChanged();
  }

  has(address: Uint8Array): boolean {
    return this.find(address) !== undefined;
  }

  hasAddress(address: Uint8Array): boolean {
    if (!this.isUp || this.node.isPaused) return false;
    return equalBytes(address, this.address) || this.has(address);
  }

  macOf(address: Uint8Array): Uint8Array {
    return this.find(address)?.mac ?? this.mac;
  }

  receivePacket(packet: SegmentPacket): void {
    if (!this.isUp || this.node.isSabotaged === 'deaf') return;
    for (const { request, handler } of this.attachments) {
      // A raw socket has all packets of its protocol; which one is for which router, the vip thread knows by the id.
      const id = packet.bytes[packet.start + 1];
      if (request.family !== (packet.source.length === 4 ? 4 : 6) || request.virtualRouterId !== id) continue;
      this.node.enqueue(() => handler.handlePacket(packet));
    }
  }

  receiveNeighbor(address: Uint8Array, mac: Uint8Array): void {
    if (!this.isUp) return;
    for (const { handler } of this.attachments) this.node.enqueue(() => handler.handleNeighbor(address, mac));
  }

  hold({ address }: VirtualAddress, lifetimeS: number, mac: Uint8Array): void {
    const forEver = this.node.isSabotaged === 'addresses-for-ever';
    const endUs = forEver ? Number.POSITIVE_INFINITY : this.node.simulation.nowUs + lifetimeS * 1e6;
    const old = this.find(address);
    if (old !== undefined) {
      old.endUs = endUs;
      return;
    }
    const life = { address, mac, endUs };
    this.lives.push(life);
    this.watch(life);
    this.node.holdersChanged();
  }

  conceal(address: Uint8Array, lifetimeS: number): void {
    this.concealed.set(formatHex(address), this.node.simulation.nowUs + lifetimeS * 1e6);
    this.node.holdersChanged();
  }

  reveal(address: Uint8Array): void {
    if (this.concealed.delete(formatHex(address))) this.node.holdersChanged();
  }

  /** Serves connections to that address, seen or not. */
  serves(address: Uint8Array): boolean {
    return this.has(address) || (this.concealed.get(formatHex(address)) ?? 0) > this.node.simulation.nowUs;
  }

  /** Removed by whoever owns it, or by somebody else, who does not tell the owner. */
  remove(address: Uint8Array, isOwner: boolean): void {
    const life = this.find(address);
    if (life === undefined) return;
    this.lives = this.lives.filter((each) => each !== life);
    if (!isOwner) this.tellRemoved(address);
    this.node.holdersChanged();
  }

  keepForEver(): void {
    for (const life of this.lives) life.endUs = Number.POSITIVE_INFINITY;
  }

  prolong(byUs: number): void {
    for (const life of this.lives) {
      life.endUs += byUs;
      this.watch(life);
    }
  }

  private find(address: Uint8Array): Life | undefined {
    return this.lives.find((life) => equalBytes(life.address, address));
  }

  /** Looks when the life would end; it may have been prolonged by then. */
  private watch(life: Life): void {
    const world = this.node.simulation;
    if (life.endUs === Number.POSITIVE_INFINITY) return;
    world.at(life.endUs + world.between(0, EXPIRY_SLACK_US), () => {
      if (!this.lives.includes(life) || life.endUs === Number.POSITIVE_INFINITY) return;
      if (life.endUs > world.nowUs) this.watch(life);
      else if (!this.node.isPaused) this.remove(life.address, false);
    });
  }

  private tellRemoved(address: Uint8Array): void {
    for (const { request, handler } of this.attachments) {
      if (!request.addresses.some((each) => equalBytes(each.address, address))) continue;
      this.node.enqueueSurely(() => handler.handleAddressRemoved(address));
    }
  }
}

class SimAttachment implements Attachment {
  readonly mac: Uint8Array;
  readonly isForwarding = false;
  request: AttachRequest;
  readonly handler: AttachmentHandler;
  /** Where it passes on what belongs to connections of its predecessor. */
  relayedTo: Uint8Array | null = null;
  private readonly nic: Nic;

  constructor(nic: Nic, request: AttachRequest, handler: AttachmentHandler) {
    this.nic = nic;
    this.mac = nic.mac;
    this.request = request;
    this.handler = handler;
  }

  /** Nobody else puts addresses on a machine here. */
  readonly hasLeftovers = false;

  begin(keepsAddresses: boolean): void {
    if (!keepsAddresses) this.drop();
  }

  sendAdvert(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): string | null {
    if (!this.nic.isUp) return 'ENETDOWN';
    if (this.nic.isMute) return 'EPERM';
    if (payload[PRIORITY_OFFSET] === PRIORITY_RELEASE) this.nic.node.released();
    this.nic.node.handleAdvert(this.request);
    this.nic.network.sendPacket(this.nic, source, destination, payload);
    return null;
  }

  sendFrame(frame: Uint8Array): void {
    if (this.nic.isUp) this.nic.network.sendFrame(this.nic, frame.slice());
  }

  hold(lifetimeS: number): void {
    const { addresses, family, hasVirtualMac, virtualRouterId } = this.request;
    const mac = hasVirtualMac ? virtualMac(family, virtualRouterId) : this.mac;
    for (const address of addresses) {
      this.nic.hold(address, lifetimeS, mac);
      this.nic.reveal(address.address);
    }
  }

  drop(): void {
    for (const { address } of this.request.addresses) {
      this.nic.reveal(address);
      this.nic.remove(address, true);
    }
  }

  conceal(lifetimeS: number): void {
    this.drop();
    for (const { address } of this.request.addresses) this.nic.conceal(address, lifetimeS);
  }

  relay(peer: Uint8Array): void {
    this.relayedTo = peer;
    this.nic.node.holdersChanged();
  }

  endRelay(): void {
    this.relayedTo = null;
    this.nic.node.holdersChanged();
  }

  /** This kernel has no filters. */
  narrow(): boolean {
    return false;
  }

  apply(request: AttachRequest): void {
    for (const { address } of this.request.addresses) {
      if (request.addresses.some((each) => equalBytes(each.address, address))) continue;
      this.nic.reveal(address);
      this.nic.remove(address, true);
    }
    this.request = request;
  }

  close(): void {
    this.drop();
    this.nic.attachments.splice(this.nic.attachments.indexOf(this), 1);
  }
}
