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
/** What one that is to yield may wait for a good moment. */
const YIELD_US_MAX = 10 * US_PER_S;
/** The process of the keeper before this one. Its own begin with 1. */
export const PREDECESSOR_ID = 0;
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
  /** It is to go on when the one that it stands by for, of another keeper, is gone; and to say that it will. */
  | { readonly kind: 'watch'; readonly id: number }
  /** It is to end in a good moment, and to leave everything as it is. */
  | { readonly kind: 'yield'; readonly id: number }
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
  /** After `handlePredecessor`: one of this keeper's stands by for the one that takes part. */
  | { readonly kind: 'prepared' }
  /** And goes on by itself. */
  | { readonly kind: 'watching' }
  /** After `handleAlone`: none is left but the one that takes part, if that is there. */
  | { readonly kind: 'alone' }
  /** Whoever takes part goes by the plan of this generation; or nobody does now, and the next one will. */
  | { readonly kind: 'applied'; readonly generation: number }
  | { readonly kind: 'spawn-failed'; readonly reason: string; readonly retryMs: number }
  /** The one that took part ended; `successor`: who goes on, or when one starts that may. */
  | { readonly kind: 'ended'; readonly id: number; readonly reason: string; readonly successor: 'standby' | number }
  /** The one that took part had ended, and its successor was heard before its end was. */
  | { readonly kind: 'succeeded'; readonly id: number; readonly reason: string }
  | { readonly kind: 'standby-ended'; readonly id: number; readonly reason: string }
  | { readonly kind: 'silent'; readonly id: number; readonly silenceMs: number }
  /** After `handleStop`, `handleKill` and `handleYield`: no process is left that could speak. */
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
  private phase: 'starting' | 'running' | 'alone' | 'yielding' | 'ending' | 'over' = 'starting';
  /** The one that takes part is another keeper's; `watched`: whoever stands by for it goes on by itself. */
  private predecessor: 'there' | 'watched' | null = null;
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

  /** Before the first plan: one of another keeper takes part, or did, and this machine's processes are to follow it. */
  handlePredecessor(nowUs: number): void {
    assert(this.generation < 0, 'a predecessor is known before the start');
    const life: Life = { id: PREDECESSOR_ID, bornUs: nowUs, state: 'speaking', applied: -1, sent: -1, sentUs: nowUs };
    this.lives.set(life.id, life);
    this.predecessor = 'there';
    this.makeOwner(life, nowUs);
  }

  /** The predecessor's keeper has no other one left. */
  handleWatch(): void {
    if (this.predecessor !== 'there') return;
    this.predecessor = 'watched';
    if (this.standby?.state === 'ready') this.act({ kind: 'watch', id: this.standby.id });
  }

  /** It will go on by itself. */
  handleWatching(id: number): void {
    if (id === this.standby?.id) this.tell({ kind: 'watching' });
  }

  /** The predecessor's process is gone, and its keeper starts no other one. */
  handlePredecessorGone(nowUs: number): void {
    if (!this.lives.has(PREDECESSOR_ID)) return;
    const wasOwner = this.owner?.id === PREDECESSOR_ID;
    this.predecessor = null;
    this.remove(PREDECESSOR_ID);
    if (this.phase === 'ending' || this.phase === 'over') return;
    if (!wasOwner) return this.startLater(nowUs, 0);
    if (this.standby === null) this.startLater(nowUs, 0);
    else this.promote(nowUs);
    this.awaitSuccessor(nowUs);
  }

  /** From now on these are the routers, by the plan `generation`. The first call is the start. */
  handlePlan(nowUs: number, generation: number, routers: readonly OwnedRouter[]): void {
    assert(generation > this.generation, 'generations only grow');
    const isFirst = this.generation < 0;
    this.generation = generation;
    const kept = new Set(routers.map(({ slot }) => slot));
    this.former = [...this.former, ...this.routers].filter(({ slot }) => !kept.has(slot) && this.isHeld(slot));
    this.routers = routers;
    if (this.phase !== 'starting' && this.phase !== 'running') return;
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
    if (life !== this.standby || this.predecessor === null) return;
    this.tell({ kind: 'prepared' });
    if (this.predecessor === 'watched') this.act({ kind: 'watch', id });
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
    if (this.owner?.id !== PREDECESSOR_ID) this.replacements++;
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
    if (this.phase === 'yielding') return this.finish();
    if (this.phase === 'alone') return this.tellAlone();
    const delayMs = this.policy.handleExit((nowUs - life.bornUs) / 1_000);
    this.startDelayMs = delayMs;
    const hasFailed = this.phase === 'starting' && this.policy.failures >= START_FAILURES_MAX;
    if (hasFailed && (life === owner || this.predecessor !== null)) {
      const { failures } = this.policy;
      this.phase = 'over';
      this.tell({ kind: 'start-failed', reason: `the vip process ended ${failures} times at its start: ${reason}` });
      return;
    }
    if (life !== owner) {
      // Nothing is lost: another one takes part.
      this.tell({ kind: wasSuperseded ? 'succeeded' : 'standby-ended', id, reason });
      this.startLater(nowUs, delayMs);
      return;
    }
    const { failures } = this.policy;
    const often = failures === 1 ? 'once' : `${failures} times in a row`;
    this.trouble = `the vip process ended (${reason}), ${often}`;
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
    if (this.phase !== 'starting' && this.phase !== 'running') return;
    const { owner, standby } = this;
    if (standby?.state === 'preparing' && nowUs - standby.bornUs > START_US_MAX) this.kill(standby);
    // Another keeper looks after its own.
    if (owner === null || owner.id === PREDECESSOR_ID) return;
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

  /**
   * A process of another keeper is to go on in the place of whoever takes part now. Until `handleYield` or `handleTogether` none
   * but that one is there, and what it holds is not given up if it dies.
   */
  handleAlone(): void {
    if (this.phase !== 'starting' && this.phase !== 'running') return;
    this.phase = 'alone';
    this.startUs = NEVER;
    this.patienceUs = NEVER;
    for (const life of this.lives.values()) if (life.state !== 'speaking') this.kill(life);
    this.tellAlone();
  }

  /** It will not. All is as before. */
  handleTogether(nowUs: number): void {
    if (this.phase !== 'alone') return;
    this.phase = 'running';
    if (this.owner === null) this.trouble = 'the vip process ended';
    this.startLater(nowUs, 0);
    this.awaitSuccessor(nowUs);
  }

  /** It goes on from now on. */
  handleYield(nowUs: number): void {
    if (this.phase !== 'alone') return;
    this.phase = 'yielding';
    const { owner } = this;
    if (owner === null) return this.finish();
    this.step(owner, 'yield');
    this.act({ kind: 'yield', id: owner.id });
    this.stopUs = nowUs + YIELD_US_MAX;
  }

  /** Everything is handed over. */
  handleStop(nowUs: number): void {
    // One that yields ends by itself.
    if (this.phase === 'ending' || this.phase === 'yielding') return;
    if (this.phase === 'over') return this.finish();
    this.end();
    const { owner } = this;
    // What a predecessor has is that one's.
    if (owner?.id === PREDECESSOR_ID) return this.finish();
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
    // What it holds is another one's by now, or is so any moment.
    const isYielding = this.phase === 'yielding';
    this.end();
    const { owner } = this;
    if (owner !== null && isYielding) this.kill(owner);
    else if (owner !== null && owner.id !== PREDECESSOR_ID) {
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

  /** The one that takes part, and has said so; `changing`: one has just begun to; null: none does. */
  get speakerId(): number | 'changing' | null {
    const { owner } = this;
    if (owner === null || owner.state === 'preparing' || owner.state === 'ready') return null;
    return owner.state === 'speaking' ? owner.id : 'changing';
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
    if (this.phase !== 'starting' && this.phase !== 'running') return;
    this.startUs = nowUs + delayMs * 1_000;
  }

  /** As the one that is to take part if there is none, or else to stand by. */
  private startOne(nowUs: number): void {
    this.startUs = NEVER;
    const { owner } = this;
    if (this.phase !== 'starting' && this.phase !== 'running') return;
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
    if (life.state === 'killed' || life.id === PREDECESSOR_ID) return;
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

  private tellAlone(): void {
    if ([...this.lives.values()].every((life) => life === this.owner && life.state === 'speaking')) {
      this.tell({ kind: 'alone' });
    }
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
