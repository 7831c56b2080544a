/**
 * What a process of ours writes to its stderr: nothing, unless it dies of a bug. Then it is what the bug is found by. It goes
 * to the log, line by line and with the name of the process; so much and no more, because that process may not be ours any
 * longer.
 */
import type { Readable } from 'node:stream';
import type { Log } from './log.ts';

const LINES_MAX = 60;
const LINE_CHARS_MAX = 1_000;

/** `actor`: `proxy 0`. */
export function logOutput(stream: Readable | null | undefined, actor: string, log: Log): void {
  let rest = '';
  let lines = 0;
  let left = 0;
  const handleLine = (line: string): void => {
    if (line === '') return;
    if (lines++ < LINES_MAX) log.error(`${actor} wrote: ${line}`);
    else left++;
  };
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = (parts.pop() ?? '').slice(0, LINE_CHARS_MAX);
    for (const part of parts) handleLine(part.slice(0, LINE_CHARS_MAX));
  });
  stream?.on('error', () => undefined);
  stream?.on('end', () => {
    handleLine(rest);
    if (left > 0) log.error(`${actor} wrote ${left} more lines, which are left out`);
  });
}
