/**
 * A keeper process over the pure machines of the production one: proxies as core/fleet says, places as core/place, succession as
 * core/fleet/generations, strays as core/fleet/strays, vip processes as core/vip-succession (vip-link.ts), sockets by the production `ListenerStore`. What is here stands for keeper/keeper.ts, keeper/proxies/supervisor.ts
 * and commands/upgrade, and is to be as stupid as they are.
 */
import type { BoardShape } from '../../src/base/board.ts';
import { routeUnits } from '../../src/base/traffic-cells.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import { Fleet, type FleetAction, LOOK_INTERVAL_MS } from '../../src/core/fleet/fleet.ts';
import { type GenerationAction, Generations } from '../../src/core/fleet/generations.ts';
import { STRAY_LOOK_MS, type StrayAction, Strays } from '../../src/core/fleet/strays.ts';
import { placePlan, Places } from '../../src/core/place.ts';
import { ListenerStore, socketsOf } from '../../src/keeper/proxies/listeners.ts';
import type { Log } from '../../src/keeper/log/log.ts';
import type { World } from '../world.ts';
import { createHost } from './host.ts';
import type { Kernel } from './kernel.ts';
import { type Adopter, ProxyProcess } from './proxy-process.ts';
import { type VipHeritage, VipLink, type VipSabotage } from './vip-link.ts';
import type { VipProcess } from './vip-process.ts';

/** What becomes of a program that is started to succeed another one. */
export type Fate =
  | 'serves'
  | 'ends'
  | 'hangs'
  | 'hangs with what it was given'
  | 'has proxies that end'
  | 'does not stand by'
  | 'ends when it is to stand by';

/** What the keepers of one evenkeel have in common, and the world around them. */
export interface Surroundings {
  readonly world: World;
  readonly kernel: Kernel;
  readonly prng: Prng;
  /** What is on disk: the file, and what was ordered by hand. */
  readonly disk: { plan: Plan; readonly orders: number[] };
  /** Virtual addresses are left by one process and gone on with by another one. */
  readonly hasAddresses: boolean;
  /** A service manager keeps the sockets, and starts another keeper at once. Without one the proxies serve on. */
  readonly hasManager: boolean;
  /** Those that live, whoever started them. */
  readonly everyProxy: () => readonly ProxyProcess[];
  readonly shape: Pick<BoardShape, 'rows' | 'servers' | 'listeners'>;
  nextPid(): number;
  /** A successor begins to exist. */
  readonly begin: (fate: Fate, predecessor: KeeperProcess) => KeeperProcess;
  /** This one is the main process from now on, for the service manager and for whoever asks on the control socket. */
  readonly takeCharge: (keeper: KeeperProcess) => void;
  /** It goes on by another plan: nobody may mean by a place what is not there any more. */
  readonly checkPlaces: (keeper: KeeperProcess) => void;
  /** A vip process has been started. */
  readonly handleVipBorn: (process: VipProcess) => void;
  /** Whoever has a link to it sees that it is gone. */
  readonly handleKeeperGone: (keeper: KeeperProcess) => void;
  /** Nobody else waits for it: what goes wrong is to be seen. */
  readonly follow: (promise: Promise<unknown>) => void;
  /** What the keepers do wrong. */
  readonly sabotage: Sabotage;
}

export type Sabotage =
  | 'none'
  | 'closes-first'
  | 'keeps-all'
  | 'both-command'
  | 'loses-orders'
  | 'places-at-once'
  | VipSabotage;

const QUIET_LOG: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const START_US = 300_000;
const MESSAGE_US = 500;
/** By then a process that was killed is gone. */
const SOON_US = 1_000_000;
const FATES: readonly Fate[] = ['ends', 'hangs', 'hangs with what it was given', 'has proxies that end'];
const FATES_WITH_ADDRESSES: readonly Fate[] = [...FATES, 'does not stand by', 'ends when it is to stand by'];

