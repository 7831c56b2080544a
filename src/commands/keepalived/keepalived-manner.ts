/** The ways of `evenkeel keepalived`: keepalived's signals and files. */
import type { StatusDocument } from '../../api/status.ts';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import type { KeepalivedOptions } from '../../cli/keepalived-arguments.ts';
import { systemReason } from '../../base/system-error.ts';
import type { EngineName } from '../../process/engine.ts';
import { duplicateTo } from '../../io/linux/libc.ts';
import { journalLine, type Log } from '../../keeper/log/log.ts';
import { StartError } from '../../keeper/start-error.ts';
import type { Daemon } from '../daemon.ts';
import type { Loaded } from '../../load/load.ts';
import type { LogOutput } from '../../instance/log-output.ts';
import type { Manner, Place } from '../manner.ts';
import { PidFile } from '../pid-file.ts';
import { KEEPALIVED_SIGNALS } from '../../instance/signals.ts';
import { renderStatus } from '../status-view.ts';
import { CHECKERS_PID_PATH, DATA_PATH, PID_PATH, STATISTICS_PATH, VRRP_PID_PATH } from './places.ts';

const STDERR = 2;

export interface KeepalivedMannerOptions {
  readonly options: KeepalivedOptions;
  readonly output: LogOutput;
  /** Null: nobody waits until it serves. */
  readonly daemon: Daemon | null;
  /** Of its control socket. */
  readonly socketPath: string;
}

export class KeepalivedManner implements Manner {
  readonly wording = 'keepalived';
  readonly signals = KEEPALIVED_SIGNALS;
  readonly startsWhole = false;
  readonly staysInForeground: boolean;
  readonly handleReloadRefused = null;
  readonly log: Log;
  private readonly given: KeepalivedMannerOptions;
  private pidFiles: readonly PidFile[] = [];
  private loaded: Loaded | null = null;

  constructor(given: KeepalivedMannerOptions) {
    this.given = given;
    this.log = given.output.log;
    this.staysInForeground = given.options.staysInForeground;
  }

  tell(line: string): void {
    const { write, format } = this.given.output;
    write(format === 'journal' ? journalLine('warn', line) : line);
  }

  handleLoaded(loaded: Loaded): void {
    this.loaded = loaded;
  }

  handleServing(text: string, _: EngineName, place: Place): void {
    const { options, daemon } = this.given;
    const { plan, ha } = this.loaded!.ready;
    this.log.info(`serves ${text}`);
    // The processes of these names are one here.
    const pidFiles = [
      new PidFile(options.pidFile ?? PID_PATH),
      ...(ha === null ? [] : [new PidFile(options.vrrpPidFile ?? VRRP_PID_PATH)]),
      ...(plan.listeners.length === 0 ? [] : [new PidFile(options.checkersPidFile ?? CHECKERS_PID_PATH)]),
    ];
    this.pidFiles = place === 'ward' ? [] : pidFiles;
    for (const file of this.pidFiles) {
      try {
        file.write(false);
      } catch (error) {
        throw new StartError(`the pid file ${file.path} cannot be written: ${systemReason(error)}`);
      }
    }
    if (daemon === null) return;
    duplicateTo(openSync('/dev/null', 'w'), STDERR);
    daemon.report();
  }

  handleStartFailed({ message }: Error): void {
    this.log.error(`cannot start: ${message}`);
    if (this.given.daemon !== null) process.stderr.write(`keepalived: ${message}\n`);
  }

  writeStatus(kind: 'dump' | 'statistics', status: StatusDocument): void {
    const path = kind === 'dump' ? DATA_PATH : STATISTICS_PATH;
    try {
      writeAnew(path, renderStatus(status, this.given.socketPath, false));
      this.log.info(`status written to ${path}`);
    } catch (error) {
      this.log.error(`status cannot be written to ${path}: ${systemReason(error)}`);
    }
  }

  graceMs({ ready }: Loaded): number {
    return ready.plan.graceMs;
  }

  handleEnd(): void {
    for (const file of this.pidFiles) file.remove();
  }

  reopen(): void {}
}

/** Where everybody may write: nothing that lies there is followed or filled. */
function writeAnew(path: string, text: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there, as a rule; if it cannot be removed, the next step fails.
  }
  const file = openSync(path, 'wx', 0o644);
  writeFileSync(file, text);
  closeSync(file);
}
