/**
 * One evenkeel with its keepers and proxies, for a minute: reloads, orders, upgrades to programs that serve and to some that do
 * not, processes that are killed or hang, and clients all the time. What must hold is checked as it goes.
 */
import { addressText } from '../../src/base/address.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import type { ServerPlan } from '../../src/config/plan/upstream.ts';
import { CUT_MS_MAX } from '../../src/core/fleet/fleet.ts';
import { OLD_GENERATIONS_MAX } from '../../src/core/fleet/generations.ts';
import { drawPlan } from '../scenario-plan.ts';
import { Violation, World } from '../world.ts';
import { type Fate, KeeperProcess, type Sabotage, type Surroundings } from './keeper-process.ts';
import { type Connection, Kernel, MANAGER } from './kernel.ts';
import type { ProxyProcess } from './proxy-process.ts';
import { VipChecks } from './vip-checks.ts';

export interface FleetRun {
  readonly seed: number;
  /** Null: everything held. */
  readonly invariant: string | null;
  readonly detail: string;
  readonly trace: readonly string[];
  readonly traceHash: string;
  readonly counts: Counts;
}

/** What has happened, so that a run in which nothing does is seen. */
export interface Counts {
  served: number;
  cut: number;
  reloads: number;
  orders: number;
  /** What was not accepted, for an upgrade was under way. */
  refused: number;
  upgrades: number;
  inVain: number;
  kills: number;
}

const SPAN_US = 60_000_000;
/** Everything has ended by then. */
const CALM_US = 180_000_000;
const CHECK_US = 50_000;
/** Clients that come at once. */
const BURST = 40;
const BURST_US = 100_000;
const GRACE_MS = 5_000;
const DRAIN_MS = 60_000;
const ALWAYS = [8_000, 8_001];
const SOMETIMES = [8_002, 8_003, 8_004];
const WORKERS_MAX = 3;
/** As keeper/keeper.ts has it. */
const ROWS = 3 * WORKERS_MAX;
/** The service manager's RestartSec=; without one, somebody's patience at least, and up to twice that more. */
const RESTART_US = 1_000_000;
/** A keeper that has died, or is going to give way, has a successor by then. */
const NOBODY_US_MAX = 10_000_000;
/** Of too many keepers the oldest has ended by then, also if its proxies hang. */
const TOO_MANY_US_MAX = 2_000_000 + CUT_MS_MAX * 1_000;

export async function runFleet(seed: number, sabotage: Sabotage = 'none', isRecording = false): Promise<FleetRun> {
  const world = new World(seed, isRecording);
  const run = new Run(world, seed, sabotage);
  let invariant: string | null = null;
  let detail = '';
  try {
    await run.go();
  } catch (error) {
    const violation = world.violation ?? error;
    if (!(violation instanceof Violation)) throw violation;
    ({ invariant, message: detail } = violation);
  }
  return { seed, invariant, detail, trace: world.trace(), traceHash: world.traceHash, counts: run.counts };
}

class Run {
  readonly counts: Counts = {
    served: 0,
    cut: 0,
    reloads: 0,
    orders: 0,
    refused: 0,
    upgrades: 0,
    inVain: 0,
    kills: 0,
  };
  private readonly world: World;
  private readonly prng: Prng;
  private readonly kernel: Kernel;
  private readonly around: Surroundings;
  /** In a third of the runs nothing but reloads and upgrades happens. */
  private readonly hasFaults: boolean;
  private readonly keepers: KeeperProcess[] = [];
  private readonly vips: VipChecks;
  /** Whom the service manager watches, and clients of the control socket ask. */
  private main: KeeperProcess | null = null;
  private readonly accepted: number[] = [];
  private nextPid = MANAGER + 1;
  private nextOrder = 1;
  private nobodySinceUs = 0;
  private tooManySinceUs = -1;
  private isRestarting = false;
  private isOver = false;
  private failure: unknown = null;

