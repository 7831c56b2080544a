/**
 * Reads a file that somebody has named. Only a regular file of a bounded size: a FIFO may have no writer, a device no end, and
 * whoever reads it may be a keeper that has more to do.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

export interface RegularFile {
  readonly bytes: Buffer;
  /** With the permissions. */
  readonly mode: number;
}

/** What is at the path cannot be read: the message says why, for people. */
export class NotReadableError extends Error {
  override readonly name = 'NotReadableError';
}

const STEP_BYTES = 64 * 1024;
const OTHERS_READ = 0o004;

/** Throws NotReadableError, or the system's error. */
export function readRegularFile(path: string, bytesMax: number): RegularFile {
  // the opening end of a FIFO would wait for the other one
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw new NotReadableError('it is a directory');
    if (!stats.isFile()) throw new NotReadableError('it is not a regular file');
    return { bytes: readAll(descriptor, bytesMax), mode: stats.mode };
  } finally {
    closeSync(descriptor);
  }
}

/** To the end of what the descriptor has, which may be longer than it says. */
export function readAll(descriptor: number, bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; ;) {
    const part = Buffer.allocUnsafe(STEP_BYTES);
    const count = readSync(descriptor, part);
    if (count === 0) return Buffer.concat(parts, length);
    parts.push(part.subarray(0, count));
    length += count;
    if (length > bytesMax) throw new NotReadableError(`it is longer than ${sizeText(bytesMax)}`);
  }
}

/** The permissions, for people, of a file that everybody may read; null: not everybody may. */
export function openMode(mode: number): string | null {
  return (mode & OTHERS_READ) === 0 ? null : (mode & 0o777).toString(8);
}

function sizeText(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}
