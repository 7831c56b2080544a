/**
 * One announcement: whether this node's addresses are announced to routers, by which interface they are on. Pure: verdicts, orders and the time come
 * in, and `place` says where the addresses have to be; whoever drives it puts them there at each `takeHold`, for `lifeS` seconds.
 *
 * That life is the dead man's watch: a process that is killed or stands still does not lengthen it, and the kernel removes the addresses. So nothing
 * that is decided here has to be undone by anybody else.
 */
import { assert } from '../../base/assert.ts';
import { Tracking } from '../vrrp/tracking.ts';
import { type AnnouncementCause, type AnnouncementState, nextState } from './states.ts';

export interface AnnouncementSettings {
  /** Names of what has to pass. */
  readonly tracked: readonly string[];
  /** How long the addresses stay when nobody lengthens that, in seconds. */
  readonly lifeS: number;
  /** How long routes have the community before they are withdrawn; 0: they are withdrawn at once. */
  readonly gracefulMs: number;
  /** How long routers may take to hear of a withdrawal. */
  readonly convergenceMs: number;
}

/** Where the addresses are: as of the states. Null: they are not here. */
export type AnnouncementPlace = Exclude<AnnouncementState, 'withdrawn'> | null;

export interface AnnouncementChange {
  readonly from: AnnouncementState;
  readonly to: AnnouncementState;
  readonly cause: AnnouncementCause;
  /** What was seen; empty: the cause says it all. */
  readonly detail: string;
  readonly atMs: number;
}