  constructor(world: World, seed: number, sabotage: Sabotage) {
    this.world = world;
    this.prng = new Prng(seed);
    this.hasFaults = this.prng.below(3) > 0;
    this.kernel = new Kernel(world, new Prng(seed ^ 0x4e51));
    this.vips = new VipChecks(world, () => this.keepers, this.hasFaults);
    this.around = {
      world,
      kernel: this.kernel,
      prng: this.prng,
      disk: { plan: this.drawPlan(), orders: [] },
      hasAddresses: this.prng.oneIn(2),
      hasManager: this.prng.oneIn(2),
      everyProxy: () => this.livingProxies(),
      handleVipBorn: (process) => this.vips.handleBorn(process),
      handleKeeperGone: (gone) => {
        for (const keeper of this.keepers) if (keeper !== gone) keeper.handleOtherGone();
      },
      shape: { rows: ROWS, servers: 64, listeners: 16 },
      nextPid: () => this.nextPid++,
      begin: (fate, predecessor) => this.begin(fate, predecessor),
      takeCharge: (keeper) => this.takeCharge(keeper),
      checkPlaces: (keeper) => this.checkPlaces(keeper),
      follow: (promise) => this.follow(promise, () => undefined),
      sabotage,
    };
  }

  async go(): Promise<void> {
    this.startMain();
    const { world } = this;
    await this.advance(3_000_000, () => this.main?.isAtRest === true);
    this.every(5_000, 100_000, () => this.connect());
    this.every(200_000, 6_000_000, () => this.reload());
    this.every(200_000, 6_000_000, () => this.order());
    this.every(1_000_000, 12_000_000, () => this.upgrade());
    if (this.hasFaults) this.every(500_000, 15_000_000, () => this.harm());
    this.check();
    this.vips.check();
    await this.advance(SPAN_US, () => false);
    this.isOver = true;
    await this.advance(world.nowUs + CALM_US, () => this.isAtRest());
    if (!this.isAtRest()) world.fail('comes to rest', this.describe());
    this.checkRest();
  }

  // --- what happens ---

  private connect(): void {
    const { prng, kernel } = this;
    const ports = [...ALWAYS, ...SOMETIMES];
    const port = ports[prng.below(ports.length)];
    const kind = prng.below(20);
    const workUs = kind < 15 ? prng.below(20_000) : kind < 19 ? prng.below(2_000_000) : prng.below(60_000_000);
    kernel.connect(`10.0.0.1:${port}`, workUs);
  }

  private reload(): void {
    const plan = this.drawPlan();
    const { main } = this;
    if (main === null || main.isGone) return;
    const { disk } = this.around;
    // The file is there before it is read. What is refused is tried again, here with the next reload.
    disk.plan = plan;
    // Many come just then.
    for (let i = 0; i < BURST; i++) this.world.schedule(this.prng.below(BURST_US), () => this.connect());
    this.follow(main.reload(plan), (isDone) => (isDone ? this.counts.reloads++ : this.counts.refused++));
  }

  private order(): void {
    const { main } = this;
    if (main === null || main.isGone) return;
    const order = this.nextOrder++;
    this.follow(main.order(order), (isDone) => {
      if (!isDone) return void this.counts.refused++;
      this.counts.orders++;
      this.accepted.push(order);
    });
  }

  private upgrade(): void {
    const { main } = this;
    if (main === null || main.isGone) return;
    this.follow(main.upgrade(), () => undefined);
  }

  private harm(): void {
    const { prng } = this;
    const keepers = this.keepers.filter(({ isGone }) => !isGone);
    const proxies = this.livingProxies();
    // Nobody but the proxies has the sockets then.
    if (!this.around.hasManager && this.main?.isInCharge !== true) return;
    this.counts.kills++;
    const vips = prng.oneIn(3) ? this.vips.draw(prng) : [];
    const kind = prng.below(6);
    if (vips.length > 0) {
      for (const vip of vips) {
        if (kind < 4) vip.kill();
        else vip.freeze(prng.below(3_000_000));
      }
    } else if (kind < 3 && proxies.length > 0) {
      const proxy = proxies[prng.below(proxies.length)];
      proxy.excuse = 'it was killed';
      proxy.kill();
    } else if (kind < 4 && proxies.length > 0) {
      const proxy = proxies[prng.below(proxies.length)];
      this.world.note('process %a hangs', proxy.pid);
      proxy.isFrozen = true;
      proxy.excuse = 'it hung';
      if (prng.oneIn(2)) this.world.schedule(prng.below(5_000_000), () => (proxy.isFrozen = false));
    } else if (keepers.length > 0) {
      const keeper = keepers[prng.below(keepers.length)];
      // Nobody else has the sockets then either.
      if (!this.around.hasManager && keeper.isInCharge && !keeper.hasProxy) return;
      this.world.note('keeper %a is killed', keeper.pid);
      keeper.kill();
    }
  }

