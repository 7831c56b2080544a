/**
 * The proxies of one keeper: which processes there are, which of them serve, what plan each has, and what is to be done when
 * one ends, hangs or cannot do what it is told. Pure: what happened and the time come in, what to do and what to say come
 * out. Calls may come in any order; `now` never goes back.
 *
 * A worker is a place that is to be filled, a life is one process that fills it; each life has a row of the status board to
 * itself until its process is gone. A worker has at most one life that is not on its way out, and as many others as are
 * still finishing.
 */
import { assert } from '../../base/assert.ts';
import { LAST_WORDS_MS } from '../../base/limits.ts';
import { HeartbeatWatch } from '../heartbeat.ts';
import { RestartPolicy } from '../restart.ts';
import { LIFE_TRANSITIONS, type LifeEvent, type LifeState } from './states.ts';

/** How often `handleLook` is to be called. */
export const LOOK_INTERVAL_MS = 250;
/** A turn takes microseconds; a collection of garbage, at worst, a tenth of a second. */
const SILENCE_MS_MAX = 3_000;
/** Node's own start on a busy machine. */
const START_MS_MAX = 20_000;
/** A plan is applied within one turn; a machine under load may take its time to get to it. */
const APPLY_MS_MAX = 10_000;
/** It ends what is left by itself when its time to finish is over, and has this time for it. */
export const CUT_MS_MAX = 2 * LAST_WORDS_MS;
/** If no proxy ever served and one failed this often, none will. */
const START_FAILURES_MAX = 3;

export type FleetAction =
  /** Start a process as `worker`, with this row, which is cleared before. Its first message is to be `apply`. */
  | { readonly kind: 'spawn'; readonly row: number; readonly worker: number; readonly generation: number }
  | { readonly kind: 'apply'; readonly row: number; readonly worker: number; readonly generation: number }
  | { readonly kind: 'drain'; readonly row: number; readonly withinMs: number | null; readonly keepsIdle: boolean }
  | { readonly kind: 'kill'; readonly row: number }
  /** The process serves by the plan `generation`, which it was sent: it uses nothing of before. */
  | { readonly kind: 'acknowledge'; readonly row: number; readonly generation: number }
  /** The process is gone: what it left on its row counts no longer. */
  | { readonly kind: 'clear'; readonly row: number }
  | { readonly kind: 'tell'; readonly event: FleetEvent };

/** What a person or the rest of the keeper should know. */
export type FleetEvent =
  /** Every worker serves, for the first time. */
  | { readonly kind: 'started' }
  | { readonly kind: 'start-failed'; readonly reason: string }
  /** Every living proxy serves by this plan. */
  | { readonly kind: 'applied'; readonly generation: number }
  | { readonly kind: 'serving'; readonly worker: number; readonly tookMs: number }
  /** `restartMs`: how long until another one starts. */
  | { readonly kind: 'ended'; readonly worker: number; readonly reason: string; readonly restartMs: number }
  | { readonly kind: 'replaced'; readonly worker: number; readonly reason: string }
  /** No proxy can serve by this plan. Those that serve go on by the one before, and wait for another. */
  | { readonly kind: 'refused'; readonly generation: number; readonly reason: string }
  /** What a proxy that works as it should never does. It is ended. `reason`: what it did, as a predicate. */
  | { readonly kind: 'invalid'; readonly worker: number; readonly reason: string }
  | { readonly kind: 'silent'; readonly worker: number; readonly silenceMs: number }
  /** Its time to finish is over while it still had something to finish, which is ended. */
  | { readonly kind: 'overdue'; readonly worker: number }
  /** After `handleStop`: no process is left. */
  | { readonly kind: 'over'; readonly cut: number };

interface Life {
  readonly row: number;
  readonly worker: number;
  readonly startedAt: number;
  readonly watch: HeartbeatWatch;
  state: LifeState;
  /** The plan it has; -1: none yet. */
  applied: number;
  /** The plan it was sent last, and when. */
  sent: number;
  sentAt: number;
  /** The plans it was sent and has said nothing about. */
  readonly unanswered: Set<number>;
  /** When it has to have finished. */
  finishBy: number;
  /** It has ended what was left then. */
  isCut: boolean;
}

