/** None of it can serve; the message says why and what to do. */
import type { BindFailure } from './proxies/listeners.ts';

export class StartError extends Error {
  override readonly name = 'StartError';
  /** What could not be opened, if that is the reason. */
  readonly failures: readonly BindFailure[];

  constructor(message: string, failures: readonly BindFailure[] = []) {
    super(message);
    this.failures = failures;
  }
}
