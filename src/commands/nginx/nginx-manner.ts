/** The ways of `evenkeel nginx`: nginx's signals, log and files. */
import type { EngineName } from '../../process/engine.ts';
import type { ErrorLogLevel, ProcessSettings } from '../../config/process-settings.ts';
import { type BindFailure, bindText } from '../../keeper/proxies/listeners.ts';
import type { Log } from '../../keeper/log/log.ts';
import { StartError } from '../../keeper/start-error.ts';
import type { Daemon } from '../daemon.ts';
import type { Loaded } from '../../load/load.ts';
import type { Manner, Place } from '../manner.ts';
import { PidFile } from '../pid-file.ts';
import { NGINX_SIGNALS } from '../../instance/signals.ts';
import type { ErrorLog } from './error-log.ts';
import type { Places } from './places.ts';
import { systemWords } from './system-words.ts';

/** A quiet end that nobody has put a bound to: as long as timers can be. */
const SHUTDOWN_MS_MAX = 24 * 3_600_000;

export interface NginxMannerOptions {
  readonly places: Places;
  readonly errorLog: ErrorLog;
  readonly staysInForeground: boolean;
  /** Null: nobody waits until it serves. */
  readonly daemon: Daemon | null;
}

export class NginxManner implements Manner {
  readonly wording = 'nginx';
  readonly signals = NGINX_SIGNALS;
  readonly startsWhole = true;
  readonly staysInForeground: boolean;
  readonly log: Log;
  private readonly options: NginxMannerOptions;
  private settings: ProcessSettings | null = null;
  private pidFile: PidFile | null = null;

  constructor(options: NginxMannerOptions) {
    this.options = options;
    this.log = options.errorLog.log;
    this.staysInForeground = options.staysInForeground;
  }

  tell(line: string): void {
    tellFault(line, this.options.errorLog);
  }

  handleLoaded({ ready }: Loaded, isReload: boolean): void {
    const { places, errorLog } = this.options;
    this.settings = ready.processes!;
    try {
      errorLog.configure(places.errorLogs(this.settings));
    } catch (error) {
      const fault = openFault((error as NodeJS.ErrnoException).path, error);
      if (!isReload) throw new StartError(fault);
      errorLog.put('emerg', fault);
    }
    if (!isReload) return;
    this.movePidFile();
    // Where nginx's workers end, the proxies go on by another configuration. Who waits for that looks for these words.
    errorLog.put('notice', 'the former configuration is no longer served: exited with code 0, as nginx would say');
  }

  readonly handleReloadRefused = (by: string, reasons: readonly string[]): void => {
    this.options.errorLog.put('error', `reload by ${by} refused, nothing has changed`);
    for (const reason of reasons) this.tell(reason);
  };

  handleServing(text: string, _: EngineName, place: Place): void {
    const { errorLog, daemon, places } = this.options;
    errorLog.put('notice', `serves ${text}`);
    if (place !== 'ward') this.writePidFile(new PidFile(places.pidFile(this.settings!)), place === 'heir');
    errorLog.leaveTerminal();
    daemon?.report();
  }

  handleStartFailed(error: Error): void {
    const { errorLog } = this.options;
    if (!(error instanceof StartError) || error.failures.length === 0) return errorLog.put('emerg', error.message);
    for (const failure of error.failures) errorLog.put('emerg', bindWords(failure));
    errorLog.put('emerg', 'still could not bind()');
  }

  reopen(): void {
    this.options.errorLog.put('notice', 'reopening logs');
    this.options.errorLog.reopen();
  }

  graceMs(): number {
    return this.settings?.shutdownMs ?? SHUTDOWN_MS_MAX;
  }

  writeStatus(): void {}

  handleEnd(): void {
    this.pidFile?.remove();
  }

  private writePidFile(file: PidFile, keepsFormer: boolean): void {
    try {
      file.write(keepsFormer);
      this.pidFile = file;
    } catch (error) {
      throw new StartError(openFault(file.path, error));
    }
  }

  private movePidFile(): void {
    const path = this.options.places.pidFile(this.settings!);
    if (this.pidFile === null || this.pidFile.path === path) return;
    const next = new PidFile(path);
    try {
      next.write(false);
      this.pidFile.remove();
      this.pidFile = next;
    } catch (error) {
      this.options.errorLog.put('emerg', openFault(path, error));
    }
  }
}

/** `[emerg] what is wrong in FILE:LINE`. */
export function tellFault(line: string, errorLog: ErrorLog): void {
  const [, level = 'emerg', text] = /^(?:\[([a-z]+)\] )?(.*)/.exec(line)!;
  errorLog.put(level as ErrorLogLevel, text);
}

function openFault(path: string | undefined, error: unknown): string {
  return `open() "${path}" failed (${systemWords(error)})`;
}

export function bindWords({ plan, code }: Pick<BindFailure, 'plan' | 'code'>): string {
  const address = plan.dual ? `[::]:${plan.address.port}` : bindText(plan);
  return `bind() to ${address} failed (${systemWords({ code, message: code })})`;
}
