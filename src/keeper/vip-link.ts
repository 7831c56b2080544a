/**
 * Keeps the vip process alive, and the addresses where they belong when it dies.
 *
 * What it held is continued by a successor if that can be there before the peers lose patience: they do not notice, and
 * nothing moves. Where there is no time for that, the keeper itself tells the peers at once and removes the addresses, so
 * that they take over after their skew and not after three intervals. Below half a second of interval a spare process waits,
 * already started, because the start of a process would take too long.
 *
 * The process decides everything about addresses by itself. While the keeper is busy, or stopped, it goes on.
 */
import type { ChildProcess } from 'node:child_process';
import type { Evidence } from '../core/vrrp/observer.ts';
import { HeartbeatWatch } from '../core/heartbeat.ts';
import { DOWN_ADVERTS, US_PER_S } from '../core/vrrp/intervals.ts';
import { RestartPolicy } from '../core/restart.ts';
import type { VipBoard } from '../vip/board.ts';
import type { Verdict, VipToKeeper } from '../vip/messages.ts';
import type { VipPlan, VirtualRouterPlan } from '../vip/plan.ts';
import type { RoleChange, RouterStatus } from '../vip/status.ts';
import type { Log } from './log.ts';
import { VipChild, type VipChildHandler } from './vip-child.ts';

export interface VipLinkOptions {
  readonly plan: VipPlan;
  readonly log: Log;
  readonly board: VipBoard;
  /** Starts a vip process, with the descriptors of vip-child.ts. */
  readonly spawn: () => ChildProcess;
  /** Tells the peers of these routers that they are given up, and removes what is left of them. Returns when it is done. */
  readonly release: (routers: readonly VirtualRouterPlan[]) => void;
  /** In the order things happened. */
  readonly onChange: (change: RoleChange) => void;
  readonly onEvidence: (router: string, evidence: Evidence) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Microseconds of the clock that the vip process uses. */
  readonly nowUs: () => number;
}

/** With a shorter interval than this a spare waits. */
const SPARE_INTERVAL_US = 500_000;
/** What a spare needs to take over, sockets and a look at the network, on a machine that is busy. */
const SPARE_START_US = 30_000;
/** The same without a spare, until it has been measured once. */
const FIRST_START_US = 400_000;
/** How much longer than the last one a start may take on a machine that is busy. */
const START_MARGIN = 2;
/** Of the peers' patience: what is kept for telling them. */
const GIVE_UP_INTERVALS = 0.5;

const LOOK_INTERVAL_MS = 100;
/** A turn of its loop takes milliseconds at most, and comes five times a second at least. */
const SILENCE_MS_MIN = 500;
const SILENCE_MS_MAX = 1_000;
/** If it never started and failed this often, it will not. */
const START_FAILURES_MAX = 3;
/** On top of what a hand-over takes. */
const STOP_MARGIN_MS = 2_000;

/** Routers, by their place in the plan, whose addresses are there; and when the last advert for them was sent. */
type Held = ReadonlyMap<number, number>;

export class VipLink implements VipChildHandler {
  private readonly options: VipLinkOptions;
  private plan: VipPlan;
  private phase: 'starting' | 'running' | 'ending' = 'starting';
  private current: VipChild | null = null;
  private spare: VipChild | null = null;
  private nextPlan: VipPlan | null = null;
  /** What the current process was told to go on with, until it has started. */
  private inherited: Held = new Map();
  private readonly policy = new RestartPolicy();
  private readonly sparePolicy = new RestartPolicy();
  private readonly verdicts = new Map<string, Verdict>();
  private readonly statuses = new Map<string, { readonly status: RouterStatus; readonly atMs: number }>();
  private watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
  private startUs = FIRST_START_US;
  private beganAtMs = 0;
  private restarts = 0;
  private looking: NodeJS.Timeout | undefined;
  private restart: NodeJS.Timeout | undefined;
  private spareRestart: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;
  private settleStart: ((failure: Error | null) => void) | null = null;
  private settleEnd: (() => void) | null = null;

