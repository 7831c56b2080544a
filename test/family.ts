/** A process, what it has started, what that has started, and so on, as proc(5) has it. */
import { readFileSync } from 'node:fs';

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
  if (!signal(pid, 'SIGSTOP')) return;
  for (const child of childrenOf(pid)) endFamily(child);
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
