/** Files that are root's alone, because there are keys in them. */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFreshFile } from './fresh-file.ts';
import { makeDirectory } from './make-directory.ts';

/**
 * Whoever looks finds the former content or all of the new one, also after the machine has lost its power. Two levels of directories are made. Throws
 * the system's error.
 */
export function writePrivateFile(path: string, text: string): void {
  const folder = dirname(path);
  makeDirectory(dirname(folder));
  makeDirectory(folder, 0o700);
  const next = `${path}.next`;
  writeFreshFile(next, text, { mode: 0o600, isSynced: true });
  renameSync(next, path);
  const entry = openSync(folder, 'r');
  try {
    fsyncSync(entry);
  } finally {
    closeSync(entry);
  }
}
