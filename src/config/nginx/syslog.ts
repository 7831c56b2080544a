/** `syslog:server=...`, as nginx writes there (RFC 3164): what `syslog` of an access log is. */
import { parseServer } from '../words/addresses.ts';
import { FACILITIES, SEVERITIES } from '../words/syslog-words.ts';
import type { AccessLogConfig } from '../model/config.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Word } from './tokens.ts';

const PORT = 514;

type SyslogConfig = NonNullable<AccessLogConfig['syslog']>;

type SyslogMap = PlainMap & { -readonly [K in keyof SyslogConfig]: SyslogConfig[K] };

/** Null: it is left out, or wrong, which has been said. */
export function readSyslog({ place, text }: Word, notes: Notes, directive = 'access_log'): SyslogMap | null {
  const bad = (problem: string, fix: string): null => {
    notes.error(place, problem, fix);
    return null;
  };
  let address: string | undefined;
  const found: Omit<SyslogMap, 'server'> = { tag: 'nginx', format: 'rfc3164' };
  for (const parameter of text.slice('syslog:'.length).split(',')) {
    const [, key, value = ''] = /^([a-z]+)(?:=(.*))?$/s.exec(parameter) ?? [];
    if (parameter === 'nohostname') found['hostname'] = false;
    else if (key === 'server') address = value;
    else if (key === 'facility') {
      if (!FACILITIES.some((one) => one === value)) return bad(`unknown syslog facility "${value}"`, 'write local7');
      found['facility'] = value;
    } else if (key === 'severity') {
      if (!SEVERITIES.some((one) => one === value)) return bad(`unknown syslog severity "${value}"`, 'write info');
      found['severity'] = value;
    } else if (key === 'tag') {
      if (!/^\w{1,32}$/.test(value))
        return bad('syslog "tag" only allows alphanumeric characters and underscore', 'write nginx');
      found['tag'] = value;
    } else
      return bad(`unknown syslog parameter "${parameter}"`, 'write server=, facility=, severity=, tag= or nohostname');
  }
  if (address === undefined) return bad('no syslog server specified', 'write server= and an address');
  const server = serverOf(address);
  if (server !== null) return { ...found, server };
  notes.leftOut(place, `${directive} ${text}`, 'a syslog server is an address: names are not looked up yet');
  return null;
}

/** With its port. Null: it is no address. */
function serverOf(text: string): string | null {
  const server = parseServer(text === 'localhost' ? '127.0.0.1' : text.replace(/^localhost:/, '127.0.0.1:')).value;
  if (server === null || 'hostname' in server.target) return null;
  const { family, host, port } = server.target;
  if (family === 0) return `unix:${host}`;
  return `${family === 6 ? `[${host}]` : host}:${server.hasPort ? port : PORT}`;
}
