/**
 * The end of a FIFO (fifo(7)) that lines are written into, of which nobody ever waits for anybody: it is open for reading too,
 * so that lines wait for a reader that comes later, as many as the pipe has room for.
 */
import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { FifoEnd, FifoOwner } from '../../port/host.ts';
import { errorName, mkfifo } from './libc.ts';
import { systemReason } from '../../base/system-error.ts';
import { attempt } from '../../base/attempt.ts';

const MODE = 0o600;
const EEXIST = -17;

/** Makes it if it is not there. A text: why that, or to open it, is not possible. */
export function openFifo(path: string, owner: FifoOwner | null): FifoEnd | string {
  const made = mkfifo(path, MODE);
  if (made < 0 && made !== EEXIST) return errorName(made);
  try {
    const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    const descriptor = openSync(path, flags);
    if (!fstatSync(descriptor).isFIFO()) {
      closeSync(descriptor);
      return 'there is something else at its path';
    }
    const end = endOf(path, descriptor, made === 0);
    // Not before it is open: that may be nobody's right then but its owner's.
    const problem = made === 0 && owner !== null ? giveTo(descriptor, owner) : null;
    if (problem === null) return end;
    end.close(true);
    return `it cannot be given to its user (${problem})`;
  } catch (error) {
    return systemReason(error);
  }
}

/** It takes CAP_CHOWN, if that is another user. */
function giveTo(descriptor: number, { uid, gid }: FifoOwner): string | null {
  try {
    fchownSync(descriptor, uid, gid);
    return null;
  } catch (error) {
    return systemReason(error);
  }
}

function endOf(path: string, descriptor: number, isOurs: boolean): FifoEnd {
  const { ino, dev } = fstatSync(descriptor);
  // What cannot be looked at is not there.
  const isThere = (): boolean =>
    attempt(() => {
      const found = lstatSync(path);
      return found.ino === ino && found.dev === dev;
    }) ?? false;
  return {
    get isThere() {
      return isThere();
    },
    write(line) {
      try {
        writeSync(descriptor, line);
        return null;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'nobody reads it' : systemReason(error);
      }
    },
    close(isRemoved) {
      closeSync(descriptor);
      // Who may not remove it leaves it there.
      if (isRemoved && isOurs && isThere()) attempt(() => unlinkSync(path));
    },
  };
}
