/** The file that says which process takes the signals. */
import { lstatSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';

/** Of who finishes what it has, while another one has taken over, as nginx calls it. */
const OLD = '.oldbin';

export class PidFile {
  readonly path: string;
  private isWritten = false;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Of this process. Throws as `fs.writeFileSync` does. `keepsFormer`: what another process has written stays beside it for as long as that
   * one runs.
   */
  write(keepsFormer: boolean): void {
    const before = readPid(this.path);
    if (keepsFormer && typeof before === 'number' && before !== process.pid && isAlive(before))
      renameSync(this.path, `${this.path}${OLD}`);
    this.writeWhole(`${process.pid}\n`);
    this.isWritten = true;
  }

  /** Nobody reads an empty one, and sends a signal to process 0. What is no file, /dev/null for one, is not replaced by one. */
  private writeWhole(text: string): void {
    const there = lstatSync(this.path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) return writeFileSync(this.path, text);
    const next = `${this.path}.${process.pid}`;
    try {
      writeFileSync(next, text);
    } catch {
      // The file may be written, and its directory not.
      return writeFileSync(this.path, text);
    }
    renameSync(next, this.path);
  }

  /** Unless it is another process's by now. */
  remove(): void {
    if (!this.isWritten) return;
    for (const path of [this.path, `${this.path}${OLD}`]) {
      if (readPid(path) !== process.pid) continue;
      try {
        unlinkSync(path);
      } catch {
        // It is of no more use, wherever it lies.
      }
    }
  }
}

/** What is no number is returned as it is read; null: there is no such file. Throws what else keeps it from being read. */
export function readPid(path: string): number | string | null {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const trimmed = text.trim();
  return /^[0-9]{1,10}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
