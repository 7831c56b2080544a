/**
 * The keeper's part in the virtual addresses: watches what they depend on and tells their owner, runs the operator's
 * programs when a role changes, and remembers what happened for whoever asks. It decides nothing about addresses, and while
 * it is busy or gone their owner goes on.
 */
import type { HaStatus } from '../../api/virtual-routers.ts';
import type { Board } from '../../base/board.ts';
import type { LeaseWord } from '../../core/lease/lease.ts';
import type { HaPlan } from '../../config/plan/ha.ts';
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import type { Verdict } from '../../vip/messages.ts';
import { isSamePlan } from '../../vip/plan.ts';
import type { RestraintChange, RoleChange } from '../../vip/status.ts';
import type { FifoEnd, FifoOwner, FindUser } from '../../port/host.ts';
import type { MakeProbe } from '../servers/health.ts';
import type { Log } from '../log/log.ts';
import { type AskName, Names } from '../servers/names.ts';
import type { RunCommand } from './command.ts';
import { CommandUsers } from './command-user.ts';
import { Fifos } from './fifos.ts';
import { HaRouter } from './ha-router.ts';
import { type History, haStatus } from './ha-status.ts';
import { roleOf } from './notifier.ts';
import type { HaHeritage, HaMemory } from './heritage.ts';
import type { RestraintFile } from './restraint-file.ts';
import { Restraints, type StartRestraint } from './restraints.ts';
import { checkServing } from './serving-check.ts';
import type { VirtualAddresses } from './virtual-addresses.ts';
import { verdictFor, type WatchStatus } from './watch.ts';
import { watchMaker } from './watch-maker.ts';
import { Watches, watchKey } from './watches.ts';

export interface HaKeeperOptions {
  readonly plan: HaPlan;
  /** The servers of an upstream, by the plan that is in force. */
  readonly serversOf: (upstream: string) => readonly ServerPlan[];
  /** By the plan that is in force. */
  readonly listeners: () => readonly ListenerPlan[];
  readonly board: Board;
  /** Listeners of which no address could be opened. */
  readonly closedListeners: () => readonly string[];
  readonly log: Log;
  readonly createAddresses: (events: AddressEvents) => VirtualAddresses;
  readonly runCommand: RunCommand;
  /** Makes it if need be. A text: why it cannot be opened. */
  readonly openFifo: (path: string, owner: FifoOwner | null) => FifoEnd | string;
  readonly makeProbe: MakeProbe;
  readonly askName: AskName;
  readonly ownUid: number;
  readonly findUser: FindUser;
  readonly restraintFile: Pick<RestraintFile, 'read' | 'write' | 'writeAgain' | 'unstored'>;
  /** By hand: as long as that stands, nothing is taken back. */
  readonly isDrained: () => boolean;
  /** Gives these routers away if a peer agrees to have them. */
  readonly agreeToGo: (
    routers: readonly string[],
    by: string | null,
    go: () => MoveResult,
  ) => MoveResult | Promise<MoveResult>;
  /** Ends the connections that came to these addresses. */
  readonly endConnections: (addresses: readonly string[]) => void;
  /** Every router is held back at the start. */
  readonly restraint: StartRestraint | null;
  /** From a predecessor that still has the addresses when this one starts; null: there is none. */
  readonly heritage: HaHeritage | null;
  readonly notifyServiceManager: (state: string) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** The same of one that counts the time for which the machine is suspended (CLOCK_BOOTTIME). */
  readonly bootMs: () => number;
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
}

/** How an operator's order was taken. */
export type MoveResult = { readonly kind: 'ordered' } | { readonly kind: 'unknown' | 'refused'; readonly why: string };

export interface AddressEvents {
  readonly onChange: (change: RoleChange) => void;
  readonly onEvidence: (router: string, evidence: Evidence) => void;
  readonly onRestraint: (change: RestraintChange) => void;
  readonly onAskServing: (router: string) => void;
  readonly onEndConnections: (router: string, addresses: readonly string[]) => void;
  readonly onLeaseKnown: (router: string, number: number) => void;
}

