/** A log that tests read. */
import type { Log } from '../../log/log.ts';

export interface TestLog extends Log {
  /** `warn message key=value` */
  readonly lines: string[];
}

export function testLog(): TestLog {
  const lines: string[] = [];
  const put =
    (level: string) =>
    (message: string, details: Readonly<Record<string, string | number>> = {}): void => {
      lines.push([level, message, ...Object.entries(details).map(([key, value]) => `${key}=${value}`)].join(' '));
    };
  return { lines, info: put('info'), warn: put('warn'), error: put('error') };
}
