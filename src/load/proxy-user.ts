/**
 * Whom the proxies run as, when evenkeel is started as root. A proxy reads what strangers send; it needs no file and no
 * privilege, only what it inherits. So it gets a user that owns nothing: the configured one, or `evenkeel`, or else a number
 * that belongs to nobody.
 *
 * Never `nobody`: other programs run as that, and processes of one user may interfere with each other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { findUser, groupsOfUser, isGroup, isUser } from '../io/linux/users.ts';
import type { ProcessUser } from '../port/host.ts';
import { attempt } from '../base/attempt.ts';

/** Why the configured one cannot be used, and what to do. */
export interface UserFault {
  readonly reason: string;
  readonly fix: string;
}

export const DEFAULT_USER = 'evenkeel';
const SHARED_USERS: ReadonlySet<string> = new Set(['nobody', 'daemon', 'bin']);
/** What systemd gives to services with DynamicUser=: no distribution uses them for anything else. */
const TRANSIENT_UID_MIN = 61_184;
const TRANSIENT_UID_MAX = 65_519;

/** For root, without being told: null: there is none. */
export function findDefaultUser(): ProcessUser | null {
  const user = findProxyUser(DEFAULT_USER);
  return 'reason' in user ? findTransientUser() : user;
}

/** Also for who asks as another user than root. */
export function findProxyUser(name: string): ProcessUser | UserFault {
  const fix = `useradd --system --no-create-home --shell /usr/sbin/nologin ${DEFAULT_USER}, and write \`user: ${DEFAULT_USER}\``;
  const user = findUser(name);
  if (user === null) {
    return {
      reason: 'there is no such user',
      fix: `useradd --system --no-create-home --shell /usr/sbin/nologin ${name}`,
    };
  }
  if (user.uid === 0) return { reason: 'that is root, and who takes a proxy over would have this machine', fix };
  if (SHARED_USERS.has(name)) return { reason: 'other programs run as that user too', fix };
  return { name, uid: user.uid, gid: user.gid, groups: groupsOfUser(name, user.gid) };
}

/** A number that no user, no group and no process has. Programs that start at the same time do not begin with the same one. */
function findTransientUser(): ProcessUser | null {
  const taken = new Set([...usersOfProcesses(), ...idsIn('/etc/passwd'), ...idsIn('/etc/group')]);
  const count = TRANSIENT_UID_MAX - TRANSIENT_UID_MIN + 1;
  for (let i = 0; i < count; i++) {
    const uid = TRANSIENT_UID_MIN + ((process.pid + i) % count);
    // Directory services too: systemd's knows the numbers that it has given.
    if (taken.has(uid) || isUser(uid) || isGroup(uid)) continue;
    return { name: `${uid}`, uid, gid: uid, groups: [uid] };
  }
  return null;
}

function idsIn(file: string): readonly number[] {
  const lines = attempt(() => readFileSync(file, 'utf8').split('\n')) ?? [];
  return lines.map((line) => Number(line.split(':')[2]));
}

function usersOfProcesses(): readonly number[] {
  const pids = attempt(() => readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) ?? [];
  return pids.flatMap((pid) => {
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
    return /^Uid:\s*(.*)$/m.exec(status)?.[1].split('\t').map(Number) ?? [];
  });
}
