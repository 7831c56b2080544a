/**
 * The keeper's end of the vip processes: performs what core/vip-succession decides about which of them lives, gives them
 * their plans and verdicts, and passes on what they say. Beside the process that takes part there is another one that stands
 * by, with everything ready.
 *
 * The process decides everything about addresses by itself. While the keeper is busy, or stopped, it goes on.
 */
import type { OwnerView } from '../../api/virtual-routers.ts';
import { systemReason } from '../../base/system-error.ts';
import { SlotTable } from '../../core/slots.ts';
import {
  LOOK_INTERVAL_MS,
  type OwnedRouter,
  PREDECESSOR_ID,
  Succession,
  type SuccessionAction,
  type SuccessionEvent,
} from '../../core/vip-succession/succession.ts';
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { ServingVerdict } from '../../core/vrrp/occupant.ts';
import type { RestraintReason } from '../../core/vrrp/restraint.ts';
import type { Severity } from '../../core/vrrp/severity.ts';
import type { State } from '../../core/vrrp/states.ts';
import { ROUTER_SLOTS_MAX, VIP_BOARD_FORMAT, type VipBoard } from '../../vip/board.ts';
import type { KeeperToVip, Verdict, VipToKeeper } from '../../vip/messages.ts';
import { routerKey, type VipPlan, type VirtualRouterPlan } from '../../vip/plan.ts';
import type { RestraintChange, RoleChange, RouterStatus } from '../../vip/status.ts';
import { logOutput } from '../log/child-output.ts';
import type { Log } from '../log/log.ts';
import type { VipHeritage } from './heritage.ts';
import { VipChild, type VipSpawned, type VipSpawnRole } from './vip-child.ts';
import { VipEstate } from './vip-estate.ts';

export interface VipLinkOptions {
  readonly plan: VipPlan;
  readonly log: Log;
  readonly board: VipBoard;
  readonly boardDescriptor: number;
  /** From a predecessor, whose board this is; null: there is none. */
  readonly heritage: { readonly vip: VipHeritage; readonly lifeline: number } | null;
  /** Starts a vip process that stands by for the one with this lifeline; null: for none. */
  readonly spawn: (role: VipSpawnRole, watched: number | null) => VipSpawned;
  readonly createLifeline: () => { readonly heldEnd: number; readonly watchedEnd: number };
  readonly closeLifeline: (lifeline: number) => void;
  /** The program on disk is no longer this one: nothing can be started from there. */
  readonly onOtherProgram: () => void;
  /** Tells the peers of these routers that they are given up, and removes their addresses. Returns when it is done. */
  readonly release: (routers: readonly VirtualRouterPlan[]) => void;
  /** Undoes what vip processes have left on the machine that are gone, or were killed just now. */
  readonly cleanUp: (killed: readonly number[]) => void;
  /** In the order things happened. */
  readonly onChange: (change: RoleChange) => void;
  readonly onEvidence: (router: string, evidence: Evidence) => void;
  readonly onRestraint: (change: RestraintChange) => void;
  /** Somebody is to try whether anything serves at this router's addresses, and to answer by `setServing`. */
  readonly onAskServing: (router: string) => void;
  readonly onEndConnections: (router: string, addresses: readonly string[]) => void;
  readonly onLeaseKnown: (router: string, number: number) => void;
  /** Microseconds of the clock that the vip process uses. */
  readonly nowUs: () => number;
}

/** A restraint from before, by ages instead of times. */
export interface InheritedRestraint {
  readonly reason: RestraintReason;
  readonly agoMs: number;
  /** Null: until `resume`. */
  readonly leftMs: number | null;
}

/** The plan cannot be applied to what is left of evenkeel. */
const ENDED = 'evenkeel ends';