/** How a place is filled, or who finishes. */
export interface FleetAccount {
  readonly worker: number;
  /** -1: there is no process. */
  readonly row: number;
  /** `ended`: the process is gone and the next one has not been started yet. */
  readonly state: 'starting' | 'serving' | 'draining' | 'ended';
  /** How often the place had to be filled again. */
  readonly restarts: number;
  /** Of the last process here that ended unasked; null: none has. */
  readonly lastEnd: { readonly reason: string; readonly atMs: number } | null;
}

interface Worker {
  readonly policy: RestartPolicy;
  restarts: number;
  lastEnd: FleetAccount['lastEnd'];
  /** When the next life starts; Infinity: while one lives. */
  startAt: number;
}

export class Fleet {
  private readonly rows: (Life | null)[];
  private workers: Worker[] = [];
  private generation = -1;
  private actions: FleetAction[] = [];
  private phase: 'starting' | 'serving' | 'stopping' | 'over' = 'starting';
  private reported = -1;
  /** Of those that were stopped: had something left. */
  private cut = 0;

  /** `rows`: how many processes there may be at a time, finishing ones included. */
  constructor(rows: number) {
    this.rows = new Array<Life | null>(rows).fill(null);
  }

  // --- in ---

  /** From now on there are `workers` of them, by the plan `generation`. The first call is the start. `drainMs`: what ends gets. */
  handlePlan(now: number, generation: number, workers: number, drainMs: number): void {
    assert(generation > this.generation, 'generations only grow');
    if (this.phase === 'stopping' || this.phase === 'over') return;
    this.generation = generation;
    while (this.workers.length < workers) {
      this.workers.push({ policy: new RestartPolicy(), restarts: 0, lastEnd: null, startAt: now });
    }
    this.workers.length = workers;
    for (const life of this.lives()) {
      if (life.worker >= workers) this.drain(life, now, drainMs);
      else if (isWanted(life)) this.send(life, now);
    }
    this.fill(now);
    this.report();
  }

  /** The process of this row says that it serves by the plan `generation`. */
  handleApplied(now: number, row: number, generation: number): void {
    const life = this.answering(row, generation);
    if (life === null) return;
    const before = life.state;
    life.applied = generation;
    // Plans are answered in order.
    for (const each of life.unanswered) if (each < generation) life.unanswered.delete(each);
    this.act({ kind: 'acknowledge', row, generation });
    this.step(life, 'applied');
    if (before === 'starting' && life.state === 'serving' && this.phase === 'serving') {
      this.tell({ kind: 'serving', worker: life.worker, tookMs: now - life.startedAt });
    }
    this.report();
  }

  /** It says that it cannot apply the plan `generation`, or that could not be sent to it: another process may do better. */
  handleRefused(now: number, row: number, generation: number, reason: string): void {
    const life = this.answering(row, generation);
    if (life === null) return;
    if (generation === life.sent) this.replace(life, now, reason);
    this.report();
  }

  /** It says that no process can apply the plan `generation`. What serves serves on. */
  handlePlanRefused(row: number, generation: number, reason: string): void {
    const life = this.answering(row, generation);
    if (life === null || generation !== life.sent || !isWanted(life)) return;
    if (this.phase === 'starting') {
      this.tell({ kind: 'start-failed', reason });
      this.handleKill();
      return;
    }
    this.tell({ kind: 'refused', generation, reason });
    // its exit says when the next one starts
    if (life.state === 'starting') this.kill(life, 'refused');
  }

  /** The process of this row did what none does that works as it should: `reason`, as a predicate. */
  handleInvalid(row: number, reason: string): void {
    const life = this.rows[row];
    if (life === null || life.state === 'killed') return;
    this.tell({ kind: 'invalid', worker: life.worker, reason });
    this.kill(life, 'invalid');
  }

  /** It says that its time to finish was over, and that it has ended what was left. It ends by itself. */
  handleCut(row: number): void {
    const life = this.rows[row];
    if (life?.state !== 'draining' || life.isCut) return;
    life.isCut = true;
    this.tell({ kind: 'overdue', worker: life.worker });
    if (this.phase === 'stopping') this.cut++;
  }

