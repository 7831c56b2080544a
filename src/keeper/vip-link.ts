/**
 * Keeps the vip process alive, and the addresses where they belong when it dies.
 *
 * Beside the process that takes part there is another one that stands by, with everything ready. It hears by itself that the
 * first one is gone, and goes on with what that held before the peers lose patience: they do not notice, and nothing moves.
 * Only if there is none at that moment, and a new one is not there in time, the keeper tells the peers and removes the
 * addresses, so that they take over at once. Then this node leaves the addresses to them, or it would be a second move.
 *
 * The process decides everything about addresses by itself. While the keeper is busy, or stopped, it goes on.
 */
import { systemReason } from '../base/system-error.ts';
import type { Evidence } from '../core/vrrp/observer.ts';
import { HeartbeatWatch } from '../core/heartbeat.ts';
import { DOWN_ADVERTS, US_PER_S } from '../core/vrrp/intervals.ts';
import type { ServingVerdict } from '../core/vrrp/occupant.ts';
import type { RestraintReason } from '../core/vrrp/restraint.ts';
import type { Severity } from '../core/vrrp/severity.ts';
import { RestartPolicy } from '../core/restart.ts';
import type { State } from '../core/vrrp/states.ts';
import type { VipBoard } from '../vip/board.ts';
import type { Verdict, VipToKeeper } from '../vip/messages.ts';
import type { VipPlan, VirtualRouterPlan } from '../vip/plan.ts';
import type { RestraintChange, RoleChange, RouterStatus } from '../vip/status.ts';
import { logOutput } from './child-output.ts';
import type { Log } from './log.ts';
import { VipChild, type VipChildHandler, type VipSpawned } from './vip-child.ts';

export interface VipLinkOptions {
  readonly plan: VipPlan;
  readonly log: Log;
  readonly board: VipBoard;
  /** Starts a vip process that stands by for the one with this lifeline; null: for none. */
  readonly spawn: (watched: number | null) => VipSpawned;
  readonly closeLifeline: (lifeline: number) => void;
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
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Microseconds of the clock that the vip process uses. */
  readonly nowUs: () => number;
}

/** Of the peers' patience: what is kept for telling them. */
const GIVE_UP_INTERVALS = 0.5;
/** No process starts in less. */
const START_US_MIN = 100_000;
/** What one that stands by may take to go on, on a machine that is busy, before it counts as hung. */
const STANDBY_US_MAX = 200_000;

const LOOK_INTERVAL_MS = 100;
/** A turn of its loop takes milliseconds at most, and comes five times a second at least. */
const SILENCE_MS_MIN = 500;
const SILENCE_MS_MAX = 1_000;
/** Node's own start on a busy machine. */
const START_MS_MAX = 20_000;
/** If it never started and failed this often, it will not. */
const START_FAILURES_MAX = 3;
/** On top of what a hand-over takes. */
const STOP_MARGIN_MS = 2_000;

/** A restraint from before, by ages instead of times. */
export interface InheritedRestraint {
  readonly reason: RestraintReason;
  readonly agoMs: number;
  /** Null: until `resume`. */
  readonly leftMs: number | null;
}

/** The process that owns the addresses, for people and metrics. */
export interface OwnerView {
  readonly pid: number;
  /** How often one had to be replaced. */
  readonly restarts: number;
  /** Another one could go on at once. */
  readonly hasStandby: boolean;
  /** Why there is none that takes part; null: there is one. */
  readonly problem: string | null;
}

export class VipLink implements VipChildHandler {
  private readonly options: VipLinkOptions;
  private phase: 'starting' | 'running' | 'ending' = 'starting';
  /** Takes part, or is to do so as soon as it can. */
  private current: VipChild | null = null;
  private standby: VipChild | null = null;
  /** Those whose successor has spoken before their end was heard. */
  private readonly succeeded = new Set<VipChild>();
  private readonly policy = new RestartPolicy();
  private readonly verdicts = new Map<string, Verdict>();
  private readonly states = new Map<string, State>();
  private readonly statuses = new Map<string, { readonly status: RouterStatus; readonly atMs: number }>();
  private watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
  private beganAtMs = 0;
  /** Until then the current one need not have gone on, whatever the peers' patience is. */
  private graceUs = 0;
  private startDelayMs = 0;
  private restarts = 0;
  private problem: string | null = 'it has not started yet';
  private looking: NodeJS.Timeout | undefined;
  private restart: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;
  private settleStart: ((failure: Error | null) => void) | null = null;
  private settleEnd: (() => void) | null = null;

