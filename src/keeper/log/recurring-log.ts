/** Lines for what happens again and again: as seldom as core/answers/recurrence.ts says, for all proxies together. */
import { type Telling, Recurrence } from '../../core/answers/recurrence.ts';
import type { Log, LogDetails } from './log.ts';

export interface Recurring {
  readonly level: 'info' | 'warn';
  /** The line; `times`: how often and in which time, for example `3 requests within 60 s were`. */
  readonly text: (count: number, within: string) => string;
  readonly details: LogDetails;
  /** What one sample of it is called among the details. Without this it is a request. */
  readonly sampled?: 'cause';
}

const SAMPLE_LENGTH_MAX = 128;

export class RecurringLog {
  private readonly log: Log;
  private readonly now: () => number;
  private readonly recurrence = new Recurrence<Recurring>();
  private timer: NodeJS.Timeout | undefined;

  constructor(log: Log, now: () => number) {
    this.log = log;
    this.now = now;
  }

  /** It happened `count` times more. `key`: one of few. `sample`: of one of the times, or empty; a proxy's word. */
  handle(key: string, what: Recurring, count: number, sample: string): void {
    const telling = this.recurrence.handle(this.now(), key, what, count, sample.slice(0, SAMPLE_LENGTH_MAX));
    if (telling !== null) this.write(telling);
    this.arm();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    if (this.timer !== undefined) return;
    const { nextDeadline } = this.recurrence;
    if (nextDeadline === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(nextDeadline - this.now()));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      for (const telling of this.recurrence.due(this.now())) this.write(telling);
      this.arm();
    }, delayMs);
  }

  private write({ subject, count, withinMs, sample }: Telling<Recurring>): void {
    const within = withinMs === 0 ? '' : ` within ${Math.round(withinMs / 1000)} s`;
    const { details: always, sampled = 'request' } = subject;
    const details = sample === '' ? always : { ...always, [sampled]: sample };
    this.log[subject.level](subject.text(count, within), details);
  }
}
