/**
 * Who runs the programs of the operator's. A load balancer that runs as root must not lend that to whoever can write a
 * check: without being told otherwise it uses a user without rights, and what is to run as root must be root's own.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FindUser } from '../../port/host.ts';

export interface CommandUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Made for it, or else the one that owns nothing. */
const DEFAULT_USERS = ['evenkeel_script', 'nobody'];

/** Null: the user of this process. A text: why it cannot be. Of several the first that there is; `wanted` null: the default one. */
export function chooseUser(
  wanted: readonly string[] | null,
  ownUid: number,
  findUser: FindUser,
): CommandUser | null | string {
  if (ownUid !== 0) {
    if (wanted === null || wanted.some((name) => findUser(name)?.uid === ownUid)) return null;
    return `only root can run it as ${wanted.join(' or ')}`;
  }
  const names = wanted ?? DEFAULT_USERS;
  for (const name of names) {
    const user = findUser(name);
    if (user !== null) return { name, ...user };
  }
  return `there is no user ${names.join(' or ')}`;
}

/** Who runs programs, each list of names asked for once: it may take a directory service. */
export class CommandUsers {
  private readonly ownUid: number;
  private readonly findUser: FindUser;
  private readonly known = new Map<string, CommandUser | null>();

  constructor(ownUid: number, findUser: FindUser) {
    this.ownUid = ownUid;
    this.findUser = findUser;
  }

  /** As `chooseUser`. One that is not there yet is looked for again. */
  of(names: readonly string[] | null): CommandUser | null | string {
    const key = JSON.stringify(names);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const user = chooseUser(names, this.ownUid, this.findUser);
    if (typeof user !== 'string') this.known.set(key, user);
    return user;
  }
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

/** More links than this are a loop (ELOOP in path_resolution(7)). */
const LINKS_MAX = 40;

/** What lets somebody else than root change what this absolute path leads to, for people; or null. */
export function findUnsafePart(path: string): string | null {
  const waiting = path.split('/').filter(Boolean);
  let at = '/';
  let links = 0;
  try {
    for (;;) {
      const stats = lstatSync(at);
      const unsafe = describeUnsafe(at, stats);
      if (unsafe !== null) return unsafe;
      if (stats.isSymbolicLink()) {
        if (++links > LINKS_MAX) return `${path} is a loop of links`;
        const target = readlinkSync(at);
        waiting.unshift(...target.split('/').filter(Boolean));
        at = target.startsWith('/') ? '/' : dirname(at);
      }
      // Every directory on the way has been looked at, so that `..` leads where it says.
      const next = waiting.shift();
      if (next === undefined) return null;
      at = join(at, next);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? `${at} is not there` : message;
  }
}

function describeUnsafe(part: string, stats: Stats): string | null {
  if (stats.uid !== 0) return `${part} belongs to user ${stats.uid}`;
  if (stats.isSymbolicLink()) return null;
  // In a directory like /tmp nobody can replace what is root's.
  if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return null;
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) return `${part} can be written by everybody`;
  return (stats.mode & WRITABLE_BY_GROUP) !== 0 && stats.gid !== 0
    ? `${part} can be written by group ${stats.gid}`
    : null;
}
