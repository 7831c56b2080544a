/** What tells one state of a file, or of a folder, from another one. */
import { statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Sight } from '../core/settled-files.ts';

/** In which states files were before they were read: what has changed since then has not been read. */
export class SeenFiles {
  private readonly states = new Map<string, string>();

  get sight(): Sight {
    return this.states;
  }

  /** To be called before it is read. */
  note(path: string): void {
    if (!this.states.has(path)) this.states.set(path, stateNow(path));
  }
}

function stateNow(path: string): string {
  try {
    return stateOf(statSync(path, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}

export async function findState(path: string): Promise<string> {
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
