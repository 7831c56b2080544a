/**
 * Keeps what happens again and again from filling the log: of messages that differ in nothing but numbers, so many are written
 * in a while; the others are counted, and the count is written when the while is over. What happens seldom is never held
 * back, and nothing is left out in silence.
 */
import type { LogLevel } from '../../port/control.ts';
import type { Log, LogDetails } from './log.ts';

/** In one period, of one kind. */
const LINES_MAX = 20;
const PERIOD_MS = 10_000;
/** Beyond so many kinds in one period, those that are new are one kind. */
const KINDS_MAX = 256;

interface Kind {
  readonly level: LogLevel;
  lines: number;
  suppressed: number;
  last: string;
}

export class LimitedLog implements Log {
  private readonly log: Log;
  private readonly kinds = new Map<string, Kind>();
  private period: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.log = log;
  }

  info(message: string, details?: LogDetails): void {
    this.put('info', message, details);
  }

  warn(message: string, details?: LogDetails): void {
    this.put('warn', message, details);
  }

  error(message: string, details?: LogDetails): void {
    this.put('error', message, details);
  }

  private put(level: LogLevel, message: string, details: LogDetails | undefined): void {
    const kind = this.kindOf(level, message);
    if (kind.lines < LINES_MAX) {
      kind.lines++;
      this.log[level](message, details);
    } else {
      kind.suppressed++;
      kind.last = message;
    }
    this.period ??= setTimeout(() => this.endPeriod(), PERIOD_MS).unref();
  }

  private kindOf(level: LogLevel, message: string): Kind {
    const text = `${level} ${message.replace(/[0-9]+/g, '0')}`;
    const key = this.kinds.has(text) || this.kinds.size < KINDS_MAX ? text : 'other';
    const known = this.kinds.get(key);
    if (known !== undefined) return known;
    const kind = { level, lines: 0, suppressed: 0, last: '' };
    this.kinds.set(key, kind);
    return kind;
  }

  private endPeriod(): void {
    this.period = undefined;
    const ended = [...this.kinds.values()];
    this.kinds.clear();
    for (const { level, suppressed, last } of ended) {
      if (suppressed > 0) this.log[level](`${last} (the last of ${suppressed} like it in ${PERIOD_MS / 1_000} s)`);
    }
  }
}
