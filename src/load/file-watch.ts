/**
 * Looks at files twice a second and tells when they have changed (core/settled-files.ts). By looking, and not by asking the
 * kernel to tell (inotify): a look follows every link on the way, however they are swapped, and works on file systems that
 * tell nothing, as those of other machines.
 */
import { LOOK_INTERVAL_MS, SettledFiles, type Sight } from '../core/settled-files.ts';
import { findState } from './file-state.ts';

export interface FileWatchOptions {
  /** Those that count now, in the states in which they were when they were read: another map after each reading. */
  readonly files: () => Sight;
  /** What changes meanwhile is told later. */
  readonly isPaused: () => boolean;
  readonly onChange: (changed: readonly string[]) => void;
}

export class FileWatch {
  private readonly options: FileWatchOptions;
  private readonly settled = new SettledFiles();
  private read: Sight | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: FileWatchOptions) {
    this.options = options;
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
    const read = this.options.files();
    if (read !== this.read) this.settled.handleRead(read);
    this.read = read;
    const files = [...read.keys()];
    const states = await Promise.all(files.map(findState));
    const sight: Sight = new Map(files.map((path, i) => [path, states[i]]));
    if (this.isStopped) return;
    const changed = this.settled.handleLook(performance.now(), sight);
    if (changed.length > 0) this.options.onChange(changed);
    this.lookLater();
  }
}
