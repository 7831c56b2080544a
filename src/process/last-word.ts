/** A line in the log of a keeper that is gone: on its stderr, which this process has kept for that. Lost where it would have to wait. */
import { fstatSync, writeSync } from 'node:fs';
import { isWritable } from '../io/linux/libc.ts';
import { createLog } from '../keeper/log/log.ts';

export function warnForKeeper(descriptor: number, message: string): void {
  try {
    if (!isWritable(descriptor)) return;
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    const format = process.env['JOURNAL_STREAM'] === `${dev}:${ino}` ? 'journal' : 'text';
    createLog((line) => writeSync(descriptor, line), Date.now, { format, level: 'info' }).warn(message);
  } catch {
    // Nobody reads it.
  }
}
