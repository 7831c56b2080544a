/**
 * Leaves the foreground: the program is started once more, in a session of its own, and the process that was typed ends when that
 * one serves, or with it if it cannot. Node cannot fork; so it is not known before who serves whether the files are right.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';

/** Set for the process that is to serve. */
const VARIABLE = 'EVENKEEL_DAEMON';
/** Where it says that it does. */
const REPORT = 3;

/** Resolves with the exit code of the process that was typed. */
export async function startDaemon(): Promise<number> {
  const [program, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, [VARIABLE]: '1' };
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  return new Promise((resolve) => {
    child.on('error', () => resolve(EXIT_FAILED));
    child.on('exit', (code) => resolve(code === null || code === 0 ? EXIT_FAILED : code));
    child.stdio[REPORT]!.on('data', () => resolve(EXIT_OK));
  });
}

/** In the process that is to serve: from now on its children are not told so. Null: it stays in the foreground. */
export function takeDaemon(environment: NodeJS.ProcessEnv): Daemon | null {
  if (environment[VARIABLE] === undefined) return null;
  delete environment[VARIABLE];
  return new Daemon();
}

export class Daemon {
  private isReported = false;

  /** It serves: nobody waits for it any more. */
  report(): void {
    if (this.isReported) return;
    this.isReported = true;
    try {
      writeSync(REPORT, '1');
    } catch {
      // Who started it did not wait.
    }
    closeSync(REPORT);
  }
}