  constructor(options: VipLinkOptions) {
    this.options = options;
  }

  /** Resolves when the routers take part; rejects if they cannot. Verdicts should have been set before. */
  async start(): Promise<void> {
    this.looking = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    const failure = await new Promise<Error | null>((resolve) => {
      this.settleStart = resolve;
      this.startOne();
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

  /** Before `start`: what holds routers back from before this program was started. */
  inherit(restraints: ReadonlyMap<string, InheritedRestraint>): void {
    const { board, nowUs, plan } = this.options;
    plan.routers.forEach(({ name }, index) => {
      const restraint = restraints.get(name);
      if (restraint === undefined) return;
      const { reason, agoMs, leftMs } = restraint;
      const untilUs = leftMs === null ? Number.POSITIVE_INFINITY : nowUs() + leftMs * 1_000;
      board.setRestraint(index, { reason, sinceUs: nowUs() - agoMs * 1_000, untilUs });
    });
  }

  setServing(router: string, verdict: ServingVerdict): void {
    this.current?.send({ type: 'serving', router, verdict });
  }

  /** Gives the addresses of a router, and of its group, to a peer, for so long (null: until `resume`). */
  handOver(router: string, forMs: number | null): void {
    const untilUs = forMs === null ? null : this.options.nowUs() + forMs * 1_000;
    this.current?.send({ type: 'hand-over', router, untilUs });
  }

  /** Ends a restraint. */
  resume(router: string): void {
    this.current?.send({ type: 'resume', router });
  }

  /** As last told, about once a second, with its age. */
  status(): { readonly status: RouterStatus; readonly ageMs: number }[] {
    const now = this.options.now();
    return Array.from(this.statuses.values(), ({ status, atMs }) => ({ status, ageMs: now - atMs }));
  }

  get process(): OwnerView {
    const { current, standby, restarts, problem } = this;
    return { pid: current?.pid ?? 0, restarts, hasStandby: standby?.isReady === true, problem };
  }

  /** Hands everything over. Resolves when that is done and the process is gone. */
  async stop(): Promise<void> {
    this.end();
    const { current } = this;
    if (current === null) return this.options.cleanUp([]);
    const ended = new Promise<void>((resolve) => {
      this.settleEnd = resolve;
    });
    current.send({ type: 'stop', isGraceful: true });
    const handOverUs = Math.max(0, ...this.options.plan.routers.map(handOverLimitUs));
    const grace = setTimeout(() => current.kill(), handOverUs / 1_000 + STOP_MARGIN_MS);
    await ended;
    clearTimeout(grace);
  }

  /** Ends everything now, and tells the peers. */
  kill(): void {
    this.end();
    const { current } = this;
    if (current === null) return;
    this.current = null;
    current.kill();
    this.giveUp(this.held(), 'evenkeel ends');
    this.options.cleanUp([current.pid]);
    this.settleEnd?.();
  }

  // --- from a child ---

  handleMessage(child: VipChild, message: VipToKeeper): void {
    const { now, onChange, onEvidence, onRestraint, onAskServing } = this.options;
    switch (message.type) {
      case 'ready':
        if (child === this.current) this.tellToBegin(child);
        break;
      case 'started':
        this.handleStarted(child, message.scheduling);
        break;
      case 'change': {
        this.noticeSuccession(child);
        this.logChange(message.change);
        this.states.set(message.change.router, message.change.to);
        onChange(message.change);
        break;
      }
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
      case 'status':
        this.statuses.set(message.status.name, { status: message.status, atMs: now() });
        break;
      case 'note':
        this.options.log.warn(message.message);
        break;
      case 'stopped':
        break;
    }
  }

  handleGone(child: VipChild, reason: string): void {
    const { log, now } = this.options;
    this.options.closeLifeline(child.lifeline);
    const isOwner = child === this.current || this.succeeded.delete(child);
    if (child === this.standby) this.standby = null;
    if (this.phase === 'ending') {
      if (child === this.current) this.handleEnd(child, reason);
      return;
    }
    const delayMs = this.policy.handleExit(now() - child.bornAt);
    this.startDelayMs = delayMs;
    const who = isOwner ? 'the vip process' : 'the standby vip process';
    const why = `${who} ended (${reason})`;
    if (child !== this.current) {
      // Nothing is lost: another one takes part.
      log.error(isOwner ? `${why}; the standby has taken its place` : why, { pid: child.pid });
      this.startLater(delayMs);
      return;
    }
    this.current = null;
    this.problem = `${why}, ${this.policy.failures === 1 ? 'once' : `${this.policy.failures} times in a row`}`;
    if (this.phase === 'starting' && this.policy.failures >= START_FAILURES_MAX) {
      this.settleStart?.(new Error(`the vip process ended ${this.policy.failures} times at its start: ${reason}`));
      return;
    }
    this.restarts++;
    log.error(
      `${why}; ${this.standby === null ? `another one starts in ${delayMs} ms` : 'the standby takes its place'}`,
      {
        pid: child.pid,
      },
    );
    if (this.standby === null) this.startLater(delayMs);
    else this.promote();
    this.awaitSuccessor();
  }

  // --- inside ---

  private logChange({ router, from, to, cause, detail, severity }: RoleChange): void {
    this.logOf(router, severity, `${from} to ${to} (${detail === '' ? cause : `${cause}, ${detail}`})`);
  }

  /** With what it is about: its addresses and where they belong. */
  private logOf(router: string, severity: Severity, text: string): void {
    const { log, plan } = this.options;
    const found = plan.routers.find(({ name }) => name === router);
    const addresses = found?.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' ');
    const line = `virtual router ${router}: ${text}${found === undefined ? '' : `; ${addresses} on ${found.interfaceName}`}`;
    if (severity === 'error') log.error(line);
    else if (severity === 'warning') log.warn(line);
    else log.info(line);
  }

  private startLater(delayMs: number): void {
    clearTimeout(this.restart);
    this.restart = setTimeout(() => this.startOne(), delayMs);
  }

  /** As the one that is to take part if there is none, or else to stand by. */
  private startOne(): void {
    const { log, now, plan, spawn } = this.options;
    if (this.phase === 'ending' || this.standby !== null || (this.current !== null && !this.current.isStarted)) return;
    let child: VipChild;
    try {
      const spawned = spawn(this.current?.lifeline ?? null);
      logOutput(spawned.process.stderr, 'the vip process', log);
      child = new VipChild(spawned, now(), this);
    } catch (error) {
      const delayMs = this.policy.handleExit(0);
      log.error(`no vip process can be started (${systemReason(error)}); tried again in ${delayMs} ms`);
      this.startLater(delayMs);
      return;
    }
    child.send({ type: 'prepare', plan, verdicts: [...this.verdicts.values()] });
    if (this.current === null) this.makeCurrent(child);
    else this.standby = child;
  }

  private makeCurrent(child: VipChild): void {
    this.current = child;
    this.beganAtMs = this.options.now();
    this.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
  }

  /** The one that stands by goes on. It knows that itself, unless this machine has no such thing as lifelines. */
  private promote(): void {
    const { standby } = this;
    if (standby === null) return;
    this.standby = null;
    this.makeCurrent(standby);
    this.tellToBegin(standby);
  }

  /** The one that stands by takes part: the other one is gone, which the keeper has yet to hear. */
  private noticeSuccession(child: VipChild): void {
    if (child !== this.standby) return;
    if (this.current !== null) this.succeeded.add(this.current);
    this.restarts++;
    this.promote();
  }

  private tellToBegin(child: VipChild): void {
    if (!child.isReady) return;
    this.graceUs = this.options.nowUs() + STANDBY_US_MAX;
    child.send({ type: 'begin' });
  }

  private handleStarted(child: VipChild, scheduling: string): void {
    const { log, now, plan } = this.options;
    this.noticeSuccession(child);
    if (child !== this.current) return;
    clearTimeout(this.patience);
    this.problem = null;
    const { pid } = child;
    const count = plan.routers.length;
    const who = count === 1 ? '1 virtual router' : `${count} virtual routers`;
    if (this.restarts === 0) log.info(`${who} on this node; scheduling ${scheduling}`, { pid });
    else log.info(`${who} on this node again`, { pid, startMs: Math.round(now() - this.beganAtMs) });
    this.settleStart?.(null);
    this.settleStart = null;
    // Those that ended soon after their start have another one start later, by their own end.
    if (this.succeeded.size === 0) this.startLater(this.startDelayMs);
  }

  /** What the process that is gone held, and nobody has given up. */
  private held(): number[] {
    const { board, plan } = this.options;
    return plan.routers.flatMap((_, index) => (board.lastAdvertUs(index) === null ? [] : [index]));
  }

  /** Until a successor goes on with what is held, or it is too late for that. */
  private awaitSuccessor(): void {
    clearTimeout(this.patience);
    const { nowUs } = this.options;
    const { current } = this;
    const held = this.held();
    if (held.length === 0 || current?.isStarted === true) return;
    const isReady = current?.isReady === true;
    const soonestUs = nowUs() + (isReady ? 0 : START_US_MIN);
    const limitUs = (index: number): number => Math.max(this.limitUs(index), isReady ? this.graceUs : 0);
    const late = held.filter((index) => limitUs(index) <= soonestUs);
    if (late.length > 0 && isReady) {
      // It should have gone on by itself, and may do so any moment: then two would speak.
      current.kill();
      return;
    }
    this.giveUp(late, 'no other process can go on with them in time');
    const rest = held.filter((index) => !late.includes(index));
    if (rest.length === 0) return;
    const nextUs = Math.min(...rest.map(limitUs));
    this.patience = setTimeout(() => setImmediate(() => this.awaitSuccessor()), (nextUs - nowUs()) / 1_000);
  }

  /** When a router must have sent another advert, or be given up. */
  private limitUs(index: number): number {
    const { board, plan } = this.options;
    const patienceUs = (DOWN_ADVERTS - GIVE_UP_INTERVALS) * plan.routers[index].intervalUs;
    return (board.lastAdvertUs(index) ?? 0) + patienceUs;
  }

  private giveUp(indexes: readonly number[], why: string): void {
    if (indexes.length === 0) return;
    const { board, log, nowUs, onChange, plan, release } = this.options;
    const routers = indexes.map((index) => plan.routers[index]);
    log.warn(`giving up ${routers.map(({ name }) => name).join(', ')}: ${why}`);
    try {
      release(routers);
    } catch (error) {
      // The kernel does it, a little later.
      log.error(`cannot tell the peers, nor remove the addresses: ${systemReason(error)}`);
    }
    for (const index of indexes) board.giveUp(index);
    for (const { name } of routers) {
      const from = this.states.get(name) ?? 'active';
      this.states.set(name, 'fault');
      const cause = { cause: 'fault', detail: 'the vip process ended', severity: 'error' } as const;
      onChange({ router: name, from, to: 'fault', ...cause, atUs: nowUs() });
    }
  }

  private handleEnd(child: VipChild, reason: string): void {
    this.current = null;
    if (!child.hasStopped) {
      this.giveUp(this.held(), `the vip process ended (${reason})`);
      this.options.cleanUp([]);
    }
    this.settleEnd?.();
  }

  private setVerdict(key: string, verdict: Verdict): void {
    this.verdicts.set(key, verdict);
    this.current?.send(verdict);
    this.standby?.send(verdict);
  }

  /** Ends a process that does not turn, or does not get ready; its end starts another one. */
  private look(): void {
    const { board, log, now, plan } = this.options;
    const { current, standby } = this;
    board.beatAsKeeper();
    if (standby?.isReady === false && now() - standby.bornAt > START_MS_MAX) standby.kill();
    if (current?.isStarted !== true) {
      if (now() - this.beganAtMs > START_MS_MAX) current?.kill();
      return;
    }
    const silenceMs = this.watch.handleLook(now(), board.heartbeat);
    const intervalMs = Math.min(...plan.routers.map(({ intervalUs }) => intervalUs)) / 1_000;
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
    clearTimeout(this.patience);
    // First: the end of the other one would have it go on.
    this.standby?.kill();
  }
}

/** The slowest peer's skew, and a second for version 2. */
function handOverLimitUs({ intervalUs }: VirtualRouterPlan): number {
  return 2 * intervalUs + US_PER_S;
}
