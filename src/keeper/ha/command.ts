/**
 * Runs a program of the operator's: without a shell, as the user it is meant for, in a process group of its own, with a
 * time limit that holds for everything it starts, and with a bounded memory of what it says. It never throws; whatever
 * goes wrong is a failed run with a reason.
 */
import { systemReason } from '../../base/system-error.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Command } from '../../config/words/command.ts';
import { printable } from '../log/log.ts';
import { type CommandUser, findUnsafePart } from './command-user.ts';

export interface CommandRequest {
  readonly command: Command;
  /** Null: the user of this process. */
  readonly user: CommandUser | null;
  readonly timeoutMs: number;
  /** Besides PATH. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandResult {
  /** It ended with exit code 0, in time. */
  readonly isPassed: boolean;
  /** For people: `exit code 1`, `not ended after 2 s`. */
  readonly reason: string;
  /** The end of what it wrote. */
  readonly output: string;
  /** Of one that ended in time by itself. */
  readonly exitCode?: number;
  /** It was not started, for want of something on this machine. */
  readonly isShortage?: boolean;
}

/** For people: the reason, and the last line of what it said. */
export function describeResult({ reason, output }: Pick<CommandResult, 'reason' | 'output'>): string {
  const line = printable(output.slice(output.lastIndexOf('\n') + 1).slice(-200));
  return line === '' ? reason : `${reason}: ${line}`;
}

export interface RunningCommand {
  /** Resolves when it ended, or when its time is over. */
  readonly result: Promise<CommandResult>;
  /** Resolves when its process is gone: after its time was over, a moment later. */
  readonly gone: Promise<void>;
  /** Its process is gone. Where `result` tells of one that ended in time, it is. */
  readonly isGone: boolean;
  /** Ends it, and all that it started, now. */
  end(): void;
}

export type RunCommand = (request: CommandRequest) => RunningCommand;

/** The one that a service manager gives differs from machine to machine. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** From the polite signal to the other one. */
const KILL_AFTER_MS = 2_000;
const LAST_WORDS_MS = 50;
const OUTPUT_BYTES_MAX = 1_024;

export const runCommand: RunCommand = (request) => {
  const [program, ...args] = request.command;
  const unsafe = request.user === null || request.user.uid !== 0 ? null : findUnsafePart(program);
  if (unsafe !== null) return failed(`refused: it would run as root, and ${unsafe}`);
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: '/',
      env: { PATH, ...request.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session of its own, and with it a group that signals can be sent to.
      detached: true,
      ...(request.user === null ? {} : { uid: request.user.uid, gid: request.user.gid }),
    });
  } catch (error) {
    return failed(systemReason(error));
  }
  return watch(child, request);
};

function watch(child: ChildProcess, { timeoutMs, command: [program] }: CommandRequest): RunningCommand {
  const output = new Tail();
  for (const stream of [child.stdout, child.stderr]) follow(stream, output);
  const [result, settle] = deferred<CommandResult>();
  const [gone, settleGone] = deferred<void>();
  let reason = 'it was never started';
  let isPassed = false;
  let isGone = false;
  let isShortage = false;
  let exitCode: number | null = null;
  let kill: NodeJS.Timeout | undefined;
  const timeout = setTimeout(() => {
    settle({ isPassed: false, reason: `not ended after ${timeoutMs / 1000} s`, output: output.text });
    signalGroup(child, 'SIGTERM');
    kill = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  }, timeoutMs);
  const finish = (): void => {
    clearTimeout(timeout);
    clearTimeout(kill);
    isGone = true;
    const more = { ...(isShortage ? { isShortage } : {}), ...(exitCode === null ? {} : { exitCode }) };
    settle({ isPassed, reason, output: output.text, ...more });
    settleGone();
  };
  child.on('error', (error: NodeJS.ErrnoException) => {
    // An error after the start (a signal that could not be sent) is not its end.
    if (child.pid !== undefined) return;
    reason = describe(error, program);
    isShortage = SHORTAGES.has(error.code ?? '');
    finish();
  });
  child.on('exit', (code, signal) => {
    isPassed = code === 0;
    exitCode = code;
    reason = signal === null ? `exit code ${code}` : `killed by ${signal}`;
    // What it wrote last may still be on its way; what it started may hold the pipe for years.
    setTimeout(finish, LAST_WORDS_MS);
  });
  child.on('close', finish);
  return {
    result,
    gone,
    get isGone() {
      return isGone;
    },
    end: () => signalGroup(child, 'SIGKILL'),
  };
}

function deferred<T>(): [Promise<T>, (value: T) => void] {
  let settle!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return [promise, settle];
}

function failed(reason: string): RunningCommand {
  return {
    result: Promise.resolve({ isPassed: false, reason, output: '' }),
    gone: Promise.resolve(),
    isGone: true,
    end: () => undefined,
  };
}

/**
 * Reads on when the program has ended: a service that it started may have the pipe still, and would die of writing to one
 * that nobody reads. That keeps no process of ours alive.
 */
function follow(stream: Readable | null, output: Tail): void {
  stream?.on('data', (data: Buffer) => output.push(data));
  stream?.on('error', () => undefined);
  (stream as { unref?: () => void } | null)?.unref?.();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

class Tail {
  private bytes = Buffer.alloc(0);

  push(data: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, data.subarray(-OUTPUT_BYTES_MAX)]).subarray(-OUTPUT_BYTES_MAX);
  }

  get text(): string {
    return this.bytes.toString().trim();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file, or its interpreter is missing',
  EACCES: 'permission denied: it is not executable, or its directory is closed, for the user that runs it',
  EPERM: 'only root may run it as another user',
  ENOEXEC: 'it is no program: a script begins with #! and its interpreter',
  EAGAIN: 'no process can be started: a limit is reached',
  ENOMEM: 'no process can be started: no memory',
  EMFILE: 'no process can be started: no file descriptor is left',
  ENFILE: 'no process can be started: no file descriptor is left on this machine',
};

/** What this machine was out of. */
const SHORTAGES: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

function describe(error: NodeJS.ErrnoException, program: string): string {
  return `${program}: ${WORDS[error.code ?? ''] ?? error.message}`;
}
