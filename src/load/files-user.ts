/** Whom the process runs as that reads files, where a configuration says so. */
import { findUser, groupsOfUser } from '../io/linux/users.ts';
import type { ProcessUser } from '../port/host.ts';

/** Null: there is no such user. Root may be meant: what is then read is what is root's own. */
export function findFilesUser(name: string): ProcessUser | null {
  const user = findUser(name);
  if (user === null) return null;
  return { name, uid: user.uid, gid: user.gid, groups: user.uid === 0 ? [] : groupsOfUser(name, user.gid) };
}
