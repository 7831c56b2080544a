/** Processes that tests have left behind. A proxy without its keeper serves on, and has a port that somebody else may be given. */
import { readdirSync, readFileSync } from 'node:fs';

const MARK = 'EVENKEEL_TEST_RUN';
/** They may be about to end. */
const WITHIN_MS = 5_000;

/** All that this process starts from now on, and what that starts, will be known by its environment. */
export function markProcesses(): void {
  process.env[MARK] = `${process.pid}`;
}

/** A line for each that is there and stays. Of processes that may not be looked into, nothing is known. */
export async function leftBehind(): Promise<readonly string[]> {
  for (const end = performance.now() + WITHIN_MS; ;) {
    const left = marked();
    if (left.length === 0 || performance.now() >= end) return left.map(describe);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function marked(): readonly string[] {
  if (process.platform !== 'linux') return [];
  const mark = `${MARK}=${process.pid}`;
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && pid !== `${process.pid}` && read(pid, 'environ').split('\0').includes(mark),
  );
}

function describe(pid: string): string {
  const test = /^EVENKEEL_TEST=(.*)$/m.exec(read(pid, 'environ').replaceAll('\0', '\n'))?.[1] ?? 'some test';
  return `left behind by ${test}: ${read(pid, 'cmdline').replaceAll('\0', ' ').trim()} (pid ${pid})`;
}

function read(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}