  constructor(options: VipLinkOptions) {
    this.options = options;
    this.plan = options.plan;
  }

  /** Resolves when the routers take part; rejects if they cannot. Verdicts should have been set before. */
  async start(): Promise<void> {
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    const failure = await new Promise<Error | null>((resolve) => {
      this.settleStart = resolve;
      this.begin(this.spawn(), new Map());
    });
    this.settleStart = null;
    if (failure !== null) {
      this.kill();
      throw failure;
    }
    this.phase = 'running';
  }

  setTracked(router: string, index: number, isUp: boolean): void {
    this.setVerdict(`${router} ${index}`, { type: 'tracked', router, index, isUp });
  }

  setWitnesses(router: string, passes: boolean): void {
    this.setVerdict(`${router} witnesses`, { type: 'witnesses', router, passes });
  }

  /** Gives the addresses of a router, and of its group, to a peer. False: there is no such router. */
  handOver(router: string): boolean {
    if (!this.plan.routers.some(({ name }) => name === router)) return false;
    this.current?.send({ type: 'hand-over', router });
    return true;
  }

  /** Ends the restraint after a hand-over. */
  resume(router: string): boolean {
    if (!this.plan.routers.some(({ name }) => name === router)) return false;
    this.current?.send({ type: 'resume', router });
    return true;
  }

  /** As last told, about once a second, with its age. */
  status(): { readonly status: RouterStatus; readonly ageMs: number }[] {
    const now = this.options.now();
    return Array.from(this.statuses.values(), ({ status, atMs }) => ({ status, ageMs: now - atMs }));
  }

  /** For people and metrics: the process that owns the addresses, how often one had to be replaced, and by what. */
  get process(): { readonly pid: number; readonly restarts: number; readonly hasSpare: boolean } {
    return { pid: this.current?.pid ?? 0, restarts: this.restarts, hasSpare: this.spare?.isReady === true };
  }

  /**
   * Goes on with another plan. Routers that stay where they are keep their role and their addresses: one process retires,
   * and its successor goes on in its place. The others are given up or begin anew.
   */
  replacePlan(plan: VipPlan): void {
    for (const [key, { router }] of this.verdicts) {
      if (!plan.routers.some(({ name }) => name === router)) this.verdicts.delete(key);
    }
    if (this.current?.isStarted !== true || this.nextPlan !== null) {
      // Whoever starts next starts with it.
      this.nextPlan = plan;
      return;
    }
    this.nextPlan = plan;
    this.current.send({ type: 'retire' });
  }

  /** Hands everything over. Resolves when that is done and the process is gone. */
  async stop(): Promise<void> {
    this.end();
    this.spare?.kill();
    const { current } = this;
    if (current === null) return;
    const ended = new Promise<void>((resolve) => {
      this.settleEnd = resolve;
    });
    current.send({ type: 'stop', isGraceful: true });
    const handOverUs = Math.max(0, ...this.plan.routers.map(handOverLimitUs));
    const grace = setTimeout(() => current.kill(), handOverUs / 1_000 + STOP_MARGIN_MS);
    await ended;
    clearTimeout(grace);
  }

  /** Ends everything now, and tells the peers. */
  kill(): void {
    this.end();
    const { current } = this;
    this.current = null;
    this.spare?.kill();
    if (current === null) return;
    const held = this.heldBy(current);
    current.kill();
    this.release([...held.keys()], 'evenkeel ends');
    this.settleEnd?.();
  }

  // --- from a child ---

  handleMessage(child: VipChild, message: VipToKeeper): void {
    const { log, now, onChange, onEvidence } = this.options;
    switch (message.type) {
      case 'ready':
        break;
      case 'started':
        this.handleStarted(child, message.scheduling);
        break;
      case 'change': {
        const { router, from, to, cause, detail } = message.change;
        const why = detail === '' ? cause : `${cause}, ${detail}`;
        log.info(`virtual router ${router}: ${from} to ${to} (${why})`);
        onChange(message.change);
        break;
      }
      case 'evidence': {
        const { kind, detail, suppressed } = message.evidence;
        const more = suppressed === 0 ? '' : ` (and ${suppressed} more)`;
        log.warn(`virtual router ${message.router}: ${kind}: ${detail}${more}`);
        onEvidence(message.router, message.evidence);
        break;
      }
      case 'status':
        this.statuses.set(message.status.name, { status: message.status, atMs: now() });
        break;
      case 'note':
        log.warn(message.message);
        break;
      case 'stopped':
        break;
    }
  }

