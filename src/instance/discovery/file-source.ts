/** A file with a list of servers: read now, and again when it has changed and come to rest. */
import { systemReason } from '../../base/system-error.ts';
import type { Sight } from '../../core/settled-files.ts';
import { FileWatch } from '../../load/file-watch.ts';
import { findState } from '../../load/file-state.ts';
import { LIST_BYTES_MAX } from '../../load/found-servers.ts';
import { readRegularFile } from '../../load/regular-file.ts';
import type { ListHandler, ListSource } from './list-source.ts';

export class FileSource implements ListSource {
  private readonly path: string;
  private readonly handler: ListHandler;
  private readonly watch: FileWatch;
  private seen: Sight = new Map();
  private isReading = false;
  private isStopped = false;

  constructor(path: string, handler: ListHandler) {
    this.path = path;
    this.handler = handler;
    this.watch = new FileWatch({
      files: () => this.seen,
      isPaused: () => this.isReading,
      onChange: () => void this.read(),
    });
    void this.read();
    this.watch.start();
  }

  stop(): void {
    this.isStopped = true;
    this.watch.stop();
  }

  private async read(): Promise<void> {
    this.isReading = true;
    // Before it is read: what is written meanwhile is seen.
    this.seen = new Map([[this.path, await findState(this.path)]]);
    this.isReading = false;
    if (this.isStopped) return;
    let text: string;
    try {
      text = readRegularFile(this.path, LIST_BYTES_MAX).bytes.toString('utf8');
    } catch (error) {
      this.handler.handleFailure(systemReason(error));
      return;
    }
    this.handler.handleText(text);
  }
}
