/** The directory of a socket or of a file of ours, as far as it can be made. */
import { mkdirSync } from 'node:fs';

/** One level, and not `recursive`: that never returns where nothing can be made, as in /proc (Node 20). */
export function makeDirectory(path: string, mode = 0o755): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