  private startMain(): void {
    const keeper = new KeeperProcess(this.around, 'serves');
    this.keepers.push(keeper);
    this.main = keeper;
    keeper.start();
  }

  private begin(fate: Fate, predecessor: KeeperProcess): KeeperProcess {
    const keeper = new KeeperProcess(this.around, fate);
    this.world.note('keeper %a begins, to succeed %b: %c', keeper.pid, predecessor.pid, fate);
    if (fate === 'serves') this.counts.upgrades++;
    else this.counts.inVain++;
    this.keepers.push(keeper);
    keeper.succeed(predecessor);
    return keeper;
  }

  private takeCharge(keeper: KeeperProcess): void {
    this.world.note('keeper %a takes charge', keeper.pid);
    this.main = keeper;
    if (!keeper.isInCharge) return;
    this.checkOrders(keeper);
  }

  // --- what must hold ---

  private check(): void {
    const { world } = this;
    const commanding = this.keepers.filter(({ isInCharge }) => isInCharge);
    if (commanding.length > 1) {
      world.fail('one keeper commands', `${commanding.map(({ pid }) => pid).join(' and ')} do`);
    }
    if (commanding.length === 1) this.nobodySinceUs = world.nowUs;
    if (world.nowUs - this.nobodySinceUs > NOBODY_US_MAX) {
      world.fail('one keeper commands', `nobody does since ${this.nobodySinceUs / 1_000} ms: ${this.describe()}`);
    }
    const finishing = this.keepers.filter(({ isFinishing, isAlone }) => isFinishing && !isAlone).length;
    if (finishing <= OLD_GENERATIONS_MAX) this.tooManySinceUs = -1;
    else if (this.tooManySinceUs < 0) this.tooManySinceUs = world.nowUs;
    else if (world.nowUs - this.tooManySinceUs > TOO_MANY_US_MAX) {
      world.fail('bounded generations', `${finishing} keepers finish: ${this.describe()}`);
    }
    for (const connection of this.kernel.takeLost()) this.checkLost(connection);
    if (this.main?.isGone === true && !this.isRestarting) this.restart();
    world.schedule(CHECK_US, () => this.check());
  }

  private checkLost({ id, address, state, closedBy }: Connection): void {
    if (!ALWAYS.some((port) => address.endsWith(`:${port}`)) || this.isLostWith(closedBy)) return;
    this.world.fail('no connection is refused', `connection ${id} to ${address} is ${state}`);
  }

  /** Without a service manager a proxy whose keeper was killed is the only one that has its sockets: what was wrong with it? */
  private isLostWith(pid: number | null): boolean {
    if (this.around.hasManager) return false;
    const closer = this.keepers.flatMap(({ everyProxy }) => everyProxy).find((proxy) => proxy.pid === pid);
    return closer !== undefined && closer.excuse !== null && !closer.hasLivingKeeper;
  }

  /** Of a program that never was in charge: its addresses were never those of the file in force. */
  private isOfNobodyInCharge(pid: number | null): boolean {
    return this.keepers.some(
      (keeper) => !keeper.wasInCharge && (keeper.pid === pid || keeper.everyProxy.some((proxy) => proxy.pid === pid)),
    );
  }

  private checkOrders({ pid, orders }: KeeperProcess): void {
    const lost = this.accepted.filter((order) => !orders.includes(order));
    if (lost.length > 0) this.world.fail('orders hold', `keeper ${pid} knows nothing of order ${lost.join(', ')}`);
  }

  private checkPlaces(keeper: KeeperProcess): void {
    const owners = new Map<number, string>();
    for (const plan of [keeper.plan!, ...keeper.plansInUse]) {
      for (const { name, servers } of plan.upstreams) {
        for (const server of servers) this.checkPlace(owners, server, `${name}/${server.name}`);
      }
    }
  }

  private checkPlace(owners: Map<number, string>, { firstSlot, slotCount }: ServerPlan, owner: string): void {
    for (let slot = firstSlot; slot < firstSlot + slotCount; slot++) {
      const other = owners.get(slot);
      if (other !== undefined && other !== owner) {
        this.world.fail('places', `place ${slot} is of ${other} and of ${owner}`);
      }
      owners.set(slot, owner);
    }
  }

  private isAtRest(): boolean {
    const keepers = this.keepers.filter(({ isGone }) => !isGone);
    if (keepers.length !== 1 || !keepers[0].isAtRest) return false;
    const [{ plan, proxies }] = keepers;
    const isSettled = this.kernel.connections.every(({ state }) => state !== 'waiting' && state !== 'accepted');
    return isSettled && this.livingProxies().length === plan!.workers && proxies.size === plan!.workers;
  }

