/** Processes that tests have left behind. A proxy without its keeper serves on, and has a port that somebody else may be given. */
import { readFileSync } from 'node:fs';
import { environmentOf, startedWith } from './family.ts';

const MARK = 'EVENKEEL_TEST_RUN';
/** They may be about to end. */
const WITHIN_MS = 5_000;

/** All that this process starts from now on, and what that starts, will be known by its environment. */
export function markProcesses(): void {
  process.env[MARK] = `${process.pid}`;
}

/** A line for each that is there and stays. */
export async function leftBehind(): Promise<readonly string[]> {
  for (const end = performance.now() + WITHIN_MS; ;) {
    const left = startedWith(`${MARK}=${process.pid}`);
    if (left.length === 0 || performance.now() >= end) return left.map(describe);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function describe(pid: number): string {
  const name = 'EVENKEEL_TEST=';
  const test =
    environmentOf(pid)
      .find((each) => each.startsWith(name))
      ?.slice(name.length) ?? 'some test';
  return `left behind by ${test}: ${titleOf(pid)} (pid ${pid})`;
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return 'it has ended';
  }
}
