/**
 * Looks at files twice a second and tells when they have changed (core/settled-files.ts). By looking, and not by asking the
 * kernel to tell (inotify): a look follows every link on the way, however they are swapped, and works on file systems that
 * tell nothing, as those of other machines.
 */
import { stat } from 'node:fs/promises';
import { statSync, type BigIntStats } from 'node:fs';
import { LOOK_INTERVAL_MS, SettledFiles, type Sight } from '../core/settled-files.ts';

export interface FileWatchOptions {
  /** Those that count now. */
  readonly files: () => readonly string[];
  /** What changes meanwhile is told later. */
  readonly isPaused: () => boolean;
  readonly onChange: (changed: readonly string[]) => void;
}

export class FileWatch {
  private readonly options: FileWatchOptions;
  private readonly settled: SettledFiles;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** To be made before the files are read: what changes from now on is told after `start`. */
  constructor(options: FileWatchOptions) {
    this.options = options;
    this.settled = new SettledFiles(new Map(options.files().map((path) => [path, seeNow(path)])));
  }

  start(): void {
    this.lookLater();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private lookLater(): void {
    if (!this.isStopped) this.timer = setTimeout(() => void this.look(), LOOK_INTERVAL_MS).unref();
  }

  private async look(): Promise<void> {
    if (this.options.isPaused()) return this.lookLater();
    const files = this.options.files();
    const states = await Promise.all(files.map(see));
    const sight: Sight = new Map(files.map((path, i) => [path, states[i]]));
    if (this.isStopped) return;
    const changed = this.settled.handleLook(performance.now(), sight);
    if (changed.length > 0) this.options.onChange(changed);
    this.lookLater();
  }
}

function seeNow(path: string): string {
  try {
    return stateOf(statSync(path, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}

async function see(path: string): Promise<string> {
  try {
    return stateOf(await stat(path, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}

function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'error';
}
