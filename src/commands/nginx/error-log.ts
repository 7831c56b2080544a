/**
 * The log of `evenkeel nginx`, in nginx's form, in every file and at every syslog server that `error_log` names, each with the level that it asks for. Until
 * everything serves, what nginx would say to who typed the command goes to stderr too.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { ErrorLogLevel, ErrorLogSettings } from '../../config/process-settings.ts';
import { LOG_LEVELS } from '../../config/process-settings.ts';
import type { SyslogPlan } from '../../base/syslog.ts';
import { duplicateTo, isWritable } from '../../io/linux/libc.ts';
import { SyslogOutlet } from '../../io/linux/syslog-outlet.ts';
import { LimitedLog } from '../../keeper/log/log-limit.ts';
import { LogWriter } from '../../keeper/log/log-writer.ts';
import { type Log, type LogDetails, sentence } from '../../keeper/log/log.ts';
import { systemWords } from './system-words.ts';

const STDERR = 2;
/** What is no more urgent is not said on stderr. */
const STDERR_LEVEL: ErrorLogLevel = 'warn';
const FILE_MODE = 0o644;

interface FileDestination {
  level: ErrorLogLevel;
  descriptor: number;
  readonly writer: LogWriter;
}

interface SyslogDestination {
  level: ErrorLogLevel;
  readonly descriptor: null;
  readonly outlet: SyslogOutlet;
}

type Destination = FileDestination | SyslogDestination;

export class ErrorLog {
  readonly log: Log;
  /** By absolute path; `stderr` is that. */
  private destinations = new Map<string, Destination>();
  private isTold = true;

  /** `path`: of the log that holds until a configuration says otherwise. */
  constructor(path: string) {
    const level =
      (name: ErrorLogLevel) =>
      (message: string, details?: LogDetails): void =>
        this.put(name, sentence(message, details ?? {}));
    this.log = new LimitedLog({ info: level('notice'), warn: level('warn'), error: level('error') });
    try {
      this.destinations.set(path, this.open(path, 'notice'));
    } catch (error) {
      const text = `could not open error log file: open() "${path}" failed (${systemWords(error)})`;
      this.destinations.set('stderr', this.open('stderr', 'notice'));
      process.stderr.write(`nginx: [alert] ${text}\n`);
    }
  }

  /** Throws as `fs.openSync` does, with what was there still in use. */
  configure(logs: readonly ErrorLogSettings[]): void {
    const next = new Map<string, Destination>();
    for (const { path, level, syslog } of logs) {
      const known = next.get(path);
      if (known !== undefined) {
        // The same file twice: the one that says more.
        if (rank(level) > rank(known.level)) known.level = level;
        continue;
      }
      const before = this.destinations.get(path);
      if (before !== undefined) before.level = level;
      next.set(path, before ?? (syslog === undefined ? this.open(path, level) : this.toSyslog(syslog, level)));
    }
    for (const [path, destination] of this.destinations) if (!next.has(path)) close(destination);
    this.destinations = next;
  }

  /** The files may have been moved away. One that cannot be opened stays as it is. */
  reopen(): void {
    for (const [path, destination] of this.destinations) {
      if (destination.descriptor === STDERR || destination.descriptor === null) continue;
      try {
        const descriptor = openFile(path);
        closeSync(destination.descriptor);
        destination.descriptor = descriptor;
      } catch (error) {
        this.put('emerg', `open() "${path}" failed (${systemWords(error)})`);
      }
    }
    if (!this.isTold) this.redirectStderr();
  }

  put(level: ErrorLogLevel, text: string): void {
    let isOnStderr = false;
    const line = `${timeText(new Date())} [${level}] ${process.pid}#${process.pid}: ${text}`;
    for (const destination of this.destinations.values()) {
      if (rank(level) > rank(destination.level)) continue;
      if (destination.descriptor === STDERR) isOnStderr = true;
      if (destination.descriptor === null) destination.outlet.send(severityOf(level), line);
      else destination.writer.write(`${line}\n`);
    }
    if (this.isTold && !isOnStderr && rank(level) <= rank(STDERR_LEVEL))
      process.stderr.write(`nginx: [${level}] ${text}\n`);
  }

  /** From now on nobody reads what is not in the log. */
  leaveTerminal(): void {
    this.isTold = false;
    this.redirectStderr();
  }

  /** Whatever else writes there: the terminal may go away. */
  private redirectStderr(): void {
    const files = [...this.destinations.values()].flatMap(({ descriptor }) => descriptor ?? []);
    const first = files.find((descriptor) => descriptor !== STDERR);
    if (first !== undefined && !this.destinations.has('stderr')) duplicateTo(first, STDERR);
  }

  private toSyslog(syslog: SyslogPlan, level: ErrorLogLevel): SyslogDestination {
    const outlet = new SyslogOutlet(syslog, (why) => this.log.warn(`the log loses lines that go to syslog: ${why}`));
    return { level, descriptor: null, outlet };
  }

  private open(path: string, level: ErrorLogLevel): FileDestination {
    const sink = {
      isWritable: () => isWritable(destination.descriptor),
      write: (bytes: Uint8Array) => writeSync(destination.descriptor, bytes),
    };
    const writer = new LogWriter(
      sink,
      (count, why) => `${timeText(new Date())} [warn] ${count} lines are lost: ${why}\n`,
    );
    const destination: FileDestination = { level, descriptor: path === 'stderr' ? STDERR : openFile(path), writer };
    return destination;
  }
}

function openFile(path: string): number {
  return openSync(path, 'a', FILE_MODE);
}

function close(destination: Destination): void {
  if (destination.descriptor === null) destination.outlet.close();
  else if (destination.descriptor !== STDERR) closeSync(destination.descriptor);
}

/** Of syslog(3), which has the same ones in the same order. */
function severityOf(level: ErrorLogLevel): number {
  return rank(level);
}

function rank(level: ErrorLogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `2026/11/29 11:29:38`, of this machine's zone. */
function timeText(time: Date): string {
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('/');
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}
