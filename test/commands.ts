/** `evenkeel` as a client of a running one. */
import { spawn } from 'node:child_process';
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