export class KeeperProcess implements Adopter {
  readonly pid: number;
  /** By row. */
  readonly proxies = new Map<number, ProxyProcess>();
  /** Also those that are gone. */
  readonly everyProxy: ProxyProcess[] = [];
  /** It has served, and nobody has succeeded it. */
  isInCharge = false;
  wasInCharge = false;
  isGone = false;
  /** Of the plan in force. */
  plan: Plan | null = null;
  orders: number[] = [];
  readonly fate: Fate;
  private readonly around: Surroundings;
  private readonly fleet: Fleet;
  private readonly generations = new Generations();
  private readonly store: ListenerStore;
  private readonly places: Places;
  private readonly strays = new Strays();
  /** By process id. */
  private readonly found = new Map<number, { readonly proxy: ProxyProcess; beat: number }>();
  private leftSockets: number[] = [];
  private areSocketsTaken = false;
  private waitsForStrays: (() => void)[] = [];
  /** When what it has said to each arrives at the earliest. */
  private readonly lastToldUs = new Map<KeeperProcess, number>();
  private number = 0;
  private readonly sent = new Map<number, Map<number, Plan>>();
  /** By row: the plan that its process serves by, as it has said. */
  private readonly acknowledged = new Map<number, Plan>();
  private waiters: { readonly generation: number; readonly resolve: () => void }[] = [];
  private changing: Promise<unknown> = Promise.resolve();
  /** Keepers before it, the oldest first. */
  private old: KeeperProcess[] = [];
  private readonly finished = new Set<KeeperProcess>();
  private candidate: KeeperProcess | null = null;
  /** Those that have the other end of its link: it is to be succeeded by one, or finishes for one. */
  private readonly holders = new Set<KeeperProcess>();
  /** Whom it succeeded, or is to. */
  private predecessor: KeeperProcess | null = null;
  private isGivingWay = false;
  private aloneUntilUs = 0;
  /** Null: it has no virtual addresses, or not yet. */
  addresses: VipLink | null = null;

  constructor(around: Surroundings, fate: Fate) {
    this.around = around;
    this.fate = fate;
    this.pid = around.nextPid();
    this.fleet = new Fleet(around.shape.rows);
    const { servers, listeners } = around.shape;
    this.places = new Places(servers, listeners, routeUnits(servers));
    this.store = new ListenerStore(createHost(around.kernel, this.pid, around.hasManager), QUIET_LOG);
    this.look();
  }

  // --- the world does this to it ---

  /** The first one, or one that the service manager starts in place of one that has died. */
  start(): void {
    this.later(START_US, () => this.around.follow(this.startAlone()));
  }

  /** It has been started by `predecessor`, to succeed it. */
  succeed(predecessor: KeeperProcess): void {
    this.predecessor = predecessor;
    predecessor.holders.add(this);
    this.later(START_US, () => {
      if (this.fate === 'ends') return this.die();
      if (this.fate === 'hangs') return;
      this.tell(predecessor, () => predecessor.handleHello(this));
    });
  }

  kill(): void {
    this.die();
  }

  /** False: it is refused. Resolves with whether it holds. */
  async reload(plan: Plan): Promise<boolean> {
    return this.change(async () => {
      if (!this.takesOrders) return false;
      await this.apply(plan);
      if (!this.isGone) this.addresses?.apply();
      return !this.isGone;
    });
  }

  async order(order: number): Promise<boolean> {
    return this.change(async () => {
      if (!this.takesOrders) return false;
      await this.apply(this.plan!);
      if (this.isGone) return false;
      this.orders.push(order);
      this.around.disk.orders.push(order);
      return true;
    });
  }

  async upgrade(): Promise<void> {
    await this.change(async () => {
      if (this.isGone || !this.isInCharge) return;
      this.generations.handleUpgrade(this.nowMs);
      this.actGenerations();
    });
  }

  /** Another keeper, before it or to be after it, is gone. */
  handleOtherGone(): void {
    if (this.isInCharge) this.lookForStraysSoon();
  }

  get takesOrders(): boolean {
    const isFree = this.isInCharge && this.candidate === null;
    return !this.isGone && (isFree || (this.around.sabotage === 'loses-orders' && this.isInCharge));
  }

  /** Nothing is under way. */
  get isAtRest(): boolean {
    const isFree = this.isInCharge && this.candidate === null && this.waiters.length === 0;
    return isFree && this.addresses?.isAtRest !== false;
  }

  /** A successor is being started, or asked. */
  get isUpgrading(): boolean {
    return this.candidate !== null;
  }

  /** One of its proxies lives. */
  get hasProxy(): boolean {
    return [...this.proxies.values()].some(({ isGone }) => !isGone);
  }

  /** It serves no more, but finishes. */
  get isFinishing(): boolean {
    return this.isGivingWay && !this.isGone && (this.proxies.size > 0 || this.found.size > 0);
  }

  /** Whoever was in charge has died, and nobody else knows of it; its time to finish is not over. */
  get isAlone(): boolean {
    return this.around.world.nowUs < this.aloneUntilUs;
  }

