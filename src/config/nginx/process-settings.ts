/** The directives outside of `http` and `stream` that are about nginx's processes. */
import { orList } from '../suggest.ts';
import { type ErrorLogLevel, type ErrorLogSettings, LOG_LEVELS, type ProcessSettings } from '../process-settings.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { Scope } from './scope.ts';
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

/** Null: it has been left out, or is wrong, which has been said. */
function readErrorLog({ args: [path, ...levels], place }: Directive, notes: Notes): ErrorLogSettings | null {
  if (/^(syslog|memory):/.test(path.text)) {
    notes.leftOut(place, `error_log ${path.text}`, 'there is a log in files and on stderr alone');
    return null;
  }
  const [level] = levels;
  if (level === undefined) return { path: path.text, level: LEVEL_DEFAULT };
  if (LEVELS.has(level.text)) return { path: path.text, level: level.text as ErrorLogLevel };
  // debug_core, debug_http ... choose what nginx's own code says of itself.
  if (level.text.startsWith('debug_')) return { path: path.text, level: 'debug' };
  notes.error(level.place, `invalid log level "${level.text}"`, `write ${orList(LOG_LEVELS)}`);
  return null;
}
