/** Access logs: each has one place for its lines, and whoever names one names one that there is. */
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf, itemsOf } from '../model/parts.ts';
import { requestValueIn } from './tcp.ts';
import type { Report } from './report.ts';
import { nearest } from '../findings/suggest.ts';

export function checkAccessLogs(document: Loose<Config>, report: Report): void {
  const logs = entriesOf(document['access-logs']);
  for (const [name, log] of logs) {
    const path: Path = ['access-logs', name];
    report.oneOf(log, path, ['file', 'syslog', 'stdout']);
    if (log.escape !== undefined && (log.format === undefined || log.format === 'json' || log.format === 'combined')) {
      const reason = 'only a `format` of your own leaves that open';
      report.atKey([...path, 'escape'], 'no-effect', { key: 'escape', reason, fix: 'leave it out' });
    }
    if (log.errors === true && log.when === undefined && log.sample === undefined) {
      const reason = 'all requests are in it, without `when` and `sample`';
      report.atKey([...path, 'errors'], 'no-effect', { key: 'errors', reason, fix: 'leave it out' });
    }
  }
  checkSessions(document, report);
  if (!report.isWhole(['access-logs'])) return;
  const known = logs.map(([name]) => name);
  eachNamed(document.listeners, ['listeners'], (name, path) => {
    if (name === 'none' || known.includes(name)) return;
    const near = nearest(name, known);
    const fix = near === null ? 'add it under `access-logs`' : `write ${near}`;
    report.atValue(path, 'undefined-log', { value: show(name), fix });
  });
}

/** Sessions have none of what a request has. */
function checkSessions(document: Loose<Config>, report: Report): void {
  for (const [name, listener] of entriesOf(document.listeners)) {
    if (listener.protocol !== 'tcp' && listener.protocol !== 'udp') continue;
    for (const { path, value } of itemsOf(listener['access-log'], ['listeners', name, 'access-log'])) {
      const { format = 'json', when = '' } = document['access-logs']?.[value] ?? {};
      const found = format === 'combined' ? '`format: combined`' : requestValueIn(`${format} ${when}`, document);
      if (found !== null) report.atValue(path, 'log-of-requests', { log: show(value), value: found });
    }
  }
}

/** Each name below an `access-log`. */
function eachNamed(part: unknown, path: Path, found: (name: string, path: Path) => void): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, inner] of Object.entries(part)) {
    const at = [...path, Array.isArray(part) ? Number(key) : key];
    if (key !== 'access-log') eachNamed(inner, at, found);
    else for (const { path: where, value } of itemsOf(inner as string | string[], at)) found(value, where);
  }
}