  /** The process of this row is gone, or could not be started. */
  handleExit(now: number, row: number, reason: string): void {
    const life = this.rows[row];
    if (life === null) return;
    const wasFinishing = life.state === 'draining';
    this.step(life, 'exit');
    this.rows[row] = null;
    this.act({ kind: 'clear', row });
    const isMissed = life.worker < this.workers.length && this.lifeOf(life.worker) === null;
    if (this.phase !== 'stopping' && isMissed && !wasFinishing) this.restart(life, now, reason);
    this.fill(now);
    this.report();
  }

  /** Looks at the heartbeats, every LOOK_INTERVAL_MS. `beatOf`: a number that changes with every turn of that proxy. */
  handleLook(now: number, beatOf: (row: number) => number): void {
    for (const life of this.lives()) {
      if (life.state === 'killed') continue;
      const silenceMs = life.watch.handleLook(now, beatOf(life.row));
      if (silenceMs >= (life.state === 'starting' ? START_MS_MAX : SILENCE_MS_MAX)) {
        this.tell({ kind: 'silent', worker: life.worker, silenceMs });
        this.kill(life, 'silent');
      } else if (now >= life.finishBy + CUT_MS_MAX) {
        if (!life.isCut) this.tell({ kind: 'overdue', worker: life.worker });
        this.kill(life, 'overdue');
      } else if (life.state === 'serving' && life.unanswered.has(life.sent) && now - life.sentAt >= APPLY_MS_MAX) {
        this.replace(life, now, `no answer for ${APPLY_MS_MAX / 1000} s`);
      }
    }
    this.fill(now);
    this.report();
  }

  /** Everything ends, within `graceMs`. A later call may shorten that. */
  handleStop(now: number, graceMs: number, keepsIdle = false): void {
    if (this.phase === 'over') return;
    this.phase = 'stopping';
    for (const life of this.lives()) this.drain(life, now, graceMs, keepsIdle);
    this.report();
  }

  /** Everything ends at once. */
  handleKill(): void {
    if (this.phase === 'over') return;
    this.phase = 'stopping';
    for (const life of this.lives()) if (life.state !== 'killed') this.kill(life, 'overdue');
    this.report();
  }

  // --- out ---

