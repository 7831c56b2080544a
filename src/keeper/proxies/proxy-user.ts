/**
 * Whom the proxies run as, when evenkeel is started as root. A proxy reads what strangers send; it needs no file and no
 * privilege, only what it inherits. So it gets a user that owns nothing: the configured one, or `evenkeel`, or else a number
 * that belongs to nobody.
 *
 * Never `nobody`: other programs run as that, and processes of one user may interfere with each other.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessUser } from '../../port/host.ts';
import { findUser } from '../ha/command-user.ts';

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
  return { name, uid: user.uid, gid: user.gid, groups: groupsOf(name, user.gid) };
}

function groupsOf(name: string, gid: number): readonly number[] {
  const asked = spawnSync('id', ['-G', name], { encoding: 'utf8', timeout: 5_000 });
  const groups = asked.status === 0 ? asked.stdout.trim().split(/\s+/).map(Number) : [];
  return groups.length > 0 && groups.every(Number.isSafeInteger) ? groups : [gid];
}

/** A number that no user, no group and no process has. */
function findTransientUser(): ProcessUser | null {
  const taken = new Set([...usersOfProcesses(), ...idsIn('/etc/passwd'), ...idsIn('/etc/group')]);
  for (let uid = TRANSIENT_UID_MIN; uid <= TRANSIENT_UID_MAX; uid++) {
    if (taken.has(uid) || isKnown('passwd', uid) || isKnown('group', uid)) continue;
    return { name: `${uid}`, uid, gid: uid, groups: [uid] };
  }
  return null;
}

/** To the directory services of this machine; systemd's among them, which knows the numbers it has given. */
function isKnown(database: 'passwd' | 'group', id: number): boolean {
  return spawnSync('getent', [database, `${id}`], { timeout: 5_000 }).status === 0;
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

/** Processes end while we look. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