interface Waiter {
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class VipLink {
  readonly estate: VipEstate;
  private readonly options: VipLinkOptions;
  private readonly succession: Succession;
  private readonly slots = new SlotTable(ROUTER_SLOTS_MAX);
  private readonly children = new Map<number, VipChild>();
  private plan: VipPlan = { routers: [] };
  private generation = 0;
  /** Slots of the plan in force, or of the predecessor's. */
  private known: ReadonlySet<number> = new Set();
  /** By their slots, those that are gone from the plan too. */
  private readonly placed = new Map<number, VirtualRouterPlan>();
  private verdicts = new Map<string, Verdict>();
  private readonly states = new Map<string, State>();
  private readonly statuses = new Map<string, { readonly status: RouterStatus; readonly atUs: number }>();
  private looking: NodeJS.Timeout | undefined;
  private wakeUp: NodeJS.Timeout | undefined;
  private waiters: Waiter[] = [];
  private settleStart: ((failure: Error | null) => void) | null = null;
  private settleWatch: () => void = () => undefined;
  private settleAdopt: () => void = () => undefined;
  /** This keeper is in charge: vip processes count on its heartbeat. */
  private isInCharge: boolean;
  private settleEnd: (() => void) | null = null;

  constructor(options: VipLinkOptions) {
    const { plan, board, boardDescriptor, heritage, createLifeline, closeLifeline, nowUs } = options;
    this.options = options;
    this.succession = new Succession(board);
    this.isInCharge = heritage === null;
    if (heritage !== null) {
      this.succession.handlePredecessor(nowUs());
      this.restorePlaces(plan, heritage.vip);
    }
    this.plan = this.place(plan, 1);
    this.estate = new VipEstate({
      boardDescriptor,
      plan: () => this.plan,
      slotsUsed: () => this.slots.used,
      speaker: () => this.findSpeaker(),
      createLifeline,
      closeDescriptor: closeLifeline,
      handle: (event) => {
        if (event === 'alone') this.succession.handleAlone();
        else if (event === 'together') this.succession.handleTogether(nowUs());
        else this.succession.handleYield(nowUs());
        this.act();
      },
    });
  }

  /**
   * Resolves when the routers take part, or, with a heritage, when a process stands by for the predecessor's; rejects if they
   * cannot. Verdicts should have been set before.
   */
  async start(): Promise<void> {
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    const failure = await new Promise<Error | null>((resolve) => {
      this.settleStart = resolve;
      this.handPlanOver(this.plan);
    });
    this.settleStart = null;
    if (failure === null) return;
    this.kill();
    throw failure;
  }

  /**
   * Goes on by this plan, with these verdicts on what it tracks and no others. Resolves when the process that takes part does;
   * rejects when everything ends before that.
   */
  apply(plan: VipPlan, verdicts: readonly Verdict[]): Promise<void> {
    const placed = this.place(plan, this.generation + 1);
    this.verdicts = new Map(verdicts.map((verdict) => [keyOf(verdict), verdict]));
    const applied = new Promise<void>((resolve, reject) => {
      this.waiters.push({ generation: this.generation + 1, resolve, reject });
    });
    for (const name of this.statuses.keys()) {
      if (!plan.routers.some((router) => router.name === name)) this.statuses.delete(name);
    }
    this.handPlanOver(placed);
    return applied;
  }

  /** With a heritage, after `start`: the predecessor has no other process left. Resolves when one of ours goes on by itself. */
  watch(): Promise<void> {
    const watching = new Promise<void>((resolve) => {
      this.settleWatch = resolve;
    });
    this.succession.handleWatch();
    this.act();
    return watching;
  }

  /** And then: the predecessor's process is gone. Resolves when one of ours takes part, or has ended before it did. */
  async adopt(): Promise<void> {
    const { nowUs, closeLifeline, heritage } = this.options;
    this.isInCharge = true;
    this.look();
    const adopted = new Promise<void>((resolve) => {
      this.settleAdopt = resolve;
    });
    this.succession.handlePredecessorGone(nowUs());
    this.act();
    if (this.succession.speakerId === null || this.succession.speakerId === 'changing') await adopted;
    if (heritage !== null) closeLifeline(heritage.lifeline);
  }

  setVerdict(verdict: Verdict): void {
    this.verdicts.set(keyOf(verdict), verdict);
    for (const id of this.succession.listeners) this.children.get(id)?.send(verdict);
  }

  /** Before `start`: what holds routers back from before this program was started. */
  inherit(restraints: ReadonlyMap<string, InheritedRestraint>): void {
    const { board, nowUs } = this.options;
    for (const { name, slot } of this.plan.routers) {
      const restraint = restraints.get(name);
      if (restraint === undefined) continue;
      const { reason, agoMs, leftMs } = restraint;
      const untilUs = leftMs === null ? Number.POSITIVE_INFINITY : nowUs() + leftMs * 1_000;
      board.setRestraint(slot, { reason, sinceUs: nowUs() - agoMs * 1_000, untilUs });
    }
  }

  setServing(router: string, verdict: ServingVerdict): void {
    this.tellOwner({ type: 'serving', router, verdict });
  }

  /** Gives the addresses of a router, and of its group, to a peer, for so long (null: until `resume`). */
  handOver(router: string, forMs: number | null): void {
    const untilUs = forMs === null ? null : this.options.nowUs() + forMs * 1_000;
    this.tellOwner({ type: 'hand-over', router, untilUs });
  }

  /** Ends a restraint. */
  resume(router: string): void {
    this.tellOwner({ type: 'resume', router });
  }

  /** As last told, about once a second, with its age. */
  status(): { readonly status: RouterStatus; readonly ageMs: number }[] {
    const nowUs = this.options.nowUs();
    return Array.from(this.statuses.values(), ({ status, atUs }) => ({ status, ageMs: (nowUs - atUs) / 1_000 }));
  }

  get process(): OwnerView {
    const { ownerId, restarts, hasStandby, problem } = this.succession;
    return { pid: this.pidOf(ownerId), restarts, hasStandby, problem };
  }

  /** Hands everything over. Resolves when that is done and the process is gone. */
  async stop(): Promise<void> {
    clearInterval(this.looking);
    const ended = new Promise<void>((resolve) => {
      this.settleEnd = resolve;
    });
    this.succession.handleStop(this.options.nowUs());
    this.act();
    await ended;
  }

  /** Ends everything now, and tells the peers. */
  kill(): void {
    clearInterval(this.looking);
    this.succession.handleKill();
    this.act();
  }

  // --- plans ---

  /** Routers of the predecessor keep their places on its board. Throws if one of them is none of ours. */
  private restorePlaces({ routers }: VipPlan, heritage: VipHeritage): void {
    if (heritage.format !== VIP_BOARD_FORMAT) {
      throw new Error('this version knows another layout of what virtual addresses leave: hand over and restart');
    }
    const keys = new Set(routers.map(routerKey));
    for (const { name, key } of heritage.routers) {
      if (!keys.has(key)) {
        throw new Error(
          `virtual router ${name} is not in the file any more, or is another one there: reload before the upgrade`,
        );
      }
    }
    this.slots.restore(new Map(heritage.routers.map(({ key, slot }) => [key, slot])), heritage.slotsUsed);
    this.known = new Set(heritage.routers.map(({ slot }) => slot));
  }

  /** A router that an earlier plan had keeps its slot, and with it what is on the board. */
  private place({ routers }: VipPlan, generation: number): VipPlan {
    const { board } = this.options;
    const wanted = new Map(routers.map((router) => [routerKey(router), 1]));
    const isQuiet = ({ first }: { readonly first: number }): boolean => board.lastAdvertUs(first) === null;
    const proposal = this.slots.propose(wanted, generation, isQuiet);
    if (proposal === null)
      throw new Error('there is no room for more routers while former ones leave; try again later');
    proposal.commit();
    const { known } = this;
    this.known = new Set(Array.from(proposal.ranges.values(), ({ first }) => first));
    return {
      routers: routers.map((router) => {
        const slot = proposal.ranges.get(routerKey(router))!.first;
        // What its former owner has left there is over, and no process uses it yet.
        if (!known.has(slot)) {
          board.setLastAdvertUs(slot, null);
          board.setRestraint(slot, null);
        }
        return { ...router, slot };
      }),
    };
  }

  private handPlanOver(plan: VipPlan): void {
    this.plan = plan;
    this.generation++;
    for (const router of plan.routers) this.placed.set(router.slot, router);
    this.succession.handlePlan(this.options.nowUs(), this.generation, plan.routers);
    this.act();
  }

  // --- what the succession wants ---

  private look(): void {
    const { board, nowUs } = this.options;
    if (this.isInCharge) board.beatAsKeeper();
    this.succession.handleLook(nowUs());
    this.act();
  }

  private act(): void {
    const { succession } = this;
    for (const action of succession.takeActions()) this.perform(action);
    clearTimeout(this.wakeUp);
    const { deadlineUs } = succession;
    if (deadlineUs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(0, (deadlineUs - this.options.nowUs()) / 1_000);
    // What has come in meanwhile is handled first: a keeper that was busy must not take that for silence.
    this.wakeUp = setTimeout(() => {
      setImmediate(() => {
        succession.handleTime(this.options.nowUs());
        this.act();
      });
    }, waitMs);
  }

  private perform(action: SuccessionAction): void {
    switch (action.kind) {
      case 'spawn':
        return this.spawn(action.id, action.watched);
      case 'apply':
        return this.children.get(action.id)?.send({ type: 'apply', ...this.planMessage() });
      case 'begin':
        return this.children.get(action.id)?.send({ type: 'begin' });
      case 'watch':
      case 'yield':
        return this.children.get(action.id)?.send({ type: action.kind });
      case 'stop':
        return this.children.get(action.id)?.send({ type: 'stop', isGraceful: true });
      case 'kill':
        return this.children.get(action.id)?.kill();
      case 'give-up':
        return this.giveUp(action.routers, action.why);
      case 'clean-up':
        return this.options.cleanUp(action.killed === null ? [] : [this.pidOf(action.killed)]);
      case 'tell':
        return this.handleEvent(action.event);
    }
  }

  private spawn(id: number, watched: number | null): void {
    const { log, nowUs, spawn } = this.options;
    try {
      const spawned = spawn(...this.roleBeside(watched));
      logOutput(spawned.process.stderr, 'the vip process', log);
      const child = new VipChild(spawned, {
        handleMessage: (message) => this.handleMessage(id, message),
        handleGone: (reason) => this.handleGone(id, reason),
      });
      this.children.set(id, child);
      const predecessor = watched === PREDECESSOR_ID ? this.options.heritage!.vip.pid : this.pidOf(watched);
      child.send({ type: 'prepare', predecessor: predecessor === 0 ? null : predecessor, ...this.planMessage() });
    } catch (error) {
      this.succession.handleSpawnFailed(nowUs(), id, systemReason(error));
      // What that asks for is performed after what is being performed now.
      setImmediate(() => this.act());
    }
  }

  private roleBeside(watched: number | null): [role: VipSpawnRole, lifeline: number | null] {
    if (watched === PREDECESSOR_ID) return ['heir', this.options.heritage!.lifeline];
    const lifeline = watched === null ? undefined : this.children.get(watched)?.lifeline;
    return lifeline === undefined ? ['first', null] : ['standby', lifeline];
  }

  private planMessage(): Pick<Extract<KeeperToVip, { type: 'apply' }>, 'generation' | 'plan' | 'verdicts'> {
    const { generation, plan, verdicts } = this;
    return { generation, plan, verdicts: [...verdicts.values()] };
  }

  private giveUp(owned: readonly OwnedRouter[], why: string): void {
    const { board, log, nowUs, onChange, release } = this.options;
    log.warn(`giving up ${owned.map(({ name }) => name).join(', ')}: ${why}`);
    try {
      release(owned.flatMap(({ slot }) => this.placed.get(slot) ?? []));
    } catch (error) {
      // The kernel does it, a little later.
      log.error(`cannot tell the peers, nor remove the addresses: ${systemReason(error)}`);
    }
    for (const { name, slot } of owned) {
      board.giveUp(slot);
      const from = this.states.get(name) ?? 'active';
      this.states.set(name, 'fault');
      const cause = { cause: 'fault', detail: 'the vip process ended', severity: 'error' } as const;
      const { priority = 0 } = this.placed.get(slot) ?? {};
      onChange({ router: name, from, to: 'fault', ...cause, atUs: nowUs(), priority });
    }
  }

  private handleEvent(event: SuccessionEvent): void {
    const { log } = this.options;
    switch (event.kind) {
      case 'started':
        return this.handleStarted(event.id, event.restarts, event.tookMs);
      case 'start-failed':
        this.settleStart?.(new Error(event.reason));
        return;
      case 'prepared':
        this.settleStart?.(null);
        return;
      case 'watching':
        return this.settleWatch();
      case 'alone':
        return this.estate.handleAlone();
      case 'applied':
        for (const { resolve } of this.waiters.filter(({ generation }) => generation <= event.generation)) resolve();
        this.waiters = this.waiters.filter(({ generation }) => generation > event.generation);
        return;
      case 'spawn-failed':
        this.settleAdopt();
        return log.error(`no vip process can be started (${event.reason}); tried again in ${event.retryMs} ms`);
      case 'ended': {
        const { successor } = event;
        const next = successor === 'standby' ? 'the standby takes its place' : `another one starts in ${successor} ms`;
        return log.error(`${endOf(event)}; ${next}`, { pid: this.pidOf(event.id) });
      }
      case 'succeeded':
        return log.error(`${endOf(event)}; the standby has taken its place`, { pid: this.pidOf(event.id) });
      case 'standby-ended':
        return log.error(`the standby vip process ended (${event.reason})`, { pid: this.pidOf(event.id) });
      case 'silent':
        return log.error(`the vip process hangs: no sign of life for ${event.silenceMs} ms; ending it`, {
          pid: this.pidOf(event.id),
        });
      case 'over':
        clearTimeout(this.wakeUp);
        clearInterval(this.looking);
        for (const { reject } of this.waiters.splice(0)) reject(new Error(ENDED));
        this.estate.handleOver();
        this.settleEnd?.();
    }
  }

  private handleStarted(id: number, restarts: number, tookMs: number): void {
    const { log } = this.options;
    const pid = this.pidOf(id);
    const count = this.plan.routers.length;
    const who = count === 1 ? '1 virtual router' : `${count} virtual routers`;
    const from = this.options.heritage === null ? '' : ', from the former program';
    if (restarts === 0) log.info(`${who} on this node${from}; scheduling ${this.scheduling}`, { pid });
    else log.info(`${who} on this node again`, { pid, startMs: tookMs });
    this.settleStart?.(null);
    this.settleAdopt();
  }

  // --- from a child ---

  /** Of the process that started last. */
  private scheduling = '';

  private handleMessage(id: number, message: VipToKeeper): void {
    const { log, nowUs, onChange, onEvidence, onRestraint, onAskServing, onEndConnections, onLeaseKnown } =
      this.options;
    switch (message.type) {
      case 'ready':
        this.slots.acknowledge(id, message.generation);
        this.succession.handleReady(nowUs(), id, message.generation);
        break;
      case 'applied':
        this.slots.acknowledge(id, message.generation);
        this.succession.handleApplied(id, message.generation);
        break;
      case 'watching':
        this.succession.handleWatching(id);
        break;
      case 'started':
        this.scheduling = message.scheduling;
        this.succession.handleStarted(nowUs(), id);
        break;
      case 'change':
        this.succession.handleSpoke(nowUs(), id);
        this.logChange(message.change);
        this.states.set(message.change.router, message.change.to);
        onChange(message.change);
        break;
      case 'evidence': {
        const { kind, detail, severity, suppressed } = message.evidence;
        const more = suppressed === 0 ? '' : ` (and ${suppressed} more)`;
        this.logOf(message.router, severity, `${kind}: ${detail}${more}`);
        onEvidence(message.router, message.evidence);
        break;
      }
      case 'restraint':
        onRestraint(message.change);
        break;
      case 'ask-serving':
        onAskServing(message.router);
        break;
      case 'end-connections':
        onEndConnections(message.router, message.addresses);
        break;
      case 'status':
        this.statuses.set(message.status.name, { status: message.status, atUs: nowUs() });
        break;
      case 'lease-known':
        onLeaseKnown(message.router, message.number);
        break;
      case 'note':
        log.warn(message.message);
        break;
      case 'stopped':
        break;
    }
    this.act();
  }

  private handleGone(id: number, reason: string): void {
    const child = this.children.get(id);
    if (child === undefined) return;
    this.options.closeLifeline(child.lifeline);
    this.slots.forget(id);
    this.succession.handleExit(this.options.nowUs(), id, reason, child.hasStopped);
    this.act();
    this.children.delete(id);
    this.settleAdopt();
    if (child.isOtherProgram) this.options.onOtherProgram();
  }

  // --- inside ---

  private tellOwner(message: KeeperToVip): void {
    const { ownerId } = this.succession;
    if (ownerId !== null) this.children.get(ownerId)?.send(message);
  }

  private findSpeaker(): { readonly id: number; readonly pid: number; readonly lifeline: number } | 'changing' | null {
    const { speakerId: id } = this.succession;
    const child = typeof id === 'number' ? this.children.get(id) : undefined;
    if (typeof id !== 'number' || child === undefined) return id === null ? null : 'changing';
    return { id, pid: child.pid, lifeline: child.lifeline };
  }

  private pidOf(id: number | null): number {
    return (id === null ? undefined : this.children.get(id))?.pid ?? 0;
  }

  private logChange({ router, from, to, cause, detail, severity }: RoleChange): void {
    this.logOf(router, severity, `${from} to ${to} (${detail === '' ? cause : `${cause}, ${detail}`})`);
  }

  /** With what it is about: its addresses and where they belong. */
  private logOf(router: string, severity: Severity, text: string): void {
    const { log } = this.options;
    const found = this.plan.routers.find(({ name }) => name === router);
    const addresses = found?.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' ');
    const line = `virtual router ${router}: ${text}${found === undefined ? '' : `; ${addresses} on ${found.interfaceName}`}`;
    if (severity === 'error') log.error(line);
    else if (severity === 'warning') log.warn(line);
    else log.info(line);
  }
}

function endOf({ reason }: { readonly reason: string }): string {
  return `the vip process ended (${reason})`;
}

/** The last one on the same thing counts. */
function keyOf(verdict: Verdict): string {
  return `${verdict.router} ${verdict.type === 'tracked' ? verdict.index : verdict.type}`;
}