  /** Nothing is left of what is gone. */
  private checkRest(): void {
    const { world, kernel } = this;
    const { connections } = kernel;
    this.counts.served = connections.filter(({ state }) => state === 'served').length;
    this.counts.cut = connections.filter(({ state }) => state === 'cut').length;
    for (const connection of kernel.takeLost()) this.checkLost(connection);
    const keeper = this.keepers.find(({ isGone }) => !isGone)!;
    this.checkOrders(keeper);
    const wanted = keeper.plan!.listeners.flatMap(({ binds }) => binds.map(({ address }) => addressText(address)));
    const open = [...kernel.addresses];
    if (wanted.toSorted().join(' ') !== open.toSorted().join(' ')) {
      world.fail('comes to rest', `it is to listen on ${wanted.join(' ')}, and does on ${open.join(' ')}`);
    }
    for (const owner of [MANAGER, keeper.pid]) {
      const held = kernel.heldBy(owner).length;
      const wantedHeld = owner === MANAGER && !this.around.hasManager ? 0 : kernel.socketCount;
      if (held !== wantedHeld) {
        world.fail('comes to rest', `process ${owner} holds ${held} descriptors of ${kernel.socketCount} sockets`);
      }
    }
    if (!this.hasFaults) {
      const lost = connections.filter(({ state, closedBy }) => state === 'reset' && !this.isOfNobodyInCharge(closedBy));
      if (lost.length > 0) world.fail('no connection is refused', `${lost.length} waited at a socket that was closed`);
    }
  }

  // --- inside ---

  private restart(): void {
    this.isRestarting = true;
    const { prng, around } = this;
    this.world.schedule(around.hasManager ? RESTART_US : RESTART_US + prng.below(2 * RESTART_US), () => {
      this.isRestarting = false;
      this.startMain();
    });
  }

  private livingProxies(): readonly ProxyProcess[] {
    return this.keepers.flatMap((keeper) => keeper.everyProxy.filter(({ isGone }) => !isGone));
  }

  private follow<T>(promise: Promise<T>, done: (value: T) => void): void {
    const followed = async (): Promise<void> => done(await promise);
    followed().catch((error: unknown) => (this.failure ??= error));
  }

  private every(leastUs: number, mostUs: number, act: () => void): void {
    const next = (): void =>
      this.world.schedule(leastUs + this.prng.below(mostUs - leastUs), () => {
        if (this.isOver) return;
        act();
        next();
      });
    next();
  }

  /** What is promised is kept before the next thing happens. */
  private async advance(untilUs: number, isDone: () => boolean): Promise<void> {
    while (!isDone() && this.world.step(untilUs)) {
      // A promise leads to few others, and what is left of them goes on with the next step.
      for (let i = 0; i < 8; i++) await Promise.resolve();
      if (this.failure !== null) throw this.failure;
      if (this.world.violation !== null) throw this.world.violation;
    }
  }

  private describe(): string {
    const keepers = this.keepers.filter(({ isGone }) => !isGone);
    return keepers.map((keeper) => keeper.describe()).join('; ') || 'no keeper lives';
  }

  private drawPlan(): Plan {
    const { prng } = this;
    const ports = [...ALWAYS, ...SOMETIMES.filter(() => prng.oneIn(2))];
    const servers = Array.from({ length: 6 }, (_, i) => i).filter(() => prng.oneIn(2));
    const [listener] = TEMPLATE.listeners;
    const [upstream] = TEMPLATE.upstreams;
    return {
      ...TEMPLATE,
      workers: 1 + prng.below(WORKERS_MAX),
      graceMs: GRACE_MS,
      drainMs: DRAIN_MS,
      listeners: ports.map((port) =>
        Object.assign({}, listener, {
          name: `listener-${port}`,
          binds: [{ address: { family: 4, host: '10.0.0.1', port }, dual: false, isUdp: false }],
        }),
      ),
      upstreams: [
        {
          ...upstream,
          servers: servers.map((i) =>
            Object.assign({}, upstream.servers[0], { name: `server-${i}`, slotCount: 1 + (i % 2) }),
          ),
        },
      ],
    };
  }
}

const TEMPLATE = drawPlan(new Prng(1), new Set()).plan;