const ENABLE_ORDER = 'evenkeel node enable';

export class HaKeeper {
  private readonly options: HaKeeperOptions;
  private plan: HaPlan;
  private readonly addresses: VirtualAddresses;
  private readonly watches: Watches;
  /** By their names, those too that the plan has no more and that are still leaving. */
  private readonly routers = new Map<string, HaRouter>();
  private readonly names: Names;
  private readonly restraints: Restraints;
  private readonly fifos: Fifos;
  private readonly users: CommandUsers;
  /** What happens before it is known what was; null: it is. */
  private early: (() => void)[] | null;

  constructor(options: HaKeeperOptions) {
    const { plan, log, now } = options;
    this.options = options;
    this.plan = plan;
    this.users = new CommandUsers(options.ownUid, options.findUser);
    this.early = options.heritage === null ? null : [];
    this.addresses = options.createAddresses({
      onChange: (change) => this.inOrder(() => this.handleChange(change)),
      onEvidence: (router, evidence) =>
        this.inOrder(() => this.routers.get(router)?.history.handleEvidence(evidence, now())),
      onRestraint: (change) => this.inOrder(() => this.restraints.handleChange(change)),
      onAskServing: (router) => void this.checkServing(router),
      onEndConnections: (router, addresses) => this.endConnections(router, addresses),
      onLeaseKnown: (router, number) => this.routers.get(router)?.lease?.handleKnown(number),
    });
    this.restraints = new Restraints({
      routers: plan.routers.map(({ name }) => name),
      file: options.restraintFile,
      log,
      endOrder: (router) => (options.isDrained() ? ENABLE_ORDER : `evenkeel resume ${router}`),
      unixMs: options.unixMs,
    });
    this.watches = new Watches(watchMaker({ ...options, userFor: (names) => this.users.of(names) }), (watch) =>
      this.handleVerdict(watch),
    );
    this.names = new Names(options.askName, log, (hostname, answer) => {
      for (const { witnesses } of this.routers.values()) witnesses?.handleName(hostname, answer);
    });
    this.fifos = new Fifos({
      open: options.openFifo,
      run: options.runCommand,
      userFor: (names) => this.users.of(names),
      log,
    });
    this.keepRouters();
  }

  /**
   * Resolves when the routers take part, with their names; with a heritage, when they could go on with it. Rejects, with the
   * reason, if they cannot.
   */
  async start(): Promise<string> {
    const { plan } = this;
    const { heritage, restraint } = this.options;
    this.askNames();
    for (const { witnesses } of this.routers.values()) witnesses?.start();
    await this.watches.add(plan.watches, heritage?.watches);
    if (heritage === null) this.fifos.startReading();
    // What holds them back is on the predecessor's board.
    if (heritage === null) this.addresses.inherit(this.restraints.inherit(restraint, this.heldBy(restraint)));
    await this.addresses.start();
    if (heritage === null) this.startLeases();
    return this.description;
  }

  /** The routers' names: `VI_1 on eth0`. */
  get description(): string {
    return this.plan.vip.routers.map(({ name, interfaceName }) => `${name} on ${interfaceName}`).join(', ');
  }

  // --- succession ---

  /** For a successor. With descriptors, which stay ours; throws if the addresses cannot be left to anybody just now. */
  bequeath(): { readonly heritage: HaHeritage; readonly descriptors: readonly number[] } {
    const { heritage, descriptors } = this.addresses.estate.bequeath();
    return { heritage: { vip: heritage, watches: this.watches.memories(this.options.now()) }, descriptors };
  }

  /** The successor has a process ready: none is left here that would go on by itself if the one that takes part died. */
  part(): Promise<void> {
    return this.addresses.estate.part();
  }

  /** There is no successor after all. */
  rejoin(): void {
    this.addresses.estate.rejoin();
  }

  /** After `part`. Resolves when the process that took part is gone, with what happened until then. */
  async yield(): Promise<HaMemory> {
    await this.addresses.estate.yield();
    this.stopWatches();
    this.fifos.close(false);
    const nowMs = this.options.now();
    const routers = Array.from(this.routers, ([name, { history }]) => history.memory(name, nowMs));
    return { routers, restraints: this.restraints.memories() };
  }

