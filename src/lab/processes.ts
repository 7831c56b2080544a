/**
 * Programs in a host of a lab: started, killed, frozen and thawed. A host's processes are those in its network namespace,
 * what started them: also what a supervisor starts anew, and orphans.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** What a program said, for a report of its unexpected end. */
const OUTPUT_CHARS_MAX = 20_000;

export interface HostProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** A whole line of stdout or stderr, without its line feed. */
  readonly onLine?: (line: string) => void;
  /** Opens a channel for messages. */
  readonly hasChannel?: boolean;
}

export class HostProcess {
  readonly child: ChildProcess;
  /** Its exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  output = '';

  constructor(namespace: string, command: readonly string[], options: HostProcessOptions = {}) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    if (options.hasChannel === true) stdio.push('ipc');
    // `ip netns exec` becomes the program: the process id is the program's. Its own session: Ctrl-C is for the lab alone.
    this.child = spawn('ip', ['netns', 'exec', namespace, ...command], {
      stdio,
      env: { ...process.env, ...options.env },
      detached: true,
      serialization: 'advanced',
    });
    this.exit = once(this.child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
    this.exit.catch(() => undefined);
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      let line = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_CHARS_MAX);
        const lines = (line + text).split('\n');
        line = lines.pop()!;
        if (options.onLine !== undefined) lines.forEach(options.onLine);
      });
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    this.child.kill(signal);
    await this.exit;
  }
}

/** Ids of all processes in a network namespace, parents before their children. */
export function processesIn(namespace: string): number[] {
  const wanted = `net:[${statSync(`/run/netns/${namespace}`).ino}]`;
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue;
    try {
      if (readlinkSync(`/proc/${entry}/ns/net`) === wanted) found.push(Number(entry));
    } catch {
      // It ended meanwhile, or is a kernel thread.
    }
  }
  return parentsFirst(found);
}

/** A supervisor that is signalled before its children cannot start others in their place. */
function parentsFirst(pids: readonly number[]): number[] {
  const parents = new Map(pids.map((pid) => [pid, parentOf(pid)]));
  const depth = (pid: number): number => {
    const parent = parents.get(pid);
    return parent === undefined ? 0 : 1 + depth(parent);
  };
  return [...pids].sort((a, b) => depth(a) - depth(b) || a - b);
}

/** Process id of its parent, 0 if it is gone. */
export function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/** As `ps` shows it: a process may have given itself a title. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Those of the processes that were still there. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): number[] {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  });
}

/**
 * SIGKILL for all of them as if at one moment: they are stopped first. Else one that is told of another's death would react
 * in the microseconds before its own.
 */
export function killAtOnce(pids: readonly number[]): number[] {
  signalAll(pids, 'SIGSTOP');
  return signalAll(pids, 'SIGKILL');
}
