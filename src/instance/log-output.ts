/** The log of `evenkeel run`: to stderr, in the form that its reader wants, and never waited for. */
import { fstatSync, writeSync } from 'node:fs';
import { isWritable } from '../io/linux/libc.ts';
import { LimitedLog } from '../keeper/log/log-limit.ts';
import { LogWriter } from '../keeper/log/log-writer.ts';
import { createLog, type Log, type LogFormat } from '../keeper/log/log.ts';
import type { LogLevel } from '../port/control.ts';

const STDERR = 2;

export interface LogOutput {
  readonly log: Log;
  /** A line that is not an event: what is wrong with a file. */
  readonly write: (line: string) => void;
  readonly format: LogFormat;
}

/** `wanted`: what was asked for; null: as it suits what reads it, a terminal or the journal. */
export function openLog(wanted: 'text' | 'json' | null, level: LogLevel): LogOutput {
  const format: LogFormat = wanted ?? (isJournal(process.env['JOURNAL_STREAM']) ? 'journal' : 'text');
  const sink = {
    isWritable: () => isWritable(STDERR),
    write: (bytes: Uint8Array) => writeSync(STDERR, bytes),
  };
  const writer = new LogWriter(sink, (count, why) => {
    let line = '';
    const toLine = createLog((text) => (line = text), Date.now, { format, level: 'info' });
    toLine.warn(`the log lost ${count} ${count === 1 ? 'line' : 'lines'}: ${why}`);
    return line;
  });
  const write = (line: string): void => writer.write(line);
  return { log: new LimitedLog(createLog(write, Date.now, { format, level })), write, format };
}

/** systemd says which device and inode its journal's socket has; stderr may have been redirected since (systemd.exec(5)). */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(STDERR, { bigint: true });
  return stream === `${dev}:${ino}`;
}
