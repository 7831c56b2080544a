/** The directives outside of `http` and `stream` that are about nginx's processes. */
import { orList } from '../findings/suggest.ts';
import { type ErrorLogLevel, type ErrorLogSettings, LOG_LEVELS, type ProcessSettings } from '../process-settings.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { compileSyslog } from '../compile/access-logs.ts';
import { Scope } from './scope.ts';
import { readSyslog } from './syslog.ts';
import type { Word } from './tokens.ts';
import { parseTime } from './values.ts';

/** Without effect where the file does not rule the processes. */
export const PROCESS_DIRECTIVES: ReadonlySet<string> = new Set(['daemon', 'pid', 'error_log']);

const LEVELS: ReadonlySet<string> = new Set(LOG_LEVELS);
const LEVEL_DEFAULT = 'error';

export function readProcessSettings(main: Scope, notes: Notes): ProcessSettings {
  const inner = [...main.own('http'), ...main.own('stream')].flatMap(({ name, block }) => {
    return readErrorLogs(new Scope(name, block ?? [], main), notes);
  });
  return {
    isDaemon: main.argument('daemon')?.toLowerCase() !== 'off',
    pidFile: main.argument('pid'),
    errorLogs: readErrorLogs(main, notes),
    innerErrorLogs: inner,
    shutdownMs: parseTime(main.argument('worker_shutdown_timeout') ?? ''),
  };
}

function readErrorLogs(scope: Scope, notes: Notes): readonly ErrorLogSettings[] {
  return scope.own('error_log').flatMap((directive) => readErrorLog(directive, notes) ?? []);
}

/** Null: as below. */
function targetOf(path: Word, notes: Notes): Omit<ErrorLogSettings, 'level'> | null {
  if (!path.text.startsWith('syslog:')) return { path: path.text };
  const syslog = readSyslog(path, notes, 'error_log');
  return syslog === null ? null : { path: path.text, syslog: compileSyslog(syslog) };
}

/** Null: it has been left out, or is wrong, which has been said. */
function readErrorLog({ args: [path, ...levels], place }: Directive, notes: Notes): ErrorLogSettings | null {
  if (path.text.startsWith('memory:')) {
    notes.leftOut(place, `error_log ${path.text}`, 'a log is in files, on stderr, or goes to syslog');
    return null;
  }
  const target = targetOf(path, notes);
  if (target === null) return null;
  const [level] = levels;
  if (level === undefined) return { ...target, level: LEVEL_DEFAULT };
  if (LEVELS.has(level.text)) return { ...target, level: level.text as ErrorLogLevel };
  // debug_core, debug_http ... choose what nginx's own code says of itself.
  if (level.text.startsWith('debug_')) return { ...target, level: 'debug' };
  notes.error(level.place, `invalid log level "${level.text}"`, `write ${orList(LOG_LEVELS)}`);
  return null;
}
