/**
 * Which vip process may speak for a node's virtual addresses: one takes part, one stands by, and where neither is left the
 * addresses are given up before the peers lose patience. Pure: what happened and the time come in, what to do and what to say
 * come out. Calls may come in any order; `nowUs` never goes back, and is the clock that adverts are dated by.
 *
 * The one that stands by hears by itself that the other one is gone, and goes on. So the keeper may learn of it in any order:
 * the successor's first word before the predecessor's end, or after it. Only if there is none at that moment, and a new one is
 * not there in time, the addresses are given up in the processes' place, so that the peers take over at once.
 */
import { assert } from '../../base/assert.ts';
import { HeartbeatWatch } from '../heartbeat.ts';
import { RestartPolicy } from '../restart.ts';
import { DOWN_ADVERTS, US_PER_S } from '../vrrp/intervals.ts';
import { type LifeEvent, type LifeState, nextState } from './states.ts';

/** How often `handleLook` is to be called. */
export const LOOK_INTERVAL_MS = 100;
const NEVER = Number.POSITIVE_INFINITY;
/** Of the peers' patience: what is kept for telling them. */
const GIVE_UP_INTERVALS = 0.5;
/** No process starts in less. */
const START_US_MIN = 100_000;
/** What one that stands by may take to go on, on a machine that is busy, before it counts as hung. */
const STANDBY_US_MAX = 200_000;
/** A turn of its loop takes milliseconds at most, and comes five times a second at least. */
const SILENCE_MS_MIN = 500;
const SILENCE_MS_MAX = 1_000;
/** Node's own start on a busy machine. */
const START_US_MAX = 20 * US_PER_S;
/** A plan is applied within one turn. */
const APPLY_US_MAX = 10 * US_PER_S;
/** If it never started and failed this often, it will not. */
const START_FAILURES_MAX = 3;
/** On top of what a hand-over takes. */
const STOP_MARGIN_US = 2 * US_PER_S;

/** A virtual router, as far as it matters here. */
export interface OwnedRouter {
  readonly name: string;
  /** Its place on the board. */
  readonly slot: number;
  readonly intervalUs: number;
}

/** What the process that takes part leaves in shared memory. */
export interface Traces {
  readonly heartbeat: number;
  /** Null: the addresses of that router are not held. */
  lastAdvertUs(slot: number): number | null;
}

export type SuccessionAction =
  /** Start a process and give it the plan; `watched`: the one that it stands by for, or null. */
  | { readonly kind: 'spawn'; readonly id: number; readonly watched: number | null }
  /** Send it the newest plan. */
  | { readonly kind: 'apply'; readonly id: number }
  | { readonly kind: 'begin'; readonly id: number }
  /** It is to hand over and end. */
  | { readonly kind: 'stop'; readonly id: number }
  | { readonly kind: 'kill'; readonly id: number }
  /** Nobody speaks for these any more: tell the peers, remove the addresses, and write on the board that it was done. */
  | { readonly kind: 'give-up'; readonly routers: readonly OwnedRouter[]; readonly why: string }
  /** Undo what processes have left on the machine that are gone, or were killed just now. */
  | { readonly kind: 'clean-up'; readonly killed: number | null }
  | { readonly kind: 'tell'; readonly event: SuccessionEvent };

/** What a person or the rest of the keeper should know. */
export type SuccessionEvent =
  /** One takes part; `restarts` 0: for the first time. */
  | { readonly kind: 'started'; readonly id: number; readonly restarts: number; readonly tookMs: number }
  | { readonly kind: 'start-failed'; readonly reason: string }
  /** Whoever takes part goes by the plan of this generation; or nobody does now, and the next one will. */
  | { readonly kind: 'applied'; readonly generation: number }
  | { readonly kind: 'spawn-failed'; readonly reason: string; readonly retryMs: number }
  /** The one that took part ended; `successor`: who goes on, or when one starts that may. */
  | { readonly kind: 'ended'; readonly id: number; readonly reason: string; readonly successor: 'standby' | number }
  /** The one that took part had ended, and its successor was heard before its end was. */
  | { readonly kind: 'succeeded'; readonly id: number; readonly reason: string }
  | { readonly kind: 'standby-ended'; readonly id: number; readonly reason: string }
  | { readonly kind: 'silent'; readonly id: number; readonly silenceMs: number }
  /** After `handleStop` and `handleKill`: no process is left that could speak. */
  | { readonly kind: 'over' };

interface Life {
  readonly id: number;
  readonly bornUs: number;
  state: LifeState;
  /** The plan that it goes by; -1: none yet. */
  applied: number;
  /** The newest plan that it was sent, and when. */
  sent: number;
  sentUs: number;
}

