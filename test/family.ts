/** A process, what it has started, what that has started, and so on, as proc(5) has it; and those that have lost their parents. */
import { readdirSync, readFileSync } from 'node:fs';

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function* family(pid: number): Generator<number> {
  yield pid;
  for (const child of childrenOf(pid)) yield* family(child);
}

/** Ends all of it: a keeper's successor may be its child, and the proxies of a keeper serve on without it. */
export function endFamily(pid: number): void {
  // Stopped, it starts no further one.
  if (!kill(pid, 'SIGSTOP')) return;
  for (const child of childrenOf(pid)) endFamily(child);
  kill(pid, 'SIGKILL');
}

/** All that were started with `variable`, as `NAME=VALUE`, or by such a one. Of processes that may not be looked into, nothing is known. */
export function startedWith(variable: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(Number(name)).includes(variable))
    .map(Number);
}

export function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** False if there is no such process. */
export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
