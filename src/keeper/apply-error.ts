import type { BindFailure } from './proxies/listeners.ts';

/** The plan cannot be applied; what was in force still is. The message says why, and what to do. */
export class ApplyError extends Error {
  override readonly name: string = 'ApplyError';
  /** What of it could not be opened. */
  readonly failures: readonly BindFailure[];

  constructor(message: string, failures: readonly BindFailure[] = []) {
    super(message);
    this.failures = failures;
  }
}

/** A proxy says that none could apply it. Others may have. */
export class PlanRefusal extends ApplyError {
  override readonly name = 'PlanRefusal';
}