  /** With a heritage, when the predecessor has parted. Resolves when a process goes on as soon as its one is gone. */
  watch(): Promise<void> {
    return this.addresses.watch();
  }

  /** And then, when it is gone. Resolves when the routers take part here, or will as soon as they can. */
  async adopt({ routers, restraints }: HaMemory): Promise<void> {
    const nowMs = this.options.now();
    for (const memory of routers) this.routers.get(memory.router)?.restore(memory, nowMs);
    this.restraints.restore(restraints);
    const early = this.early ?? [];
    this.early = null;
    this.fifos.startReading();
    for (const handle of early) handle();
    this.startLeases();
    await this.addresses.adopt();
  }

  /**
   * Goes on by this plan. What both plans have goes on as it is. Resolves when the owner of the addresses goes by it; rejects
   * if it cannot be applied, and then nothing has changed.
   */
  async apply(plan: HaPlan): Promise<void> {
    // What is new has its first verdict before anything depends on it.
    await this.watches.add(plan.watches);
    let applied: Promise<void>;
    try {
      applied = this.addresses.apply(plan.vip, this.verdictsFor(plan));
    } catch (error) {
      this.watches.retain(this.plan.watches);
      throw error;
    }
    this.plan = plan;
    this.watches.retain(plan.watches);
    this.restraints.apply(plan.routers.map(({ name }) => name));
    this.keepRouters();
    this.askNames();
    await applied;
  }

  /** Hands the addresses over. Resolves when nobody expects this node to serve any more. */
  async release(): Promise<void> {
    await this.addresses.stop();
    this.stopWatches();
  }

  /** Resolves when the programs that were to be run have ended, at the latest after so many milliseconds. */
  async finish(withinMs: number): Promise<void> {
    await Promise.all(Array.from(this.routers.values(), (router) => router.finish(withinMs)));
  }

  /** Ends everything now. */
  kill(): void {
    this.addresses.kill();
    this.stopWatches();
    for (const router of this.routers.values()) router.kill();
    this.fifos.close(true);
  }

  /** Gives the addresses of a router, and of its group, to a peer, for so long (null: until `resume`). */
  async handOver(router: string, forMs: number | null, by: string | null): Promise<MoveResult> {
    const refusal = this.whyNotGiven(router);
    if (refusal !== null) return refusal;
    return this.options.agreeToGo(this.groupOf(router), by, () => {
      return this.whyNotGiven(router) ?? this.giveAway(router, forMs, by);
    });
  }

  private whyNotGiven(router: string): MoveResult | null {
    const history = this.historyOf(router);
    if (history === undefined) return unknownRouter(router);
    if (history.state === 'active') return null;
    return { kind: 'refused', why: `${router} is ${history.state} here: there is nothing to hand over` };
  }

  private giveAway(router: string, forMs: number | null, by: string | null): MoveResult {
    this.options.log.info(`virtual router ${router}: hand-over ordered${by === null ? '' : ` by ${by}`}`);
    this.restraints.handleOrder(this.groupOf(router), by);
    this.addresses.handOver(router, forMs);
    return { kind: 'ordered' };
  }

  resume(router: string, by: string | null): MoveResult {
    if (this.historyOf(router) === undefined) return unknownRouter(router);
    if (this.options.isDrained()) {
      return { kind: 'refused', why: `this node is drained: \`${ENABLE_ORDER}\` ends that, and takes addresses back` };
    }
    const isHeldBack = this.groupOf(router).some((name) => this.restraints.isHeldBack(name));
    // the end of what holds it back is a line of its own, which says who ordered it
    if (!isHeldBack) {
      this.options.log.info(`virtual router ${router}: resume${by === null ? '' : ` by ${by}`}: nothing holds it back`);
    }
    this.restraints.handleOrder(this.groupOf(router), by);
    this.addresses.resume(router);
    return { kind: 'ordered' };
  }