  describe(): string {
    const role = this.isInCharge ? 'is in charge' : this.isGivingWay ? 'finishes' : 'starts';
    const proxies = [...this.proxies.values()].map(({ pid, connections }) => `${pid} with ${connections}`);
    return `keeper ${this.pid} ${role}, proxies ${proxies.join(', ')}`;
  }

  /** Those that its proxies serve by, as they have said. */
  get plansInUse(): Iterable<Plan> {
    return this.acknowledged.values();
  }

  // --- plans ---

  private async startAlone(): Promise<void> {
    const { kernel, hasManager, disk } = this.around;
    const kept = createHost(kernel, this.pid, hasManager).takeKeptDescriptors();
    this.lookForStrays();
    await this.untilStrays(() => this.strays.isSettled);
    if (this.isGone) return;
    this.areSocketsTaken = true;
    this.store.adopt([...kept, ...this.leftSockets.splice(0)]);
    this.orders = [...disk.orders];
    await this.apply(disk.plan);
    if (this.isGone) return;
    this.comeIntoCharge([]);
    if (this.around.hasAddresses) this.addresses = this.linkToVips(null);
  }

  private async apply(plan: Plan): Promise<void> {
    const number = ++this.number;
    const prepared = await this.store.prepare(plan.listeners, plan.workers);
    const isQuiet = (): boolean => this.around.prng.below(4) > 0;
    const placed = placePlan(plan, number, this.places, { servers: isQuiet, listeners: isQuiet });
    if (placed === null) return this.around.world.fail('places', 'there are no places left');
    if (this.around.sabotage !== 'closes-first') await prepared.emptyGone();
    // A process that was killed does nothing more; what it had has been closed for it.
    if (this.isGone) return;
    placed.commit();
    const closeGone = prepared.commit();
    this.plan = placed.plan;
    this.around.checkPlaces(this);
    if (this.around.sabotage === 'closes-first') closeGone();
    const applied = new Promise<void>((resolve) => this.waiters.push({ generation: number, resolve }));
    this.fleet.handlePlan(this.nowMs, number, plan.workers, plan.drainMs);
    this.act();
    await applied;
    if (this.isGone) return;
    if (this.around.sabotage !== 'closes-first') closeGone();
  }

