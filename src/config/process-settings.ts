/**
 * What a file in nginx's language says of the processes that serve by it. It holds for the command line that is nginx's
 * (`evenkeel nginx`); `evenkeel run` has options of its own for this.
 */

import type { SyslogPlan } from '../base/syslog.ts';

/** As nginx names them, the most urgent one first. */
export const LOG_LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const;
export type ErrorLogLevel = (typeof LOG_LEVELS)[number];

export interface ErrorLogSettings {
  /** As written; `stderr` is that, and `syslog:...` its server, which is `syslog`. */
  readonly path: string;
  readonly syslog?: SyslogPlan;
  /** Nothing less urgent is written. */
  readonly level: ErrorLogLevel;
}

export interface ProcessSettings {
  /** Leaves the foreground when everything serves. */
  readonly isDaemon: boolean;
  /** As written. Null: where it usually is. */
  readonly pidFile: string | null;
  /** Of the file as a whole. Empty: the one of the command line. */
  readonly errorLogs: readonly ErrorLogSettings[];
  /** Of `http` and `stream`, which have what the others have too. */
  readonly innerErrorLogs: readonly ErrorLogSettings[];
  /** How long a quiet end may take. Null: it has no end. */
  readonly shutdownMs: number | null;
}