/** Of its life: so often the addresses are held anew. */
const RENEWALS = 5;
/** A route that comes and goes is held back by routers for much longer (RFC 2439): it comes back at the earliest after so long. */
export const HOLD_DOWN_MS = 5_000;
const MS_PER_S = 1_000;
/** How late the kernel may be with the end of a life: longer ones than 5 s are looked at at full seconds. */
const SLACK_MS = 200;

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class Announcement {
  private settings: AnnouncementSettings;
  private readonly tracking: Tracking;
  private current: AnnouncementState = 'withdrawn';
  private changedMs: number;
  private isDrained = false;
  private isStopping = false;
  private hasStarted = false;
  private heldMs = LONG_AGO;
  /** Until then it is not announced again. */
  private heldDownMs = LONG_AGO;
  private changes: AnnouncementChange[] = [];

  /** `isAdopted`: the addresses are announced already; until there are verdicts, things are taken to be as they were then. */
  constructor(settings: AnnouncementSettings, isAdopted: boolean, nowMs: number) {
    this.settings = settings;
    this.changedMs = nowMs;
    this.tracking = new Tracking(isAdopted ? [] : trackedBy(settings));
    if (!isAdopted) return;
    this.tracking.apply(trackedBy(settings));
    this.go('adopted', '', nowMs);
  }

  get state(): AnnouncementState {
    return this.current;
  }

  /** Since when it is in its state. */
  get sinceMs(): number {
    return this.changedMs;
  }

  get place(): AnnouncementPlace {
    return this.current === 'withdrawn' ? null : this.current;
  }

  /** Something that keeps it from being announced; null: nothing does. */
  get obstacle(): string | null {
    const { fault } = this.tracking;
    if (this.isStopping) return 'it stops';
    if (this.isDrained) return 'this node is drained';
    return fault;
  }

  /** Nothing is announced any more, and nobody sends here any more as far as can be known. */
  get hasStopped(): boolean {
    return this.isStopping && this.current === 'withdrawn';
  }

  /** When `tick` is due. */
  get deadlineMs(): number {
    switch (this.current) {
      case 'withdrawn':
        return this.obstacle === null && this.hasStarted ? this.heldDownMs : NEVER;
      case 'announced':
        return this.renewalMs;
      case 'leaving':
        return Math.min(this.renewalMs, this.changedMs + this.settings.gracefulMs);
      case 'converging':
        return Math.min(this.renewalMs, this.changedMs + this.settings.convergenceMs);
    }
  }

  /** From now on it announces what may be announced. */
  start(nowMs: number): void {
    this.hasStarted = true;
    this.settle(nowMs);
  }

  /** What has the name of a thing that was tracked is the same one; what is new changes nothing before its first verdict. */
  apply(settings: AnnouncementSettings, nowMs: number): void {
    this.settings = settings;
    this.tracking.apply(trackedBy(settings));
    this.heldMs = LONG_AGO;
    this.settle(nowMs);
  }

  handleTracked(index: number, isUp: boolean, nowMs: number): void {
    this.tracking.set(index, isUp);
    this.settle(nowMs);
  }

  drain(isDrained: boolean, nowMs: number): void {
    this.isDrained = isDrained;
    this.settle(nowMs);
  }

  /** For good; `hasStopped` says when that is done. */
  stop(nowMs: number): void {
    this.isStopping = true;
    this.settle(nowMs);
  }

  tick(nowMs: number): void {
    this.settle(nowMs);
  }

  /** The addresses are to be held at `place` now, for another life. To be called at each turn: true at most once per renewal. */
  takeHold(nowMs: number): boolean {
    if (this.place === null || nowMs < this.renewalMs) return false;
    this.heldMs = nowMs;
    return true;
  }

  /** What has happened since this was called last. */
  takeChanges(): readonly AnnouncementChange[] {
    const { changes } = this;
    this.changes = [];
    return changes;
  }

  /** Everything that is tracked with its verdict, for people. */
  get tracked(): readonly { readonly name: string; readonly isUp: boolean | null }[] {
    return this.tracking.list();
  }

  private get lifeMs(): number {
    return this.settings.lifeS * MS_PER_S;
  }

  private get renewalMs(): number {
    return this.heldMs + this.lifeMs / RENEWALS;
  }

  private settle(nowMs: number): void {
    const { gracefulMs, convergenceMs } = this.settings;
    // What was known before it stood still is not known any more.
    if (this.place !== null && nowMs - this.heldMs > this.lifeMs + SLACK_MS && this.heldMs !== LONG_AGO) {
      const stoodMs = nowMs - this.heldMs;
      this.heldDownMs = nowMs + HOLD_DOWN_MS;
      this.go('stalled', `their life was not lengthened for ${(stoodMs / MS_PER_S).toFixed(1)} s`, nowMs);
    }
    const { fault } = this.tracking;
    const isWell = this.obstacle === null && this.hasStarted && nowMs >= this.heldDownMs;
    if (this.current === 'announced' || this.current === 'leaving') {
      if (fault !== null) {
        this.heldDownMs = nowMs + HOLD_DOWN_MS;
        this.go('fault', fault, nowMs);
      } else if (this.current === 'announced' && this.isStopping) this.go('stop', '', nowMs);
      else if (this.current === 'announced' && this.isDrained) this.go('drain', '', nowMs);
      else if (this.current === 'leaving' && isWell) this.go('well', '', nowMs);
    } else if (isWell) this.go('well', '', nowMs);
    if (this.current === 'leaving' && nowMs >= this.changedMs + gracefulMs) this.go('moved', '', nowMs);
    if (this.current === 'converging' && nowMs >= this.changedMs + convergenceMs) this.go('converged', '', nowMs);
  }

  private go(cause: AnnouncementCause, detail: string, nowMs: number): void {
    const from = this.current;
    const to = nextState(from, cause);
    assert(to !== undefined, `${from} does not end by ${cause}`);
    this.current = to;
    this.changedMs = nowMs;
    // Where they are from now on they have to be at once.
    this.heldMs = LONG_AGO;
    this.changes.push({ from, to, cause, detail, atMs: nowMs });
  }
}

function trackedBy({ tracked }: AnnouncementSettings): readonly { readonly name: string; readonly weight: number }[] {
  return tracked.map((name) => ({ name, weight: 0 }));
}
