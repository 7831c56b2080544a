/** A file that is written here before it takes the place of another one. */
import { closeSync, constants, fchmodSync, fsyncSync, openSync, unlinkSync, writeFileSync } from 'node:fs';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** What there is of this name goes, also a link: neither its rights nor where it leads to count. Throws the system's error. */
export function writeFreshFile(
  path: string,
  text: string,
  { mode, isSynced }: { mode: number; isSynced: boolean },
): void {
  unlinkIfThere(path);
  const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    // Whatever the umask is.
    fchmodSync(descriptor, mode);
    writeFileSync(descriptor, text);
    if (isSynced) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** False: there is nothing of this name. Throws the system's error. */
export function unlinkIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}
