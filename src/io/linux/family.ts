/**
 * Processes that are not our children by birth: how one is started that is nobody's child here, and how a process becomes the
 * one that orphans fall to (prctl(2), PR_SET_CHILD_SUBREAPER) and hears of their end.
 */
import { spawn } from 'node:child_process';
import koffi from 'koffi';
import type * as libc from './libc.ts';

const library = koffi.load(null);
const c = {
  prctl: library.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as libc.Call,
  waitpid: library.func('int waitpid(int, void *, int)') as libc.Call,
};

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
/** What a shell adds to the number of the signal that ended a process. */
const SIGNALLED = 128;

/** The first descriptor that the orphan gets beyond those of every process. */
export const ORPHAN_DESCRIPTORS = 3;

/**
 * Starts a process in a session of its own whose parent is gone at once: it falls to the next subreaper above, or to PID 1. It
 * has our stdout and stderr, and `descriptors` from 3 on. Resolves with its process id; rejects if there is none.
 */
export async function startOrphan(
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  descriptors: readonly number[],
): Promise<number> {
  const own = ORPHAN_DESCRIPTORS + descriptors.length;
  const middle = `
    const [count, program, ...args] = process.argv.slice(1);
    const passed = Array.from({ length: count - 3 }, (_, i) => 3 + i);
    const child = require('node:child_process').spawn(program, args, { detached: true, stdio: ['ignore', Number(count), 2, ...passed] });
    child.on('error', (error) => { process.stdout.write(error.message); process.exit(1); });
    child.on('spawn', () => { process.stdout.write(String(child.pid)); process.exit(0); });
  `;
  const child = spawn(process.execPath, ['-e', middle, '--', `${own}`, program, ...args], {
    env,
    stdio: ['ignore', 'pipe', 2, ...descriptors, 1],
  });
  let said = '';
  child.stdout!.on('data', (data: Buffer) => (said += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0 || !/^[0-9]+$/.test(said)) throw new Error(said === '' ? `exit code ${code}` : said);
  return Number(said);
}

/** From now on orphans among the descendants of this process are its children. */
export function becomeSubreaper(): void {
  c.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

export const ANY_CHILD = -1;

export interface Ended {
  readonly pid: number;
  /** As a shell would give it. */
  readonly code: number;
}

/** A child that has ended, and is now forgotten by the kernel; null: it runs. `none`: there is no such child. */
export function reap(pid: number): Ended | 'none' | null {
  const status = new Int32Array(1);
  const ended = c.waitpid(pid, status, WNOHANG);
  if (ended <= 0) return ended === 0 ? null : 'none';
  const signal = status[0] & 127;
  return { pid: ended, code: signal === 0 ? (status[0] >> 8) & 255 : SIGNALLED + signal };
}