  handleGone(child: VipChild, reason: string): void {
    if (child === this.spare) {
      this.spare = null;
      if (this.phase !== 'ending') this.replaceSpare(child);
      return;
    }
    if (child !== this.current) return;
    clearTimeout(this.patience);
    const held = this.heldBy(child);
    this.current = null;
    this.options.board.clear();
    if (this.phase === 'ending') {
      this.release([...held.keys()], `the vip process ended (${reason})`);
      this.settleEnd?.();
    } else if (this.nextPlan !== null && child.isStarted) {
      this.begin(this.takeSpare(), this.moveToNextPlan(held));
    } else {
      this.recover(child, held, reason);
    }
  }

  // --- inside ---

  private spawn(): VipChild {
    return new VipChild(this.options.spawn(), this.options.now(), this);
  }

  private takeSpare(): VipChild {
    const { spare } = this;
    this.spare = null;
    return spare ?? this.spawn();
  }

  private begin(child: VipChild, inherited: Held): void {
    const { options, plan } = this;
    this.current = child;
    this.inherited = inherited;
    this.beganAtMs = options.now();
    this.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
    child.send({
      type: 'begin',
      plan,
      verdicts: [...this.verdicts.values()],
      predecessor: Array.from(inherited, ([index, lastUs]) => [plan.routers[index].name, lastUs]),
    });
    if (inherited.size === 0) return;
    const limitUs = Math.min(...Array.from(inherited, ([index, lastUs]) => lastUs + this.patienceUs(index)));
    this.patience = setTimeout(() => child.kill(), (limitUs - options.nowUs()) / 1_000);
  }

  private handleStarted(child: VipChild, scheduling: string): void {
    const { log, now } = this.options;
    if (child !== this.current) return;
    clearTimeout(this.patience);
    // A spare was started before it was needed: what counts is what its start took.
    this.startUs = Math.max(this.startUs === FIRST_START_US ? 0 : this.startUs, 1_000 * (now() - this.beganAtMs));
    const { pid } = child;
    const count = this.plan.routers.length;
    const who = count === 1 ? '1 virtual router' : `${count} virtual routers`;
    if (this.restarts === 0) log.info(`${who} on this node; scheduling ${scheduling}`, { pid });
    else log.info(`${who} on this node again`, { pid, startMs: Math.round(now() - this.beganAtMs) });
    this.inherited = new Map();
    this.settleStart?.(null);
    this.settleStart = null;
    if (this.spare === null && this.wantsSpare()) this.spare = this.spawn();
    if (this.nextPlan !== null) child.send({ type: 'retire' });
  }

  /** The process has died. */
  private recover(child: VipChild, held: Held, reason: string): void {
    const { log, now, nowUs } = this.options;
    const delayMs = this.policy.handleExit(now() - this.beganAtMs);
    this.restarts++;
    if (this.phase === 'starting' && this.policy.failures >= START_FAILURES_MAX) {
      this.settleStart?.(new Error(`the vip process ended ${this.policy.failures} times at its start: ${reason}`));
      return;
    }
    const costUs = this.spare?.isReady === true ? SPARE_START_US : START_MARGIN * this.startUs;
    const readyUs = nowUs() + costUs;
    const kept = new Map([...held].filter(([i, lastUs]) => delayMs === 0 && readyUs < lastUs + this.patienceUs(i)));
    const when = delayMs === 0 ? 'at once' : `in ${delayMs} ms`;
    log.error(`the vip process ended (${reason}); another one starts ${when}`, { pid: child.pid });
    this.release(
      [...held.keys()].filter((index) => !kept.has(index)),
      'no other process can go on with them in time',
    );
    if (delayMs === 0) this.begin(this.takeSpare(), kept);
    else this.restart = setTimeout(() => this.begin(this.takeSpare(), new Map()), delayMs);
  }