  private change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.changing.then(change);
    this.changing = changed;
    return changed;
  }

  // --- proxies ---

  private look(): void {
    if (this.isGone) return;
    this.fleet.handleLook(this.nowMs, (row) => this.proxies.get(row)?.beat ?? 0);
    this.generations.handleLook(this.nowMs);
    this.act();
    this.actGenerations();
    this.around.world.schedule(LOOK_INTERVAL_MS * 1_000, () => this.look());
  }

  // --- strays ---

  private lookForStrays(): void {
    const mine = new Set(this.everyProxy);
    for (const proxy of this.around.everyProxy()) {
      if (proxy.isGone || mine.has(proxy) || this.found.has(proxy.pid)) continue;
      this.found.set(proxy.pid, { proxy, beat: 0 });
      this.strays.handleFound(proxy.pid);
      proxy.meet(this);
    }
    this.hearStrays();
  }

  private lookForStraysSoon(): void {
    this.around.world.schedule(SOON_US, () => {
      if (!this.isGone && this.isInCharge) this.lookForStrays();
    });
  }

  private hearStrays(): void {
    if (this.isGone) return;
    for (const [id, { proxy }] of this.found) {
      if (!proxy.isGone) continue;
      this.found.delete(id);
      this.strays.handleGone(id);
    }
    this.strays.handleLook(
      this.nowMs,
      (id) => this.found.get(id)!.beat,
      (id) => this.found.get(id)!.proxy.hasLivingKeeper,
    );
    this.actStrays();
    if (this.found.size > 0) this.around.world.schedule(STRAY_LOOK_MS * 1_000, () => this.hearStrays());
  }

  private actStrays(): void {
    for (const action of this.strays.takeActions()) this.performStray(action);
    for (const look of this.waitsForStrays.splice(0)) look();
  }

  private performStray(action: StrayAction): void {
    const proxy = this.found.get(action.id)?.proxy;
    if (proxy === undefined) return;
    switch (action.kind) {
      case 'let-go':
        return void this.found.delete(action.id);
      case 'drain':
        return proxy.drain(action.withinMs);
      case 'kill':
        return proxy.kill();
    }
  }

  private untilStrays(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds()) resolve();
        else this.waitsForStrays.push(look);
      };
      look();
    });
  }

  private supersedeStrays(withinMs: number): void {
    this.strays.handleSuperseded(this.nowMs, withinMs, true);
    this.actStrays();
  }

  kept({ pid }: ProxyProcess): void {
    if (this.isGone) return;
    this.strays.handleKept(pid);
    this.actStrays();
  }

  stray({ pid, descriptors }: ProxyProcess): void {
    if (this.isGone) return;
    const { kernel } = this.around;
    const known = new Set(this.leftSockets.map((descriptor) => kernel.identityOf(descriptor)));
    const sockets = this.areSocketsTaken || this.isInCharge ? [] : descriptors;
    for (const descriptor of sockets) {
      if (!known.has(kernel.identityOf(descriptor))) this.leftSockets.push(kernel.copy(descriptor, this.pid));
    }
    this.strays.handleStray(this.nowMs, pid);
    this.actStrays();
  }

  alive({ pid }: ProxyProcess): void {
    const found = this.found.get(pid);
    if (found !== undefined) found.beat++;
  }

  private act(): void {
    if (this.isGone) return;
    for (const action of this.fleet.takeActions()) this.perform(action);
  }

  private perform(action: FleetAction): void {
    switch (action.kind) {
      case 'spawn':
        this.spawn(action.row);
        return this.send(action.row, action.worker, action.generation);
      case 'apply':
        return this.send(action.row, action.worker, action.generation);
      case 'drain':
        return this.proxies.get(action.row)?.drain(action.withinMs);
      case 'kill':
        return this.proxies.get(action.row)?.kill();
      case 'acknowledge':
        this.acknowledged.set(action.row, this.sent.get(action.row)!.get(action.generation)!);
        if (this.around.sabotage === 'places-at-once') return;
        return this.places.acknowledge(action.row, action.generation);
      case 'clear':
        this.proxies.delete(action.row);
        this.sent.delete(action.row);
        this.acknowledged.delete(action.row);
        return this.places.forget(action.row);
      case 'tell': {
        const { event } = action;
        if (event.kind === 'applied') {
          for (const { resolve } of this.waiters.filter((each) => each.generation <= event.generation)) resolve();
          this.waiters = this.waiters.filter((each) => each.generation > event.generation);
        } else if (event.kind === 'start-failed') {
          this.fail(event.reason);
        } else if (event.kind === 'over') {
          this.handleOver();
        }
      }
    }
  }

  private spawn(row: number): void {
    const { world, kernel, prng } = this.around;
    const proxy = new ProxyProcess(world, kernel, prng, this.around.nextPid(), {
      applied: (generation) => {
        this.fleet.handleApplied(this.nowMs, row, generation);
        this.act();
      },
      cut: () => {
        this.fleet.handleCut(row);
        this.act();
      },
      exited: (reason) => {
        this.fleet.handleExit(this.nowMs, row, reason);
        this.act();
      },
    });
    this.proxies.set(row, proxy);
    this.everyProxy.push(proxy);
    if (this.isOutlived) proxy.outlive();
    if (this.fate === 'has proxies that end') world.schedule(10_000, () => proxy.kill());
  }

  private send(row: number, worker: number, generation: number): void {
    const { kernel } = this.around;
    const proxy = this.proxies.get(row)!;
    const plan = this.plan!;
    const sockets = socketsOf(this.store.listeners, worker, plan.workers);
    const descriptors = sockets.map(({ descriptor }) => kernel.copy(descriptor, proxy.pid));
    const sent = this.sent.get(row) ?? new Map<number, Plan>();
    this.sent.set(row, sent.set(generation, plan));
    proxy.apply({ generation, plan, descriptors });
  }

  // --- succession ---

  private actGenerations(): void {
    if (this.isGone) return;
    for (const action of this.generations.takeActions()) this.performGeneration(action);
  }

  private performGeneration(action: GenerationAction): void {
    switch (action.kind) {
      case 'start': {
        const { begin, prng, hasAddresses } = this.around;
        const fates = hasAddresses ? FATES_WITH_ADDRESSES : FATES;
        this.candidate = begin(prng.below(4) === 0 ? fates[prng.below(fates.length)] : 'serves', this);
        return;
      }
      case 'part':
        return this.around.follow(this.part(this.candidate!));
      case 'yield':
        return this.around.follow(this.yield());
      case 'hand-over':
        return this.handOver();
      case 'abandon':
        this.candidate?.die();
        this.candidate = null;
        this.addresses?.rejoin();
        return;
      case 'hasten':
        this.aloneUntilUs = this.around.world.nowUs + this.plan!.graceMs * 1_000;
        return this.finishWithin(this.plan!.graceMs, 'nobody is in charge of it');
      case 'end': {
        const oldest = this.old[action.id];
        if (this.around.sabotage !== 'keeps-all')
          this.tell(oldest, () => oldest.finishWithin(0, 'it is the oldest of too many'));
      }
    }
  }

  private handleHello(successor: KeeperProcess): void {
    if (successor !== this.candidate) return;
    const heritage = this.addresses?.bequeath() ?? null;
    if (this.around.hasAddresses && heritage === null) return this.giveUp('no vip process has the addresses just now');
    const { kernel } = this.around;
    const sockets = this.store.descriptors.map((descriptor) => kernel.copy(descriptor, successor.pid));
    const old = this.old.filter((each) => !each.isGone);
    const finished = old.filter((each) => this.finished.has(each));
    for (const each of old) each.holders.add(successor);
    this.tell(successor, () => this.around.follow(successor.inherit(sockets, old, finished, heritage)));
  }

  private async inherit(
    sockets: readonly number[],
    old: readonly KeeperProcess[],
    finished: readonly KeeperProcess[],
    heritage: VipHeritage | null,
  ): Promise<void> {
    const predecessor = this.predecessor!;
    this.store.adoptDeferred(sockets);
    this.old = [...old, predecessor];
    for (const each of finished) this.finished.add(each);
    this.orders = [...this.around.disk.orders];
    await this.apply(this.around.disk.plan);
    if (this.isGone || this.fate === 'hangs with what it was given') return;
    if (heritage !== null) {
      this.addresses = this.linkToVips(heritage);
      await this.addresses.prepared();
      if (this.isGone) return;
    }
    if (this.around.sabotage === 'both-command') this.isInCharge = true;
    this.outlive();
    this.tell(predecessor, () => predecessor.handleServing(this, this.store.names));
  }

  private handleServing(successor: KeeperProcess, addresses: readonly string[]): void {
    if (successor !== this.candidate) return;
    this.addressesTaken = addresses;
    this.generations.handleReady(this.nowMs);
    this.actGenerations();
  }

  private linkToVips(heritage: VipHeritage | null): VipLink {
    const { world, prng, sabotage, handleVipBorn } = this.around;
    return new VipLink({
      world,
      prng,
      keeper: this,
      heritage,
      sabotage,
      nextPid: () => this.around.nextPid(),
      handleBorn: handleVipBorn,
      handleFailed: (reason) => (this.isInCharge ? this.die() : this.fail(reason)),
    });
  }

  private async part(successor: KeeperProcess): Promise<void> {
    if (this.addresses === null) return this.handleStandsBy(successor);
    const isAlone = await this.addresses.part();
    if (this.isGone || successor !== this.candidate) return;
    if (isAlone) this.tell(successor, () => this.around.follow(successor.standBy(this)));
    else this.giveUp('another vip process has the addresses by now');
  }

  private async standBy(predecessor: KeeperProcess): Promise<void> {
    if (this.fate === 'does not stand by') return;
    if (this.fate === 'ends when it is to stand by') return this.die();
    await this.addresses?.watch();
    if (this.isGone) return;
    this.tell(predecessor, () => predecessor.handleStandsBy(this));
  }

  private handleStandsBy(successor: KeeperProcess): void {
    if (successor !== this.candidate) return;
    this.generations.handleStandsBy();
    this.actGenerations();
  }

  private async yield(): Promise<void> {
    await this.addresses?.yield();
    if (this.isGone) return;
    this.generations.handleYielded();
    this.actGenerations();
  }

  /** The upgrade fails. */
  private giveUp(reason: string): void {
    this.generations.handleFailed(reason);
    this.actGenerations();
  }

  private addressesTaken: readonly string[] = [];

  private handOver(): void {
    const successor = this.candidate!;
    this.isInCharge = false;
    this.isGivingWay = true;
    this.addresses = null;
    this.around.takeCharge(successor);
    this.tell(successor, () => {
      successor.store.settle();
      successor.comeIntoCharge(successor.old);
      successor.addresses?.adopt();
    });
    for (const each of this.old) this.letGo(each);
    this.around.follow(this.giveWay());
  }

  private comeIntoCharge(old: readonly KeeperProcess[]): void {
    if (this.isGone) return;
    this.isInCharge = true;
    this.wasInCharge = true;
    this.areSocketsTaken = true;
    this.outlive();
    this.supersedeStrays(this.plan!.drainMs);
    this.around.takeCharge(this);
    old.forEach((each, id) => {
      if (this.finished.has(each) || each.isGone) return;
      each.heir = this;
      this.generations.handleOld(id);
    });
    this.actGenerations();
  }

  /** Without a service manager its proxies serve on, from before anything is given up for it. */
  private outlive(): void {
    this.isOutlived = !this.around.hasManager;
    if (this.isOutlived) for (const proxy of this.proxies.values()) proxy.outlive();
  }

  private isOutlived = false;

  /** Who is told when it has finished. */
  private heir: KeeperProcess | null = null;

  private async giveWay(): Promise<void> {
    await this.store.emptyAllBut(this.addressesTaken);
    if (this.isGone) return;
    this.store.closeAll();
    this.supersedeStrays(this.plan!.drainMs);
    this.fleet.handleStop(this.nowMs, this.plan!.drainMs, true);
    this.act();
  }

  private finishWithin(graceMs: number, why: string): void {
    const { world } = this.around;
    world.schedule(graceMs * 1_000, () => {
      for (const proxy of this.proxies.values()) proxy.excuse ??= why;
      for (const { proxy } of this.found.values()) proxy.excuse ??= why;
    });
    this.supersedeStrays(graceMs);
    this.fleet.handleStop(this.nowMs, graceMs);
    this.act();
  }

  /** Every proxy is gone. */
  private handleOver(): void {
    this.around.follow(this.finish());
  }

  private async finish(): Promise<void> {
    await this.untilStrays(() => this.found.size === 0 || this.isGone);
    if (this.isGone) return;
    const { heir } = this;
    this.die();
    if (heir !== null) this.tell(heir, () => heir.handleFinished(this));
  }

  private handleFinished(keeper: KeeperProcess): void {
    const id = this.old.indexOf(keeper);
    this.finished.add(keeper);
    this.generations.handleFinished(id);
  }

  private fail(reason: string): void {
    const { predecessor } = this;
    if (predecessor === null || this.isInCharge) return;
    this.tell(predecessor, () => {
      if (predecessor.candidate !== this) return;
      predecessor.giveUp(reason);
    });
  }

  /** Its descriptors are closed, its proxies are alone. */
  private die(): void {
    if (this.isGone) return;
    const { world, kernel } = this.around;
    this.isGone = true;
    this.isInCharge = false;
    world.note('keeper %a is gone', this.pid);
    for (const proxy of this.proxies.values()) proxy.handleKeeperGone();
    for (const { proxy } of this.found.values()) proxy.handleAdopterGone(this);
    this.around.handleKeeperGone(this);
    kernel.closeAll(this.pid);
    const { predecessor, candidate } = this;
    // The ends of its links are closed: whoever it was linked to sees that.
    if (candidate !== null) this.tell(candidate, () => candidate.handlePredecessorGone());
    for (const each of new Set(predecessor === null ? this.old : [...this.old, predecessor])) this.letGo(each);
  }

  /** Closes its end of the link to it. */
  private letGo(other: KeeperProcess): void {
    if (!other.holders.delete(this) || other.holders.size > 0) return;
    this.tell(other, () => other.handleLinkGone());
  }

  /** Nobody is to succeed it any more, or counts on it. */
  private handleLinkGone(): void {
    if (this.holders.size > 0 || (this.isInCharge && this.candidate === null)) return;
    this.generations.handleSuccessorGone();
    this.actGenerations();
  }

  private handlePredecessorGone(): void {
    if (!this.isInCharge && !this.isGivingWay) this.die();
  }

  /** In order, and its end comes last. */
  private tell(whom: KeeperProcess, message: () => void): void {
    const { world, prng } = this.around;
    const atUs = Math.max(world.nowUs + MESSAGE_US + prng.below(20_000), this.lastToldUs.get(whom) ?? 0);
    this.lastToldUs.set(whom, atUs);
    world.schedule(atUs - world.nowUs, () => {
      if (!whom.isGone) message();
    });
  }

  private later(us: number, act: () => void): void {
    const { world, prng } = this.around;
    world.schedule(us + prng.below(us), () => {
      if (!this.isGone) act();
    });
  }

  private get nowMs(): number {
    return this.around.world.nowUs / 1_000;
  }
}
