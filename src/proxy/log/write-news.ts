/** What the keeper is told of an access log that cannot be written: when that begins, at most once a minute, and when it is over. */
import type { ProxyEvent } from '../../port/control.ts';

const AGAIN_MS = 60_000;

export class WriteNews {
  private readonly log: string;
  private readonly report: (event: ProxyEvent) => void;
  private readonly clock: { readonly now: number };
  private isTold = false;
  private againAt = -Infinity;

  constructor(log: string, report: (event: ProxyEvent) => void, clock: { readonly now: number }) {
    this.log = log;
    this.report = report;
    this.clock = clock;
  }

  /** `error`: an errno, above 0. */
  handleFailure(error: number): void {
    if (this.isTold || this.clock.now < this.againAt) return;
    this.isTold = true;
    this.againAt = this.clock.now + AGAIN_MS;
    this.report({ kind: 'log-stuck', log: this.log, error });
  }

  handleSuccess(): void {
    if (!this.isTold) return;
    this.isTold = false;
    this.report({ kind: 'log-written', log: this.log });
  }
}
