/**
 * Whether the user that the proxies run as may connect to a Unix socket of a server. The keeper may be root, and what it
 * reaches says nothing about what they do. By the modes of the socket and of the directories on its way (unix(7));
 * what access control lists add to them is not seen, so that this warns and decides nothing.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProcessUser } from '../../port/host.ts';

const WRITE = 0o2;
const SEARCH = 0o1;

interface Entry {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** For people, with what to do; null: it may, or there is no such socket now. */
export function findUnixFault(
  path: string,
  user: ProcessUser,
  stat: (path: string) => Entry | undefined = (each) => statSync(each, { throwIfNoEntry: false }),
): string | null {
  if (path.startsWith('@')) return null;
  const describe = (part: string, what: string, { mode, uid, gid }: Entry): string =>
    `user ${user.name} may not ${what} ${part} (mode ${(mode & 0o777).toString(8)}, user ${uid}, group ${gid}): ` +
    'put it into that group, or open that to others';
  try {
    for (let part = dirname(path); ; part = dirname(part)) {
      const directory = stat(part);
      if (directory !== undefined && !allows(directory, SEARCH, user)) return describe(part, 'enter', directory);
      if (part === dirname(part)) break;
    }
    const socket = stat(path);
    return socket === undefined || allows(socket, WRITE, user) ? null : describe(path, 'connect to', socket);
  } catch {
    return null;
  }
}

function allows({ mode, uid, gid }: Entry, right: number, user: ProcessUser): boolean {
  if (user.uid === 0) return true;
  if (uid === user.uid) return (mode & (right << 6)) !== 0;
  if (gid === user.gid || user.groups.includes(gid)) return (mode & (right << 3)) !== 0;
  return (mode & right) !== 0;
}