  /** All certificates can be used. */
  handleCertificatesWhole(): void {
    if (this.options.isDrained()) return;
    for (const router of this.restraints.heldFor('certificates')) this.addresses.resume(router);
  }

  /** What a restart will forget of hand-overs, and why. Null: nothing. */
  get unstored(): string | null {
    return this.restraints.unstored;
  }

  storeAgain(): void {
    this.restraints.storeAgain();
  }

  private startLeases(): void {
    for (const router of this.routers.values()) router.startLease();
  }

  status(): HaStatus {
    const { plan, restraints } = this;
    const routers = plan.routers.map(({ name }) => this.routers.get(name)!);
    return haStatus({
      plan,
      nowMs: this.options.now(),
      owner: this.addresses.process,
      accounts: this.addresses.status(),
      watches: plan.watches.map((watch) => this.watches.status(watch)),
      witnesses: routers.map(({ witnesses }) => witnesses?.status() ?? []),
      leases: routers.map(({ lease }) => lease?.status() ?? null),
      histories: routers.map(({ history }) => history),
      restraints: plan.routers.map(({ name }) => restraints.view(name)),
    });
  }

  // --- inside ---

  private inOrder(handle: () => void): void {
    if (this.early === null) handle();
    else this.early.push(handle);
  }

  /** Each router of the plan has what belongs to it, and what no plan has any more is let go of when it has left. */
  private keepRouters(): void {
    const { plan, options } = this;
    this.fifos.apply(plan.routers.flatMap(({ notify }) => notify.flatMap(({ fifo }) => fifo ?? [])));
    const { log, now, makeProbe, runCommand } = options;
    const own = {
      witness: {
        log,
        makeProbe,
        now,
        onVerdict: (router: string, passes: boolean) => {
          this.addresses.setVerdict({ type: 'witnesses', router, passes });
        },
      },
      lease: {
        log,
        bootMs: options.bootMs,
        onWord: (router: string, word: LeaseWord) => this.addresses.setVerdict(leaseVerdict(router, word)),
      },
      notifier: { run: runCommand, log },
      writeFifo: (path: string, line: string) => this.fifos.write(path, line),
      userFor: (names: readonly string[] | null) => this.users.of(names),
    };
    plan.routers.forEach(({ name }, index) => {
      const known = this.routers.get(name);
      if (known === undefined) this.routers.set(name, new HaRouter(own, plan, index));
      else known.apply(plan, index);
    });
    const names = new Set(plan.routers.map(({ name }) => name));
    for (const [name, router] of this.routers) {
      if (names.has(name)) continue;
      router.leave();
      if (router.isOver) this.routers.delete(name);
    }
  }

  private askNames(): void {
    const hostnames = Array.from(this.routers.values(), ({ witnesses }) => witnesses?.hostnames ?? []).flat();
    void this.names.apply([...new Set(hostnames)]);
    for (const hostname of hostnames) {
      const answer = this.names.answerOf(hostname);
      if (answer === null) continue;
      for (const { witnesses } of this.routers.values()) witnesses?.handleName(hostname, answer);
    }
  }

  private handleVerdict(watch: string): void {
    const { watches } = this.plan;
    const place = watches.findIndex((each) => watchKey(each) === watch);
    if (place < 0) return;
    const seen = watches.map((each, i) => (i === place ? this.watches.status(each) : null));
    for (const verdict of verdictsBy(this.plan, seen)) this.addresses.setVerdict(verdict);
  }

  /** All there are on what that plan tracks and guards by. */
  private verdictsFor(plan: HaPlan): readonly Verdict[] {
    const seen = plan.watches.map((watch) => this.watches.status(watch));
    const witnesses = plan.routers.flatMap(({ name, witnesses: asked }): Verdict[] => {
      const before = this.plan.routers.find((router) => router.name === name);
      const isAsked = asked !== null && before !== undefined && isSamePlan(before.witnesses, asked);
      const passes = isAsked ? (this.routers.get(name)?.witnesses?.verdict ?? null) : null;
      return passes === null ? [] : [{ type: 'witnesses', router: name, passes }];
    });
    const leases = plan.routers.flatMap(({ name, lease }): Verdict[] => {
      const before = this.plan.routers.find((router) => router.name === name);
      const word = isSamePlan(before?.lease, lease) ? (this.routers.get(name)?.lease?.lastWord ?? null) : null;
      return word === null ? [] : [leaseVerdict(name, word)];
    });
    return [...verdictsBy(plan, seen), ...witnesses, ...leases];
  }

