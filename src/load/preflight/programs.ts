/** Whether a program of the operator's can be run by the user it is meant for: what execve(2) would say, without running it. */
import { closeSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { systemReason } from '../../base/system-error.ts';
import { type CommandUser, findUnsafePart } from '../../keeper/ha/command-user.ts';

export interface ProgramFault {
  readonly reason: string;
  readonly fix: string;
  /** There is nothing there that its user could execute. */
  readonly isAbsent: boolean;
}

const EXECUTE = 0o1;
const READ = 0o4;

/** `user` null: the user of this process, with `ownUid`. */
export function findProgramFault(path: string, user: CommandUser | null, ownUid: number): ProgramFault | null {
  const uid = user?.uid ?? ownUid;
  const gid = user?.gid ?? process.getgid?.() ?? -1;
  const who = user?.name ?? 'this user';
  try {
    const parts = path.split('/').slice(1, -1);
    for (let i = 1; i <= parts.length; i++) {
      const directory = `/${parts.slice(0, i).join('/')}`;
      if (allows(statSync(directory), EXECUTE, uid, gid)) continue;
      const reason = `${who} may not enter ${directory}`;
      return { reason, fix: `chmod o+x ${directory}, or choose another place`, isAbsent: true };
    }
    const file = statSync(path);
    if (!file.isFile()) return { reason: 'it is not a file', fix: 'write the whole path of a program', isAbsent: true };
    if (!allows(file, EXECUTE, uid, gid)) {
      return { reason: `it is not executable for ${who}`, fix: `chmod a+x ${path}`, isAbsent: true };
    }
    const unsafe = user?.uid === 0 ? findUnsafePart(path) : null;
    if (unsafe !== null) {
      return {
        reason: `it would run as root, and ${unsafe}`,
        fix: `give it to root alone, or write another \`user\``,
        isAbsent: false,
      };
    }
    return findFormatFault(path, allows(file, READ, uid, gid));
  } catch (error) {
    return { reason: systemReason(error), fix: 'write the whole path of a program that is there', isAbsent: true };
  }
}

/** A script needs its interpreter, and the right to be read. */
function findFormatFault(path: string, isReadable: boolean): ProgramFault | null {
  const head = Buffer.alloc(256);
  const descriptor = openSync(path, 'r');
  let length: number;
  try {
    length = readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  const text = head.toString('latin1', 0, length);
  if (text.startsWith('\x7fELF')) return null;
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(text)?.[1];
  if (interpreter === undefined) {
    const reason = 'it is neither a program nor a script';
    return { reason, fix: 'begin the script with #! and its interpreter', isAbsent: false };
  }
  if (!isReadable)
    return { reason: 'it is a script that its user may not read', fix: `chmod a+r ${path}`, isAbsent: false };
  // `\r` at its end: a file from elsewhere.
  if (statSync(interpreter, { throwIfNoEntry: false })?.isFile() === true) return null;
  const name = JSON.stringify(interpreter).slice(1, -1);
  const fix = 'install it, or correct the first line of the script';
  return { reason: `its interpreter ${name} is not there`, fix, isAbsent: false };
}

/** As the kernel does it, without supplementary groups: programs are run without any (command.ts). */
function allows({ mode, uid: owner, gid: group }: Stats, right: number, uid: number, gid: number): boolean {
  if (uid === 0) return right !== EXECUTE || (mode & 0o111) !== 0;
  const shift = uid === owner ? 6 : gid === group ? 3 : 0;
  return ((mode >> shift) & right) !== 0;
}
