/** What the system says when it refuses something, as nginx puts it: `13: Permission denied`. */
import { constants } from 'node:os';

/** In strerror(3)'s words. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EISDIR: 'Is a directory',
  EMFILE: 'Too many open files',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ESRCH: 'No such process',
};

export function systemWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const number = (constants.errno as Readonly<Record<string, number>>)[code ?? ''];
  return number === undefined ? message : `${number}: ${WORDS[code!] ?? code}`;
}
