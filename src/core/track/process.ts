/**
 * Whether a process of a name is there, by what Linux tells about processes. Pure.
 *
 * The kernel's own name of a process (comm) has at most 15 characters: that of its program's file, or what it called itself
 * (`nginx` keeps it while its command line becomes `nginx: master process`). A longer name is compared with the command line
 * too. A script is known by the script's name, not its interpreter's.
 */

const COMM_LENGTH_MAX = 15;

/** `comm` is of /proc/PID/comm, `argument0` the first argument of /proc/PID/cmdline. */
export function isProcessNamed(name: string, comm: string, argument0: string): boolean {
  if (comm !== name.slice(0, COMM_LENGTH_MAX)) return false;
  return name.length <= COMM_LENGTH_MAX || argument0.slice(argument0.lastIndexOf('/') + 1) === name;
}

export interface ArgumentPattern {
  readonly arguments: readonly string[];
  /** `first`: others may follow; `prefix`: others may follow, and the last of these may be longer. */
  readonly match: 'exact' | 'first' | 'prefix';
}

/** `commandLine` is /proc/PID/cmdline: each argument with a NUL behind it; the first one is the program. */
export function hasArguments({ arguments: wanted, match }: ArgumentPattern, commandLine: string): boolean {
  const [, ...given] = commandLine.replace(/\0$/, '').split('\0');
  if (given.length < wanted.length || (match === 'exact' && given.length > wanted.length)) return false;
  const last = wanted.length - 1;
  return wanted.every((each, i) => (match === 'prefix' && i === last ? given[i].startsWith(each) : given[i] === each));
}

export interface ProcessStat {
  readonly comm: string;
  /** Clock ticks after the start of the machine: with the process id it is nobody else's. */
  readonly startedAt: string;
  /** A zombie has ended and is only still listed. */
  readonly isAlive: boolean;
}

/** Of /proc/PID/stat (proc_pid_stat(5)). Null: it is not what it should be. */
export function parseProcessStat(text: string): ProcessStat | null {
  // The name is in parentheses and may itself have any of them.
  const match = /^[0-9]+ \(([^]*)\) ([A-Za-z]) (.*)/.exec(text);
  if (match === null) return null;
  const startedAt = match[3].split(' ')[18];
  if (startedAt === undefined) return null;
  return { comm: match[1], startedAt, isAlive: match[2] !== 'Z' && match[2] !== 'X' };
}

/** A service that is restarted is gone for a moment: that is no reason to move the address. */
export const MISSING_MS_MAX = 1_000;

/** The first look decides; after that a process must have been missing for a while, and is back at once. */
export class ProcessTrack {
  /** Null: nobody has looked yet. */
  isUp: boolean | null = null;
  private lastSeenMs = 0;

  /** Whether one was seen, by somebody who looks several times in MISSING_MS_MAX. */
  handleLook(nowMs: number, isThere: boolean): void {
    if (isThere) {
      this.lastSeenMs = nowMs;
      this.isUp = true;
    } else if (this.isUp === null || nowMs - this.lastSeenMs >= MISSING_MS_MAX) {
      this.isUp = false;
    }
  }
}