export class Succession {
  private readonly traces: Traces;
  private readonly lives = new Map<number, Life>();
  private phase: 'starting' | 'running' | 'ending' | 'over' = 'starting';
  /** Takes part, or is to do so as soon as it can. */
  private owner: Life | null = null;
  private standby: Life | null = null;
  private routers: readonly OwnedRouter[] = [];
  /** Of earlier plans, and perhaps held still. */
  private former: readonly OwnedRouter[] = [];
  private generation = -1;
  private reported = -1;
  private readonly policy = new RestartPolicy();
  private watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
  /** When the owner became that. */
  private ownerUs = 0;
  /** Until then the owner need not have gone on, whatever the peers' patience is. */
  private graceUs = 0;
  private startDelayMs = 0;
  private nextId = 1;
  private actions: SuccessionAction[] = [];
  /** When the next process starts, what is held is looked at, and a process that is leaving is killed. */
  private startUs = NEVER;
  private patienceUs = NEVER;
  private stopUs = NEVER;
  private trouble: string | null = 'it has not started yet';
  private replacements = 0;

  constructor(traces: Traces) {
    this.traces = traces;
  }

  // --- in ---

  /** From now on these are the routers, by the plan `generation`. The first call is the start. */
  handlePlan(nowUs: number, generation: number, routers: readonly OwnedRouter[]): void {
    assert(generation > this.generation, 'generations only grow');
    const isFirst = this.generation < 0;
    this.generation = generation;
    const kept = new Set(routers.map(({ slot }) => slot));
    this.former = [...this.former, ...this.routers].filter(({ slot }) => !kept.has(slot) && this.isHeld(slot));
    this.routers = routers;
    if (this.phase === 'ending' || this.phase === 'over') return;
    if (isFirst) this.startOne(nowUs);
    else for (const life of [this.owner, this.standby]) if (life !== null) this.send(life, nowUs);
    this.report();
  }

  /** It has everything ready by the plan that it was started with. */
  handleReady(nowUs: number, id: number, generation: number): void {
    const life = this.lives.get(id);
    if (life === undefined) return;
    life.applied = Math.max(life.applied, generation);
    this.step(life, 'ready');
    if (life === this.owner) this.begin(life, nowUs);
  }

  /** It goes by the plan `generation`. */
  handleApplied(id: number, generation: number): void {
    const life = this.lives.get(id);
    if (life === undefined) return;
    life.applied = Math.max(life.applied, generation);
    this.report();
  }

  /** It said something that only one that takes part can say. */
  handleSpoke(nowUs: number, id: number): void {
    const life = this.lives.get(id);
    if (life === undefined || life !== this.standby) return;
    if (this.owner !== null) this.step(this.owner, 'superseded');
    this.replacements++;
    this.promote(nowUs);
  }

  /** It says that it takes part. */
  handleStarted(nowUs: number, id: number): void {
    this.handleSpoke(nowUs, id);
    const life = this.lives.get(id);
    if (life === undefined || life !== this.owner || this.step(life, 'started') !== 'speaking') return;
    this.patienceUs = NEVER;
    this.trouble = null;
    if (this.phase === 'starting') this.phase = 'running';
    this.tell({ kind: 'started', id, restarts: this.restarts, tookMs: Math.round((nowUs - this.ownerUs) / 1_000) });
    // Those that ended soon after their start have another one start later, by their own end.
    const isPredecessorThere = [...this.lives.values()].some(({ state }) => state === 'superseded');
    if (!isPredecessorThere) this.startLater(nowUs, this.startDelayMs);
    this.report();
  }

  /** It could not be started. */
  handleSpawnFailed(nowUs: number, id: number, reason: string): void {
    this.remove(id);
    const retryMs = this.policy.handleExit(0);
    this.tell({ kind: 'spawn-failed', reason, retryMs });
    this.startLater(nowUs, retryMs);
  }

  /** The process is gone. `hasStopped`: it had given everything up, as it was told to. */
  handleExit(nowUs: number, id: number, reason: string, hasStopped: boolean): void {
    const life = this.lives.get(id);
    if (life === undefined) return;
    const { owner } = this;
    const wasSuperseded = life !== owner && life !== this.standby;
    this.remove(id);
    if (this.phase === 'over') return;
    if (this.phase === 'ending') {
      if (life === owner) this.handleEnd(reason, hasStopped);
      return;
    }
    const delayMs = this.policy.handleExit((nowUs - life.bornUs) / 1_000);
    this.startDelayMs = delayMs;
    if (life !== owner) {
      // Nothing is lost: another one takes part.
      this.tell({ kind: wasSuperseded ? 'succeeded' : 'standby-ended', id, reason });
      this.startLater(nowUs, delayMs);
      return;
    }
    const { failures } = this.policy;
    const often = failures === 1 ? 'once' : `${failures} times in a row`;
    this.trouble = `the vip process ended (${reason}), ${often}`;
    if (this.phase === 'starting' && failures >= START_FAILURES_MAX) {
      this.phase = 'over';
      this.tell({ kind: 'start-failed', reason: `the vip process ended ${failures} times at its start: ${reason}` });
      return;
    }
    this.replacements++;
    const { standby } = this;
    this.tell({ kind: 'ended', id, reason, successor: standby === null ? delayMs : 'standby' });
    if (standby === null) this.startLater(nowUs, delayMs);
    else this.promote(nowUs);
    this.awaitSuccessor(nowUs);
    this.report();
  }

