/** Files that are root's alone, because there are keys in them. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFreshFile } from './fresh-file.ts';
import { makeDirectory } from './make-directory.ts';

/** It is on disk beside its place: to put it there takes no room. */
export interface Draft {
  /** Throws the system's error. */
  commit(): void;
  discard(): void;
}

/**
 * Whoever looks finds the former content or all of the new one, also after the machine has lost its power. Two levels of directories are made. Throws
 * the system's error.
 */
export function writePrivateFile(path: string, text: string): void {
  draftPrivateFile(path, text).commit();
}

/** Likewise, in two steps. One draft at a time. */
export function draftPrivateFile(path: string, text: string): Draft {
  const folder = dirname(path);
  makeDirectory(dirname(folder));
  makeDirectory(folder, 0o700);
  const next = `${path}.next`;
  writeFreshFile(next, text, { mode: 0o600, isSynced: true });
  return {
    commit() {
      renameSync(next, path);
      syncFolder(folder);
    },
    discard: () => rmSync(next, { force: true }),
  };
}

/** What it has is there also after the machine has lost its power. */
export function syncFolder(path: string): void {
  const entry = openSync(path, 'r');
  try {
    fsyncSync(entry);
  } finally {
    closeSync(entry);
  }
}
