/** The log of `evenkeel keepalived`: in the system's log, as keepalived's, or on the console with `-l`, or where there is no other place. */
import { existsSync } from 'node:fs';
import { Syslog, SYSLOG_PATH } from '../../io/linux/syslog.ts';
import { LimitedLog } from '../../keeper/log/log-limit.ts';
import { createLog } from '../../keeper/log/log.ts';
import { type LogOutput, openLog } from '../../instance/log-output.ts';

export function openSystemLog(logsToConsole: boolean): LogOutput {
  if (logsToConsole || !existsSync(SYSLOG_PATH)) return openLog(null, 'info');
  const syslog = new Syslog('Keepalived');
  const write = (line: string): void => syslog.write(line);
  const log = new LimitedLog(createLog(write, Date.now, { format: 'journal', level: 'info' }));
  return { log, write, format: 'journal', copyTo: () => undefined };
}