  /** Looks at the heartbeat, every LOOK_INTERVAL_MS. */
  handleLook(nowUs: number): void {
    if (this.phase === 'ending' || this.phase === 'over') return;
    const { owner, standby } = this;
    if (standby?.state === 'preparing' && nowUs - standby.bornUs > START_US_MAX) this.kill(standby);
    if (owner === null) return;
    if (owner.state !== 'speaking') {
      if (nowUs - this.ownerUs > START_US_MAX) this.kill(owner);
      return;
    }
    const silenceMs = this.watch.handleLook(nowUs / 1_000, this.traces.heartbeat);
    const intervalMs = Math.min(...this.routers.map(({ intervalUs }) => intervalUs)) / 1_000;
    const isSilent = silenceMs >= Math.min(Math.max(1.5 * intervalMs, SILENCE_MS_MIN), SILENCE_MS_MAX);
    const isDeaf = owner.applied < owner.sent && nowUs - owner.sentUs > APPLY_US_MAX;
    if (!isSilent && !isDeaf) return;
    const forMs = isSilent ? silenceMs : (nowUs - owner.sentUs) / 1_000;
    this.tell({ kind: 'silent', id: owner.id, silenceMs: Math.round(forMs) });
    this.kill(owner);
  }

  /** To be called at `deadlineUs`, when all that had been said before was handed over. */
  handleTime(nowUs: number): void {
    if (nowUs >= this.startUs) this.startOne(nowUs);
    if (nowUs >= this.patienceUs) this.awaitSuccessor(nowUs);
    if (nowUs >= this.stopUs && this.owner !== null) {
      this.stopUs = NEVER;
      this.kill(this.owner);
    }
  }

  /** Everything is handed over. */
  handleStop(nowUs: number): void {
    if (this.phase === 'ending') return;
    if (this.phase === 'over') return this.finish();
    this.end();
    const { owner } = this;
    if (owner === null) {
      this.act({ kind: 'clean-up', killed: null });
      this.finish();
      return;
    }
    this.step(owner, 'stop');
    this.act({ kind: 'stop', id: owner.id });
    // The slowest peer's skew, and a second for version 2.
    const handOverUs = 2 * Math.max(0, ...this.routers.map(({ intervalUs }) => intervalUs)) + US_PER_S;
    this.stopUs = nowUs + handOverUs + STOP_MARGIN_US;
  }

  /** Everything ends at once, and the peers are told. */
  handleKill(): void {
    if (this.phase === 'over') return;
    this.end();
    const { owner } = this;
    if (owner !== null) {
      this.owner = null;
      this.kill(owner);
      this.giveUp(this.held(), 'evenkeel ends');
      this.act({ kind: 'clean-up', killed: owner.id });
    }
    this.finish();
  }

  // --- out ---

