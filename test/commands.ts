/** `evenkeel` as a client of a running one. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { program } from './evenkeel.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Asks who has this socket. `input` is what it reads, of an option of the same name. */
export function commandOf(socket: string): (...words: readonly string[]) => Promise<Said> {
  return (...words) => run([...words, '--socket', socket]);
}

export async function run(words: readonly string[], input = ''): Promise<Said> {
  const child = spawn(process.execPath, [program, ...words]);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, stdout, stderr };
}

/** `evenkeel token` for who has this state directory; what it says. */
export function tokenOf(state: string): (...words: readonly string[]) => string {
  const env = { ...process.env, STATE_DIRECTORY: state };
  return (...words) => execFileSync(process.execPath, [program, 'token', ...words], { encoding: 'utf8', env }).trim();
}

/** What a line of a shell prints, whatever its exit code. */
export function printedBy(line: string, cwd = '/'): Promise<string> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}
