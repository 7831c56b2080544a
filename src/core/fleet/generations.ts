/**
 * The keepers of one evenkeel, as the one that is in charge sees them: itself, the one that is to succeed it, and those
 * before it that still finish what they have. Pure: what happened and the time come in, what is to be done comes out.
 *
 * A successor is told to take over when it serves; from then on this keeper finishes. Before that, virtual addresses change
 * hands: one process of each is left that would go on with them, and then only the successor's. One that does not get there is
 * ended, and nothing has happened.
 */
import { arrowsOf, meanings, stateDiagram } from '../state-diagram.ts';

/** How long a successor may take until it serves. */
export const UPGRADE_MS_MAX = 30_000;
/** How long it may take from then on until its process stands by for the one that has the addresses. */
export const STAND_BY_MS_MAX = 3_000;
/** Keepers before this one that may still be finishing. */
export const OLD_GENERATIONS_MAX = 3;

export type ChargeState = 'serving' | 'upgrading' | 'parting' | 'yielding' | 'succeeded';

export const CHARGE_STATES: Readonly<Record<ChargeState, string>> = {
  serving: 'It is in charge.',
  upgrading: 'It is in charge, and another one gets ready to succeed it.',
  parting:
    'The other one serves. Of the processes for virtual addresses only the one that takes part is left here, and one of the other keeper gets ready to follow it.',
  yielding:
    'There is no way back: the process that takes part ends in a good moment, and the other one goes on in its place.',
  succeeded: 'Another one is in charge; it finishes what it has.',
};

export type ChargeEvent = 'upgrade' | 'ready' | 'stands-by' | 'yielded' | 'failed' | 'overdue' | 'stop';

export const CHARGE_EVENTS: Readonly<Record<ChargeEvent, string>> = {
  upgrade: 'It is asked to give way to the program that is on disk now.',
  ready: 'The successor serves.',
  'stands-by': 'It goes on with the virtual addresses as soon as they are left to it; or there are none.',
  yielded: 'The process that had them is gone.',
  failed: 'The successor cannot serve, or has ended.',
  overdue: 'The successor does not serve in time.',
  stop: 'It is told to end.',
};

/** What is not in a row changes nothing. */
export const CHARGE_TRANSITIONS: Readonly<Record<ChargeState, Readonly<Partial<Record<ChargeEvent, ChargeState>>>>> = {
  serving: { upgrade: 'upgrading' },
  upgrading: { ready: 'parting', failed: 'serving', overdue: 'serving', stop: 'serving' },
  parting: { 'stands-by': 'yielding', failed: 'serving', overdue: 'serving', stop: 'serving' },
  yielding: { yielded: 'succeeded' },
  succeeded: {},
};

/** The diagram and the tables of docs/upgrade.md. */
export function renderCharge(): string {
  return [
    ...stateDiagram(['[*] --> serving'], arrowsOf(CHARGE_TRANSITIONS)),
    '',
    ...meanings('state', CHARGE_STATES),
    '',
    ...meanings('event', CHARGE_EVENTS),
  ].join('\n');
}

export type GenerationAction =
  /** Start the program that is on disk now. */
  | { readonly kind: 'start' }
  /** Have none but the process that takes part left for the virtual addresses, and the successor's stand by for it. */
  | { readonly kind: 'part' }
  /** End that process: the successor's goes on. */
  | { readonly kind: 'yield' }
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
  private readyAt = Infinity;
  /** It ended when there was no way back. */
  private isSuccessorGone = false;
  /** The oldest first. */
  private old: number[] = [];
  private actions: GenerationAction[] = [];

  get isInCharge(): boolean {
    return this.state !== 'succeeded';
  }

  // --- in ---

  /** False: one is under way, or over. */
  handleUpgrade(now: number): boolean {
    if (!this.step('upgrade')) return false;
    this.startedAt = now;
    this.readyAt = Infinity;
    this.actions.push({ kind: 'start' });
    return true;
  }

  /** The successor serves. */
  handleReady(now: number): void {
    if (!this.step('ready')) return;
    this.readyAt = now;
    this.actions.push({ kind: 'part' });
  }

  handleStandsBy(): void {
    if (this.step('stands-by')) this.actions.push({ kind: 'yield' });
  }

  handleYielded(): void {
    if (!this.step('yielded')) return;
    this.actions.push({ kind: 'hand-over' });
    if (this.isSuccessorGone) this.actions.push({ kind: 'hasten' });
  }

  handleFailed(reason: string): void {
    this.abandon('failed', reason);
  }

  /** The successor, or whoever succeeded that one, is gone, and nobody has taken its place. */
  handleSuccessorGone(): void {
    if (this.state === 'succeeded') this.actions.push({ kind: 'hasten' });
    else if (this.state === 'yielding') this.isSuccessorGone = true;
    else {
      const what = this.state === 'parting' ? 'stood by for the virtual addresses' : 'served';
      this.abandon('failed', `the new program ended before it ${what}; the log has what it wrote`);
    }
  }

  handleStop(): void {
    this.abandon('stop', 'evenkeel ends');
  }

  /** To be called once a second. */
  handleLook(now: number): void {
    if (now - this.readyAt >= STAND_BY_MS_MAX) {
      this.abandon(
        'overdue',
        `the new program does not stand by for the virtual addresses after ${STAND_BY_MS_MAX / 1_000} s`,
      );
    } else if (now - this.startedAt >= UPGRADE_MS_MAX) {
      this.abandon('overdue', `the new program does not serve after ${UPGRADE_MS_MAX / 1_000} s`);
    }
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
    if (!this.step(event)) return;
    this.actions.push({ kind: 'abandon', reason });
  }

  /** False: it changes nothing now. */
  private step(event: ChargeEvent): boolean {
    const to = CHARGE_TRANSITIONS[this.state][event];
    if (to === undefined) return false;
    this.state = to;
    return true;
  }
}
