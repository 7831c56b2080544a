/**
 * Stray proxies: processes whose keeper is gone, as the keeper in charge sees those that it has found. One that serves goes on
 * until somebody serves in its place, then it finishes; one that hangs is ended, for nobody else would. Pure: what happened and
 * the time come in, what is to be done comes out.
 */
import { HeartbeatWatch } from '../heartbeat.ts';
import { CUT_MS_MAX } from './fleet.ts';

/** How often `handleLook` is to be called. */
export const STRAY_LOOK_MS = 100;
/** As of a proxy of one's own. */
export const STRAY_SILENCE_MS_MAX = 3_000;

type StrayState =
  /** It has not said yet whether it has a keeper. */
  | 'asked'
  /** It has none, and was not told yet to finish. */
  | 'serving'
  | 'draining'
  | 'killed';

export type StrayAction =
  /** It is none of ours: it has a keeper, or is to go on for another one. */
  | { readonly kind: 'let-go'; readonly id: number }
  | { readonly kind: 'drain'; readonly id: number; readonly withinMs: number; readonly keepsIdle: boolean }
  | { readonly kind: 'kill'; readonly id: number; readonly why: 'silent' | 'overdue' | 'stop' };

interface Stray {
  readonly watch: HeartbeatWatch;
  state: StrayState;
  finishBy: number;
}

export class Strays {
  private readonly strays = new Map<number, Stray>();
  private actions: StrayAction[] = [];
  /** Null: nobody serves in their place yet. */
  private drainMs: number | null = null;

  /** Every one that was found has said how it is, or was ended. */
  get isSettled(): boolean {
    return [...this.strays.values()].every(({ state }) => state !== 'asked');
  }

  get count(): number {
    return this.strays.size;
  }

  // --- in ---

  /** A proxy of another keeper is there, and is asked whether it still has one. */
  handleFound(id: number): void {
    this.strays.set(id, { watch: new HeartbeatWatch(STRAY_LOOK_MS), state: 'asked', finishBy: Infinity });
  }

  /** It has a keeper. */
  handleKept(id: number): void {
    if (this.strays.get(id)?.state === 'asked') this.letGo(id);
  }

  /** It has none. */
  handleStray(now: number, id: number): void {
    const stray = this.strays.get(id);
    if (stray?.state !== 'asked') return;
    stray.state = 'serving';
    if (this.drainMs !== null) this.drain(now, id, stray, this.drainMs, true);
  }

  /** The process is gone. */
  handleGone(id: number): void {
    this.strays.delete(id);
  }

  /**
   * To be called every STRAY_LOOK_MS. `beatOf`: a number that changes with every sign of life. `isKept`: whether its keeper lives,
   * for one that cannot say so.
   */
  handleLook(now: number, beatOf: (id: number) => number, isKept: (id: number) => boolean): void {
    for (const [id, stray] of this.strays) {
      if (stray.state === 'killed') continue;
      // One that is asked has to answer, whatever else it says.
      const beat = stray.state === 'asked' ? 0 : beatOf(id);
      if (stray.watch.handleLook(now, beat) >= STRAY_SILENCE_MS_MAX) {
        if (stray.state === 'asked' && isKept(id)) this.letGo(id);
        else this.kill(id, stray, 'silent');
      } else if (now >= stray.finishBy + CUT_MS_MAX) {
        this.kill(id, stray, 'overdue');
      }
    }
  }

  /**
   * Others serve in their place, or nobody is to serve any more: they finish within this time. `keepsIdle`: clients between requests
   * are not sent away. A later call may shorten it.
   */
  handleSuperseded(now: number, drainMs: number, keepsIdle: boolean): void {
    this.drainMs = drainMs;
    for (const [id, stray] of this.strays) {
      if (stray.state === 'serving' || stray.state === 'draining') this.drain(now, id, stray, drainMs, keepsIdle);
    }
  }

  /** Everything ends at once. Where nobody serves in their place yet, they go on as if they had not been found. */
  handleKill(): void {
    for (const [id, stray] of this.strays) {
      if (stray.state === 'draining') this.kill(id, stray, 'stop');
      else if (stray.state !== 'killed') this.letGo(id);
    }
  }

  // --- out ---

  /** What is to be done, in order, since the last call. */
  takeActions(): readonly StrayAction[] {
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  // --- inside ---

  private drain(now: number, id: number, stray: Stray, withinMs: number, keepsIdle: boolean): void {
    if (stray.state === 'draining' && stray.finishBy <= now + withinMs) return;
    stray.state = 'draining';
    stray.finishBy = now + withinMs;
    this.actions.push({ kind: 'drain', id, withinMs, keepsIdle });
  }

  private letGo(id: number): void {
    this.strays.delete(id);
    this.actions.push({ kind: 'let-go', id });
  }

  private kill(id: number, stray: Stray, why: 'silent' | 'overdue' | 'stop'): void {
    stray.state = 'killed';
    this.actions.push({ kind: 'kill', id, why });
  }
}
