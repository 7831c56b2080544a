/**
 * What happens, for people: one line per event, a sentence first, then details as key=value. The sentence begins with whom it
 * is about: a listener, a server, a proxy.
 */
import type { LogLevel } from '../../port/control.ts';

export interface Log {
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
}

export type LogDetails = Readonly<Record<string, string | number>>;

/**
 * `text` is for files and terminals; `journal` for systemd's journal, which knows the time and reads the priority off the
 * line (sd-daemon(3)); `json` has one object per line.
 */
export type LogFormat = 'text' | 'journal' | 'json';

export interface LogOptions {
  readonly format: LogFormat;
  /** Nothing below it is written. */
  readonly level: LogLevel;
}

/** As syslog(3) counts them. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6 };
/** What a peer can put into a message must not make a line that a pipe would not take whole. */
const MESSAGE_CHARS_MAX = 1_900;

/** `write` gets whole lines with their line feed. */
export function createLog(
  write: (line: string) => void,
  wallClockMs: () => number,
  { format, level: lowest }: LogOptions = { format: 'text', level: 'info' },
): Log {
  const put = (level: LogLevel, message: string, details: LogDetails = {}): void => {
    if (PRIORITIES[level] > PRIORITIES[lowest]) return;
    write(`${FORMATS[format](wallClockMs, level, cut(message), details)}\n`);
  };
  return {
    info: (message, details) => put('info', message, details),
    warn: (message, details) => put('warn', message, details),
    error: (message, details) => put('error', message, details),
  };
}

type Format = (wallClockMs: () => number, level: LogLevel, message: string, details: LogDetails) => string;

const FORMATS: Readonly<Record<LogFormat, Format>> = {
  text: (wallClockMs, level, message, details) =>
    `${new Date(wallClockMs()).toISOString()} ${level.padEnd(5)} ${sentence(message, details)}`,
  journal: (_, level, message, details) => journalLine(level, sentence(message, details)),
  json: (wallClockMs, level, message, details) =>
    JSON.stringify({ time: new Date(wallClockMs()).toISOString(), level, message, ...details }),
};

/** With the priority where the journal finds it. */
export function journalLine(level: LogLevel, text: string): string {
  return `<${PRIORITIES[level]}>${text}`;
}

/** Without what could begin a line of its own. */
export function sentence(message: string, details: LogDetails): string {
  const pairs = Object.entries(details).map(([key, value]) => ` ${key}=${quote(cut(String(value)))}`);
  return `${printable(cut(message))}${pairs.join('')}`;
}

function cut(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}...`;
}

function quote(value: string): string {
  return /^[\w.:/*@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** Part of a message may come from a peer: nothing of it may begin a line of its own or move the cursor. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
