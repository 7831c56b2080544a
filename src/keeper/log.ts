/** What happens, for people: one line per event, a sentence first, then details as key=value. */
import type { LogLevel } from '../port/control.ts';

export interface Log {
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
}

export type LogDetails = Readonly<Record<string, string | number>>;

/** `write` gets whole lines with their line feed. */
export function createLog(write: (line: string) => void, wallClockMs: () => number): Log {
  const put = (level: LogLevel, message: string, details: LogDetails = {}): void => {
    const time = new Date(wallClockMs()).toISOString();
    const pairs = Object.entries(details).map(([key, value]) => ` ${key}=${quote(String(value))}`);
    write(`${time} ${level.padEnd(5)} ${printable(message)}${pairs.join('')}\n`);
  };
  return {
    info: (message, details) => put('info', message, details),
    warn: (message, details) => put('warn', message, details),
    error: (message, details) => put('error', message, details),
  };
}

function quote(value: string): string {
  return /^[\w.:/*@+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** Part of a message may come from a peer: nothing of it may begin a line of its own or move the cursor. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
