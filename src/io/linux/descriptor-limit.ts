/** How many files this process may have open (RLIMIT_NOFILE). Node raises the soft limit to the hard one when it starts. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { SOCKETS_MAX } from '../../base/limits.ts';

/** What the runtime may open later: another epoll, pipes of a signal handler, the ring. */
const SPARE = 8;

/** What the limit is; a very large number where nobody can say. */
export function descriptorLimit(): number {
  try {
    const match = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return match === null || match[1] === 'unlimited' ? SOCKETS_MAX : Number(match[1]);
  } catch {
    return SOCKETS_MAX;
  }
}

/** How many more this process may open. Descriptors are given out from the lowest, so a new one tells how many there are. */
export function descriptorsLeft(): number {
  const descriptor = openSync('/dev/null', 'r');
  closeSync(descriptor);
  return Math.max(1, descriptorLimit() - descriptor - SPARE);
}