  private handleChange(change: RoleChange): void {
    const { now, notifyServiceManager } = this.options;
    this.routers.get(change.router)?.handleChange(change, now());
    const roles = this.plan.routers.map(({ name }) => `${name} ${roleOf(this.routers.get(name)!.history.state)}`);
    notifyServiceManager(`STATUS=${roles.join(', ')}`);
  }

  /** The names of all that move together with it. */
  private groupOf(router: string): readonly string[] {
    const { routers } = this.plan.vip;
    const group = routers.find(({ name }) => name === router)?.group ?? null;
    return group === null ? [router] : routers.filter((each) => each.group === group).map(({ name }) => name);
  }

  /** Those that another router has now are still here, or come back. */
  private endConnections(router: string, addresses: readonly string[]): void {
    const others = this.plan.vip.routers.filter(({ name }) => name !== router);
    const kept = new Set(others.flatMap((each) => [...each.addresses, ...each.excluded].map(({ address }) => address)));
    const moved = addresses.filter((address) => !kept.has(address));
    if (moved.length === 0) return;
    const { log, endConnections } = this.options;
    log.info(
      `virtual router ${router}: connections that came to ${moved.join(', ')} are ended: this machine has given the addresses up`,
    );
    endConnections(moved);
  }

  private async checkServing(router: string): Promise<void> {
    const { listeners, makeProbe } = this.options;
    const { plan } = this;
    const index = plan.routers.findIndex(({ name }) => name === router);
    if (index < 0) return;
    const { serves } = plan.routers[index];
    const { addresses, interfaceName } = plan.vip.routers[index];
    const hosts = addresses.map(({ address }) => address);
    this.addresses.setServing(
      router,
      await checkServing({ addresses: hosts, interfaceName, serves, listeners: listeners(), makeProbe }),
    );
  }

  /** Without a certificate those that count on what is served. */
  private heldBy(restraint: StartRestraint | null): readonly string[] {
    const { routers, watches } = this.plan;
    const held = restraint === 'certificates' ? routers.filter((router) => tracksProxy(router, watches)) : routers;
    return held.map(({ name }) => name);
  }

  private historyOf(router: string): History | undefined {
    return this.plan.routers.some(({ name }) => name === router) ? this.routers.get(router)?.history : undefined;
  }

  private stopWatches(): void {
    this.watches.stop();
    for (const router of this.routers.values()) router.stopAsking();
    this.names.stop();
  }
}

/** To every router what it tracks of these; null: nothing is to be told of that. */
function verdictsBy(plan: HaPlan, seen: readonly (WatchStatus | null)[]): readonly Verdict[] {
  return plan.routers.flatMap(({ name: router, watches }, i) => {
    return watches.flatMap((watch, index): Verdict[] => {
      const status = watch === null ? null : seen[watch];
      if (status === null) return [];
      const { isUp, amount } = verdictFor(status, plan.vip.routers[i].tracked[index].weight);
      return isUp === null
        ? []
        : [{ type: 'tracked', router, index, isUp, ...(amount === undefined ? {} : { amount }) }];
    });
  });
}

function tracksProxy({ watches: own }: HaPlan['routers'][number], watches: HaPlan['watches']): boolean {
  return own.some((watch) => watch !== null && watches[watch].kind === 'proxy');
}

function unknownRouter(router: string): MoveResult {
  return { kind: 'unknown', why: `there is no virtual router ${router}` };
}

function leaseVerdict(router: string, { number, untilMs }: LeaseWord): Verdict {
  return { type: 'lease', router, untilUs: Math.max(0, Math.floor(untilMs * 1_000)), number };
}
