/**
 * What the results of probes say about one server. Pure: results come in, a state comes out; who probes, and when, is
 * elsewhere.
 *
 * A server is assumed to be up until the first probe: a start does not wait for health checks. One that joins others which
 * are known to work is awaited: it gets nothing before its first probe has passed.
 * But an assumption counts little, so the first failure already takes the server down (HAProxy does the same). After that
 * only `fall` failures in a row, or `rise` passes in a row, change anything.
 */

export type ActiveState = 'assumed' | 'awaited' | 'up' | 'down';

/** A probe's result; `risen` and `fallen` are the pass and the failure that complete a row of `rise` or `fall`. */
export type ActiveInput = 'passed' | 'risen' | 'failed' | 'fallen';

/** The whole machine. The diagram in docs/health.md is made from it. */
export const ACTIVE_TRANSITIONS: Readonly<Record<ActiveState, Readonly<Record<ActiveInput, ActiveState>>>> = {
  assumed: { passed: 'up', risen: 'up', failed: 'down', fallen: 'down' },
  awaited: { passed: 'up', risen: 'up', failed: 'down', fallen: 'down' },
  up: { passed: 'up', risen: 'up', failed: 'up', fallen: 'down' },
  down: { passed: 'down', risen: 'up', failed: 'down', fallen: 'down' },
};

export class ActiveHealth {
  state: ActiveState;
  /** Equal results in a row, the last one included. */
  streak = 0;
  private isPassing = true;
  /** Both 1 or more. */
  rise: number;
  fall: number;

  constructor(rise: number, fall: number, state: ActiveState = 'assumed') {
    this.rise = rise;
    this.fall = fall;
    this.state = state;
  }

  /** Nobody else is left to do the work. */
  assume(): void {
    if (this.state === 'awaited') this.state = 'assumed';
  }

  /** True if the state is now another one. */
  handleResult(isPassed: boolean): boolean {
    this.streak = isPassed === this.isPassing ? this.streak + 1 : 1;
    this.isPassing = isPassed;
    const before = this.state;
    this.state = ACTIVE_TRANSITIONS[before][this.inputOf(isPassed)];
    return this.state !== before;
  }

  private inputOf(isPassed: boolean): ActiveInput {
    if (isPassed) return this.streak >= this.rise ? 'risen' : 'passed';
    return this.streak >= this.fall ? 'fallen' : 'failed';
  }
}