  /** What is to be done, in order, since the last call. */
  takeActions(): readonly SuccessionAction[] {
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  /** When `handleTime` is due. */
  get deadlineUs(): number {
    return Math.min(this.startUs, this.patienceUs, this.stopUs);
  }

  get ownerId(): number | null {
    return this.owner?.id ?? null;
  }

  /** Those that are to hear what changes. */
  get listeners(): readonly number[] {
    return [this.owner, this.standby].flatMap((life) => (life === null ? [] : [life.id]));
  }

  /** How often one that took part had to be replaced. */
  get restarts(): number {
    return this.replacements;
  }

  /** Another one could go on at once. */
  get hasStandby(): boolean {
    return this.standby?.state === 'ready';
  }

  /** Why none takes part; null: one does. */
  get problem(): string | null {
    return this.trouble;
  }

  // --- inside ---

  private startLater(nowUs: number, delayMs: number): void {
    this.startUs = nowUs + delayMs * 1_000;
  }

  /** As the one that is to take part if there is none, or else to stand by. */
  private startOne(nowUs: number): void {
    this.startUs = NEVER;
    const { owner } = this;
    if (this.phase === 'ending' || this.phase === 'over') return;
    if (this.standby !== null || (owner !== null && owner.state !== 'speaking')) return;
    const id = this.nextId++;
    const { generation: sent } = this;
    const life: Life = { id, bornUs: nowUs, state: 'preparing', applied: -1, sent, sentUs: nowUs };
    this.lives.set(id, life);
    this.act({ kind: 'spawn', id, watched: owner?.id ?? null });
    if (owner === null) this.makeOwner(life, nowUs);
    else this.standby = life;
  }

  private makeOwner(life: Life, nowUs: number): void {
    this.owner = life;
    this.ownerUs = nowUs;
    this.watch = new HeartbeatWatch(LOOK_INTERVAL_MS);
  }

  /** The one that stands by goes on. It knows that itself, unless this machine has no such thing as lifelines. */
  private promote(nowUs: number): void {
    const { standby } = this;
    if (standby === null) return;
    this.standby = null;
    this.makeOwner(standby, nowUs);
    if (standby.state === 'ready') this.begin(standby, nowUs);
  }

  private begin(life: Life, nowUs: number): void {
    this.graceUs = nowUs + STANDBY_US_MAX;
    this.step(life, 'begin');
    this.act({ kind: 'begin', id: life.id });
  }

  private send(life: Life, nowUs: number): void {
    if (life.state === 'killed') return;
    // From the first one that it has not answered.
    if (life.applied === life.sent) life.sentUs = nowUs;
    life.sent = this.generation;
    this.act({ kind: 'apply', id: life.id });
  }

  private report(): void {
    const { owner, generation } = this;
    if (this.phase !== 'running' || this.reported === generation) return;
    const isNext = owner === null || owner.state === 'preparing';
    if (!isNext && (owner.state !== 'speaking' || owner.applied < generation)) return;
    this.reported = generation;
    this.tell({ kind: 'applied', generation });
  }

  /** What the process that is gone held, and nobody has given up. */
  private held(): readonly OwnedRouter[] {
    return [...this.routers, ...this.former].filter(({ slot }) => this.isHeld(slot));
  }

  private isHeld(slot: number): boolean {
    return this.traces.lastAdvertUs(slot) !== null;
  }

  /** Until a successor goes on with what is held, or it is too late for that. */
  private awaitSuccessor(nowUs: number): void {
    this.patienceUs = NEVER;
    const { owner } = this;
    const held = this.held();
    if (held.length === 0 || owner?.state === 'speaking') return;
    const isReady = owner?.state === 'begun';
    const soonestUs = nowUs + (isReady ? 0 : START_US_MIN);
    const limitUs = (router: OwnedRouter): number => Math.max(this.limitUs(router), isReady ? this.graceUs : 0);
    const late = held.filter((router) => limitUs(router) <= soonestUs);
    if (late.length > 0 && isReady) {
      // It should have gone on by itself, and may do so any moment: then two would speak.
      this.kill(owner);
      return;
    }
    this.giveUp(late, 'no other process can go on with them in time');
    const rest = held.filter((router) => !late.includes(router));
    if (rest.length > 0) this.patienceUs = Math.min(...rest.map(limitUs));
  }

  /** When a router must have sent another advert, or be given up. */
  private limitUs({ slot, intervalUs }: OwnedRouter): number {
    return (this.traces.lastAdvertUs(slot) ?? 0) + (DOWN_ADVERTS - GIVE_UP_INTERVALS) * intervalUs;
  }

  private giveUp(routers: readonly OwnedRouter[], why: string): void {
    if (routers.length > 0) this.act({ kind: 'give-up', routers, why });
  }

  private handleEnd(reason: string, hasStopped: boolean): void {
    if (!hasStopped) {
      this.giveUp(this.held(), `the vip process ended (${reason})`);
      this.act({ kind: 'clean-up', killed: null });
    }
    this.finish();
  }

  private end(): void {
    this.phase = 'ending';
    this.startUs = NEVER;
    this.patienceUs = NEVER;
    // First: the end of the other one would have it go on.
    if (this.standby !== null) this.kill(this.standby);
  }

  private finish(): void {
    this.phase = 'over';
    this.stopUs = NEVER;
    this.tell({ kind: 'over' });
  }

  private kill(life: Life): void {
    if (life.state === 'killed') return;
    this.step(life, 'kill');
    this.act({ kind: 'kill', id: life.id });
  }

  private remove(id: number): void {
    const life = this.lives.get(id);
    if (life === undefined) return;
    this.step(life, 'exit');
    this.lives.delete(id);
    if (life === this.owner) this.owner = null;
    if (life === this.standby) this.standby = null;
  }

  private step(life: Life, event: LifeEvent): LifeState {
    life.state = nextState(life.state, event);
    return life.state;
  }

  private act(action: SuccessionAction): void {
    this.actions.push(action);
  }

  private tell(event: SuccessionEvent): void {
    this.actions.push({ kind: 'tell', event });
  }
}
