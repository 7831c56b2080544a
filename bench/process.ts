/** Child processes of a benchmark: started pinned to a core, measured through /proc, ended by pid. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set<ChildProcess>();

export interface Started {
  readonly name: string;
  /** The process that was started and all its descendants, by now. */
  pids(): number[];
  stop(): Promise<void>;
}

/** Starts `command` on `core`. Its output is shown only if it ends before it is stopped. */
export function startPinned(name: string, core: number, command: string, args: readonly string[]): Started {
  const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  running.add(child);
  let isStopping = false;
  child.on('exit', (code) => {
    running.delete(child);
    if (!isStopping) console.error(`${name} ended by itself (${code}):\n${output}`);
  });
  return {
    name,
    pids: () => descendants(child.pid as number),
    stop: async () => {
      isStopping = true;
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const gone = new Promise((resolve) => child.once('exit', resolve));
        await Promise.race([gone, sleep(3000)]);
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      }
    },
  };
}

/** Ends whatever is left, for a run that fails. */
export function killAll(): void {
  for (const child of running) {
    for (const pid of descendants(child.pid as number)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone already
      }
    }
  }
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const parent = parentOf(Number(entry));
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    found.push(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return found;
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/** CPU time so far of these processes and all their threads, in microseconds: user, system and what the kernel did for them. */
export function cpuMicroseconds(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return nanoseconds / 1000;
}

/** Resident memory of these processes that they do not share with others, in bytes. */
export function privateBytes(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    for (const key of ['Private_Clean', 'Private_Dirty']) {
      bytes += Number(new RegExp(`${key}:\\s+([0-9]+)`).exec(rollup)?.[1] ?? 0) * 1024;
    }
  }
  return bytes;
}

/** Waits until somebody accepts on this port of 127.0.0.1. */
export async function waitForPort(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error(`nothing accepts on port ${port}`);
}
