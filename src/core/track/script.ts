/**
 * What the runs of a check say about what it checks. Pure: results come in, what to run next and a verdict come out.
 *
 * The first result decides at once, either way: until it is there the verdict is open, and a node that waits for it holds no
 * address. After that `fall` failures in a row, or `rise` passes in a row, decide. A check that has a `recover` command gets
 * one more chance: the command is run once and the check again after it, and only what that check says counts. The command
 * is not run a second time before the check has been well again: a service that does not come back is not restarted for
 * ever, and the address is somewhere else by then.
 */

export type ScriptState = 'unknown' | 'up' | 'recovering' | 'confirming' | 'down';

/** `risen` and `fallen` are the pass and the failure that complete a row of `rise` or `fall`. */
export type ScriptInput = 'passed' | 'risen' | 'failed' | 'fallen' | 'recovered' | 'not-recovered';

/** The whole machine. `recovering` becomes `down` where there is nothing to recover with. docs/tracking.md shows it. */
export const SCRIPT_TRANSITIONS: Readonly<Record<ScriptState, Readonly<Partial<Record<ScriptInput, ScriptState>>>>> = {
  unknown: { passed: 'up', risen: 'up', failed: 'recovering', fallen: 'recovering' },
  up: { passed: 'up', risen: 'up', failed: 'up', fallen: 'recovering' },
  recovering: { recovered: 'confirming', 'not-recovered': 'down' },
  confirming: { passed: 'up', risen: 'up', failed: 'down', fallen: 'down' },
  down: { passed: 'down', risen: 'up', failed: 'down', fallen: 'down' },
};

export interface ScriptOptions {
  readonly rise: number;
  readonly fall: number;
  readonly hasRecover: boolean;
}

export class ScriptTrack {
  state: ScriptState = 'unknown';
  /** Null: no result yet. */
  isUp: boolean | null = null;
  /** Equal results in a row, the last one included. */
  streak = 0;
  private isPassing = false;
  private readonly options: ScriptOptions;

  constructor(options: ScriptOptions) {
    this.options = options;
  }

  /** As if the last results had been these, before the first run. */
  restore(isUp: boolean): void {
    this.state = isUp ? 'up' : 'down';
    this.isUp = isUp;
    this.isPassing = isUp;
  }

  /** What is to be run next. `check-now` does not wait for the interval. */
  get next(): 'check' | 'check-now' | 'recover' {
    if (this.state === 'recovering') return 'recover';
    return this.state === 'confirming' ? 'check-now' : 'check';
  }

  /** A run of the check ended. */
  handleCheck(isPassed: boolean): void {
    this.streak = isPassed === this.isPassing ? this.streak + 1 : 1;
    this.isPassing = isPassed;
    if (isPassed) this.handle(this.streak >= this.options.rise ? 'risen' : 'passed');
    else this.handle(this.streak >= this.options.fall ? 'fallen' : 'failed');
  }

  /** The recover command ended. */
  handleRecovery(isDone: boolean): void {
    this.handle(isDone ? 'recovered' : 'not-recovered');
  }

  private handle(input: ScriptInput): void {
    // A result that nobody waits for any more says nothing.
    const to = SCRIPT_TRANSITIONS[this.state][input] ?? this.state;
    this.state = to === 'recovering' && !this.options.hasRecover ? 'down' : to;
    if (this.state === 'up') this.isUp = true;
    else if (this.state === 'down') this.isUp = false;
  }
}

/**
 * When the next run begins: a whole number of intervals after the last one began, so that a run that takes longer than the
 * interval leaves out the runs that it overlaps.
 */
export function nextRunMs(beganMs: number, intervalMs: number, nowMs: number): number {
  const passed = Math.max(1, Math.ceil((nowMs - beganMs) / intervalMs));
  return beganMs + passed * intervalMs;
}
