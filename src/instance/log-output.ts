/** The log of `evenkeel run`: to stderr, in the form that its reader wants, and to a syslog server if the file names one; never waited for. */
import { fstatSync, writeSync } from 'node:fs';
import type { SyslogPlan } from '../base/syslog.ts';
import { isWritable } from '../io/linux/libc.ts';
import { SyslogOutlet } from '../io/linux/syslog-outlet.ts';
import { LimitedLog } from '../keeper/log/log-limit.ts';
import { LogWriter } from '../keeper/log/log-writer.ts';
import { createLog, type Log, type LogDetails, type LogFormat } from '../keeper/log/log.ts';
import type { LogLevel } from '../port/control.ts';

const STDERR = 2;

export interface LogOutput {
  readonly log: Log;
  /** A line that is not an event: what is wrong with a file. */
  readonly write: (line: string) => void;
  readonly format: LogFormat;
  /** Everything goes to this server too, from now on; null: to none. */
  readonly copyTo: (syslog: SyslogPlan | null) => void;
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
  let copy: SyslogOutlet | null = null;
  let plan = '';
  const own = createLog(write, Date.now, { format, level });
  // `<4>what happened`, with its line feed
  const send = (line: string): void => copy?.send(Number(line[1]), line.slice(3, -1));
  const copied = createLog(send, Date.now, { format: 'journal', level });
  const copyTo = (syslog: SyslogPlan | null): void => {
    const wanted = JSON.stringify(syslog);
    if (wanted === plan) return;
    plan = wanted;
    copy?.close();
    copy =
      syslog === null
        ? null
        : new SyslogOutlet(syslog, (why) => own.warn(`the log loses lines that go to syslog: ${why}`));
  };
  return { log: new LimitedLog(both(own, copied)), write, format, copyTo };
}

function both(one: Log, other: Log): Log {
  const to =
    (level: LogLevel) =>
    (message: string, details?: LogDetails): void => {
      one[level](message, details);
      other[level](message, details);
    };
  return { info: to('info'), warn: to('warn'), error: to('error') };
}

/** systemd says which device and inode its journal's socket has; stderr may have been redirected since (systemd.exec(5)). */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(STDERR, { bigint: true });
  return stream === `${dev}:${ino}`;
}
