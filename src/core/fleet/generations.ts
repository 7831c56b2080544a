/**
 * The keepers of one evenkeel, as the one that is in charge sees them: itself, the one that is to succeed it, and those
 * before it that still finish what they have. Pure: what happened and the time come in, what is to be done comes out.
 *
 * A successor is told to take over when it serves; from then on this keeper finishes. One that does not get there is ended,
 * and nothing has happened.
 */
import { arrowsOf, meanings, stateDiagram } from '../state-diagram.ts';

/** How long a successor may take until it serves. */
export const UPGRADE_MS_MAX = 30_000;
/** Keepers before this one that may still be finishing. */
export const OLD_GENERATIONS_MAX = 3;

export type ChargeState = 'serving' | 'upgrading' | 'succeeded';

export const CHARGE_STATES: Readonly<Record<ChargeState, string>> = {
  serving: 'It is in charge.',
  upgrading: 'It is in charge, and another one gets ready to succeed it.',
  succeeded: 'Another one is in charge; it finishes what it has.',
};

export type ChargeEvent = 'upgrade' | 'ready' | 'failed' | 'overdue' | 'stop';

export const CHARGE_EVENTS: Readonly<Record<ChargeEvent, string>> = {
  upgrade: 'It is asked to give way to the program that is on disk now.',
  ready: 'The successor serves.',
  failed: 'The successor cannot serve, or has ended.',
  overdue: 'The successor does not serve in time.',
  stop: 'It is told to end.',
};

export const CHARGE_TRANSITIONS: Readonly<Record<ChargeState, Readonly<Record<ChargeEvent, ChargeState>>>> = {
  serving: { upgrade: 'upgrading', ready: 'serving', failed: 'serving', overdue: 'serving', stop: 'serving' },
  upgrading: { upgrade: 'upgrading', ready: 'succeeded', failed: 'serving', overdue: 'serving', stop: 'serving' },
  succeeded: { upgrade: 'succeeded', ready: 'succeeded', failed: 'succeeded', overdue: 'succeeded', stop: 'succeeded' },
};

/** The diagram and the tables of docs/upgrade.md. */
export function renderCharge(): string {
  const arrows = arrowsOf(CHARGE_TRANSITIONS).filter(({ from, to }) => from !== to);
  return [
    ...stateDiagram(['[*] --> serving'], arrows),
    '',
    ...meanings('state', CHARGE_STATES),
    '',
    ...meanings('event', CHARGE_EVENTS),
  ].join('\n');
}

export type GenerationAction =
  /** Start the program that is on disk now. */
  | { readonly kind: 'start' }
  /** Have it take over, and finish. */
  | { readonly kind: 'hand-over' }
  /** End it now. */
  | { readonly kind: 'abandon'; readonly reason: string }
  /** Nobody is in charge who would count this keeper among those that finish: finish within `grace`. */
  | { readonly kind: 'hasten' }
  /** End a keeper before this one now, whatever it has left. */
  | { readonly kind: 'end'; readonly id: number };

export class Generations {
  private state: ChargeState = 'serving';
  private startedAt = 0;
  /** The oldest first. */
  private old: number[] = [];
  private actions: GenerationAction[] = [];

  get isUpgrading(): boolean {
    return this.state === 'upgrading';
  }

  get isInCharge(): boolean {
    return this.state !== 'succeeded';
  }

  // --- in ---

  /** False: one is under way, or over. */
  handleUpgrade(now: number): boolean {
    if (this.state !== 'serving') return false;
    this.step('upgrade');
    this.startedAt = now;
    this.actions.push({ kind: 'start' });
    return true;
  }

  /** The successor serves. */
  handleReady(): void {
    if (this.state !== 'upgrading') return;
    this.step('ready');
    this.actions.push({ kind: 'hand-over' });
  }

  handleFailed(reason: string): void {
    this.abandon('failed', reason);
  }

  /** The successor, or whoever succeeded that one, is gone, and nobody has taken its place. */
  handleSuccessorGone(): void {
    if (this.state === 'succeeded') this.actions.push({ kind: 'hasten' });
    else this.abandon('failed', 'the new program ended before it served; the log has what it wrote');
  }

  handleStop(): void {
    this.abandon('stop', 'evenkeel ends');
  }

  /** To be called once a second. */
  handleLook(now: number): void {
    if (now - this.startedAt < UPGRADE_MS_MAX) return;
    this.abandon('overdue', `the new program does not serve after ${UPGRADE_MS_MAX / 1_000} s`);
  }

  /** A keeper before this one still finishes. In their order, the oldest first. */
  handleOld(id: number): void {
    this.old.push(id);
    while (this.old.length > OLD_GENERATIONS_MAX) this.actions.push({ kind: 'end', id: this.old.shift()! });
  }

  /** It has finished, or is gone. */
  handleFinished(id: number): void {
    this.old = this.old.filter((each) => each !== id);
  }

  // --- out ---

  /** What is to be done, in order, since the last call. */
  takeActions(): readonly GenerationAction[] {
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  private abandon(event: ChargeEvent, reason: string): void {
    if (this.state !== 'upgrading') return;
    this.step(event);
    this.actions.push({ kind: 'abandon', reason });
  }

  private step(event: ChargeEvent): void {
    this.state = CHARGE_TRANSITIONS[this.state][event];
  }
}
