/** What a process uses, by proc(5). */
import { readFileSync, statSync } from 'node:fs';

export interface ProcessFigures {
  /** In user mode and in the kernel. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Null: this kernel does not say it (Linux 6.2 does), or not to this user. */
  readonly descriptors: number | null;
}

/** The unit of times in /proc: USER_HZ is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Of the fields behind the program's name. */
const UTIME = 11;
const STIME = 12;

/** Null: there is no such process, or the system does not tell. */
export function figuresOf(pid: number): ProcessFigures | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return {
      cpuSeconds: (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND,
      residentBytes: Number(resident?.[1] ?? 0) * 1024,
      descriptors: descriptorsOf(pid),
    };
  } catch {
    return null;
  }
}

function descriptorsOf(pid: number): number | null {
  try {
    // before Linux 6.2 it is 0, and counting them one by one takes the longer the more there are
    return statSync(`/proc/${pid}/fd`).size || null;
  } catch {
    return null;
  }
}