  /** What is to be done, in order, since the last call. */
  takeActions(): readonly FleetAction[] {
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  /** When `handleLook` is due earlier than by its interval: the start of a worker that waits. Infinity: never. */
  nextStart(): number {
    return this.phase === 'stopping' || this.phase === 'over'
      ? Infinity
      : Math.min(Infinity, ...this.workers.map(({ startAt }) => startAt));
  }

  /** Every place in order, and after them those that finish. */
  accounts(): readonly FleetAccount[] {
    const places = this.workers.map(({ restarts, lastEnd }, worker): FleetAccount => {
      const life = this.lifeOf(worker);
      const state = life === null ? 'ended' : life.state === 'starting' ? 'starting' : 'serving';
      return { worker, row: life?.row ?? -1, state, restarts, lastEnd };
    });
    const finishing = [...this.lives()]
      .filter((life) => !isWanted(life))
      .map(({ worker, row }): FleetAccount => ({ worker, row, state: 'draining', restarts: 0, lastEnd: null }));
    return [...places.filter(({ row }) => row >= 0 || this.phase !== 'stopping'), ...finishing];
  }

  // --- inside ---

  private *lives(): Generator<Life> {
    for (const life of this.rows) if (life !== null) yield life;
  }

  /** Who answers this plan. Null: nobody does, or one who was not asked, or has answered. */
  private answering(row: number, generation: number): Life | null {
    const life = this.rows[row];
    if (life === null || life.state === 'killed') return null;
    if (life.unanswered.delete(generation)) return life;
    this.handleInvalid(row, 'answered a plan that it was not asked about');
    return null;
  }

  private lifeOf(worker: number): Life | null {
    for (const life of this.lives()) if (life.worker === worker && isWanted(life)) return life;
    return null;
  }

  /** Starts who is to be started, as far as there are rows. */
  private fill(now: number): void {
    if (this.phase === 'stopping' || this.phase === 'over') return;
    this.workers.forEach((worker, index) => {
      if (now < worker.startAt || this.lifeOf(index) !== null) return;
      const row = this.rows.indexOf(null);
      if (row < 0) return; // the end of a finishing one makes room
      worker.startAt = Infinity;
      const { generation } = this;
      this.rows[row] = {
        row,
        worker: index,
        startedAt: now,
        watch: new HeartbeatWatch(LOOK_INTERVAL_MS),
        state: 'starting',
        applied: -1,
        sent: generation,
        sentAt: now,
        unanswered: new Set([generation]),
        finishBy: Infinity,
        isCut: false,
      };
      this.act({ kind: 'spawn', row, worker: index, generation });
    });
  }

  private send(life: Life, now: number): void {
    life.sent = this.generation;
    life.sentAt = now;
    life.unanswered.add(life.sent);
    this.act({ kind: 'apply', row: life.row, worker: life.worker, generation: this.generation });
  }

  /** It ended though it was wanted: when does the next one start? */
  private restart(life: Life, now: number, reason: string): void {
    const worker = this.workers[life.worker];
    const restartMs = worker.policy.handleExit(now - life.startedAt);
    const { failures } = worker.policy;
    if (this.phase === 'starting' && failures >= START_FAILURES_MAX) {
      const what = `proxy ${life.worker} ended ${failures} times at its start: ${reason}`;
      this.tell({ kind: 'start-failed', reason: what });
      this.handleKill();
      return;
    }
    this.tell({ kind: 'ended', worker: life.worker, reason, restartMs });
    worker.restarts++;
    worker.lastEnd = { reason, atMs: now };
    worker.startAt = now + restartMs;
  }

  /** Another process takes its place at once; it finishes what it has. */
  private replace(life: Life, now: number, reason: string): void {
    if (!isWanted(life)) return;
    const wasServing = life.state === 'serving';
    const state = this.step(life, 'refused');
    if (state === 'killed') this.act({ kind: 'kill', row: life.row });
    else this.act({ kind: 'drain', row: life.row, withinMs: null, keepsIdle: false });
    if (!wasServing || this.phase !== 'serving') return; // its exit says when the next one starts
    this.tell({ kind: 'replaced', worker: life.worker, reason });
    this.workers[life.worker].startAt = now;
    this.fill(now);
  }

  private drain(life: Life, now: number, withinMs: number, keepsIdle = false): void {
    const finishBy = now + withinMs;
    if (life.state === 'killed' || (life.state === 'draining' && life.finishBy <= finishBy)) return;
    life.finishBy = finishBy;
    this.step(life, 'drain');
    this.act({ kind: 'drain', row: life.row, withinMs, keepsIdle });
  }

  private kill(life: Life, event: LifeEvent): void {
    if (this.phase === 'stopping' && !life.isCut) this.cut++;
    this.step(life, event);
    this.act({ kind: 'kill', row: life.row });
  }

  private step(life: Life, event: LifeEvent): LifeState {
    life.state = LIFE_TRANSITIONS[life.state][event];
    return life.state;
  }

  /** Says what has become true of all of them together. */
  private report(): void {
    const lives = [...this.lives()];
    if (this.phase === 'stopping') {
      if (lives.length > 0) return;
      this.phase = 'over';
      this.tell({ kind: 'over', cut: this.cut });
      return;
    }
    if (this.phase === 'starting') {
      if (this.generation < 0) return; // nobody is wanted yet
      if (!this.workers.every((_, index) => this.lifeOf(index)?.state === 'serving')) return;
      this.phase = 'serving';
      this.tell({ kind: 'started' });
    }
    if (this.phase !== 'serving' || this.reported === this.generation) return;
    // Who is not serving yet begins with the newest plan.
    if (lives.some(({ state, applied }) => state === 'serving' && applied < this.generation)) return;
    this.reported = this.generation;
    this.tell({ kind: 'applied', generation: this.generation });
  }

  private act(action: FleetAction): void {
    this.actions.push(action);
  }

  private tell(event: FleetEvent): void {
    this.actions.push({ kind: 'tell', event });
  }
}

/** It fills its place: it serves, or is going to. */
function isWanted(life: Life): boolean {
  return life.state === 'starting' || life.state === 'serving';
}