  /** A spare that cannot live is no reason for anything; but it should not be started again and again. */
  private replaceSpare(dead: VipChild): void {
    const delayMs = this.sparePolicy.handleExit(this.options.now() - dead.bornAt);
    this.spareRestart = setTimeout(() => {
      if (this.spare === null && this.phase === 'running') this.spare = this.spawn();
    }, delayMs);
  }

  /** The retired process held these; returns what its successor goes on with, by the places in the next plan. */
  private moveToNextPlan(held: Held): Held {
    const { plan: old, nextPlan } = this;
    if (nextPlan === null) return held;
    const moved = new Map<number, number>();
    const givenUp: number[] = [];
    for (const [index, lastUs] of held) {
      const router = old.routers[index];
      const next = nextPlan.routers.findIndex((other) => isSamePlace(router, other));
      if (next < 0) givenUp.push(index);
      else moved.set(next, lastUs);
    }
    this.release(givenUp, 'they are not in the configuration any more');
    this.plan = nextPlan;
    this.nextPlan = null;
    for (const name of this.statuses.keys()) {
      if (!nextPlan.routers.some((router) => router.name === name)) this.statuses.delete(name);
    }
    return moved;
  }

  private heldBy(child: VipChild): Held {
    if (!child.isStarted) return this.inherited;
    const held = new Map<number, number>();
    for (let i = 0; i < this.plan.routers.length; i++) {
      const lastUs = this.options.board.lastAdvertUs(i);
      if (lastUs !== null) held.set(i, lastUs);
    }
    return held;
  }

  private release(indexes: readonly number[], why: string): void {
    if (indexes.length === 0) return;
    const routers = indexes.map((index) => this.plan.routers[index]);
    this.options.log.warn(`giving up ${routers.map(({ name }) => name).join(', ')}: ${why}`);
    this.options.release(routers);
  }

  /** How long after its last advert a router must send another one, or be given up. */
  private patienceUs(index: number): number {
    return (DOWN_ADVERTS - GIVE_UP_INTERVALS) * this.plan.routers[index].intervalUs;
  }

  private wantsSpare(): boolean {
    return this.plan.routers.some(({ intervalUs }) => intervalUs < SPARE_INTERVAL_US);
  }

  private setVerdict(key: string, verdict: Verdict): void {
    this.verdicts.set(key, verdict);
    this.current?.send(verdict);
  }

  /** Ends a process that does not turn; its end starts another one. */
  private look(): void {
    const { board, log, now } = this.options;
    const { current } = this;
    if (current?.isStarted !== true) return;
    const silenceMs = this.watch.handleLook(now(), board.heartbeat);
    const intervalMs = Math.min(...this.plan.routers.map(({ intervalUs }) => intervalUs)) / 1_000;
    if (silenceMs < Math.min(Math.max(1.5 * intervalMs, SILENCE_MS_MIN), SILENCE_MS_MAX)) return;
    log.error(`the vip process hangs: no sign of life for ${Math.round(silenceMs)} ms; ending it`, {
      pid: current.pid,
    });
    this.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
    current.kill();
  }

  private end(): void {
    this.phase = 'ending';
    clearInterval(this.looking);
    clearTimeout(this.restart);
    clearTimeout(this.spareRestart);
    clearTimeout(this.patience);
  }
}

/** The slowest peer's skew, and a second for version 2. */
function handOverLimitUs({ intervalUs }: VirtualRouterPlan): number {
  return 2 * intervalUs + US_PER_S;
}

/** The peers take it for the same router, and its addresses are on the same link. */
function isSamePlace(a: VirtualRouterPlan, b: VirtualRouterPlan): boolean {
  return (
    a.name === b.name &&
    a.interfaceName === b.interfaceName &&
    a.family === b.family &&
    a.version === b.version &&
    a.virtualRouterId === b.virtualRouterId &&
    a.hasVirtualMac === b.hasVirtualMac
  );
}
