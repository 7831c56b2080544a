/** Access logs of the Config to those of the Plan. */
import type { Address } from '../../base/address.ts';
import { parseServer } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import { withLateNames } from '../check/late-values.ts';
import type { AccessLogConfig, Config } from '../model/config.ts';
import { listOf } from '../model/parts.ts';
import type { SyslogPlan } from '../../base/syslog.ts';
import type { LineFormatPlan, LogPlan } from '../plan/record.ts';
import type { END_SOURCES, SOURCES } from '../words/template.ts';
import { FACILITIES, SEVERITIES } from '../words/syslog-words.ts';
import { hundredths } from '../words/units.ts';

type Word = keyof typeof SOURCES | keyof typeof END_SOURCES | `header:${string}`;

/** Numbers stand in it as numbers: there is always one. */
const NUMBERS: ReadonlySet<Word> = new Set([
  'status',
  'request-time',
  'queue-time',
  'bytes-received',
  'bytes-sent',
  'tries',
  'peer-port',
]);

type JsonFields = readonly (readonly [name: string, word: Word])[];

/** How it ended, of a request as of a session. */
const JSON_END_FIELDS: JsonFields = [
  ['status', 'status'],
  ['reason', 'reason'],
  ['endedBy', 'ended-by'],
  ['phase', 'phase'],
  ['duration', 'request-time'],
  ['queued', 'queue-time'],
  ['received', 'bytes-received'],
  ['sent', 'bytes-sent'],
  ['upstream', 'upstream'],
  ['tries', 'tries'],
  ['server', 'server'],
];

const JSON_FIELDS: JsonFields = [
  ['time', 'iso-time'],
  ['id', 'request-id'],
  ['listener', 'listener'],
  ['client', 'client'],
  ['method', 'method'],
  ['host', 'authority'],
  ['target', 'uri'],
  ['protocol', 'protocol'],
  ['tls', 'tls-version'],
  ...JSON_END_FIELDS,
  ['limiter', 'limiter'],
  ['serverStatus', 'server-status'],
  ['serverConnect', 'server-connect-time'],
  ['serverHeader', 'server-header-time'],
  ['serverTime', 'server-response-time'],
  ['userAgent', 'header:User-Agent'],
  ['referer', 'header:Referer'],
];

const SESSION_JSON_FIELDS: JsonFields = [
  ['time', 'iso-time'],
  ['listener', 'listener'],
  ['transport', 'transport'],
  ['client', 'client'],
  ['clientPort', 'peer-port'],
  ['tls', 'tls-version'],
  ['serverName', 'tls-server-name'],
  ...JSON_END_FIELDS,
  ['serverConnect', 'server-connect-time'],
  ['serverFirstByte', 'server-header-time'],
  ['serverTime', 'server-response-time'],
];

const JSON_FORMAT = jsonFormat(JSON_FIELDS);
const SESSION_JSON_FORMAT = jsonFormat(SESSION_JSON_FIELDS);

function jsonFormat(fields: JsonFields): LineFormatPlan {
  const members = fields.map(([name, word]) => `"${name}":${NUMBERS.has(word) ? `{${word}}` : `"{${word}}"`}`);
  return { text: `{${members.join(',')}}`, escape: 'json' };
}

export const COMBINED_TEXT =
  '{client} - - [{local-time}] "{request-line}" {status} {body-bytes-sent} "{header:Referer}" "{header:User-Agent}"';

export function compileAccessLogs({ 'access-logs': logs = {} }: Config, late: ReadonlySet<string>): LogPlan[] {
  return Object.entries(logs).map(([name, log]) => compileAccessLog(name, withLateNames(log, late, false)));
}

function compileAccessLog(name: string, log: AccessLogConfig): LogPlan {
  const { file = null, format, escape, when = null, sample, errors } = { ...DEFAULTS.accessLog, ...log };
  const own = formatOf(format, escape);
  const sessionFormat = format === 'json' ? SESSION_JSON_FORMAT : own;
  const { syslog } = log;
  return {
    name,
    file,
    syslog: syslog === undefined ? null : compileSyslog(syslog),
    format: own,
    sessionFormat,
    when,
    sample: hundredths(sample),
    keepsErrors: errors,
  };
}

export function compileSyslog(config: NonNullable<AccessLogConfig['syslog']>): SyslogPlan {
  const { facility, format, hostname, protocol, server, severity, tag } = { ...DEFAULTS.syslog, ...config };
  const address = parseServer(server).value!.target as Address;
  return {
    address,
    isTcp: protocol === 'tcp' && address.family !== 0,
    isModern: format === 'rfc5424',
    priority: FACILITIES.indexOf(facility) * SEVERITIES.length + SEVERITIES.indexOf(severity),
    tag,
    hasHostname: hostname,
  };
}

function formatOf(format: string, escape: LineFormatPlan['escape']): LineFormatPlan {
  if (format === 'json') return JSON_FORMAT;
  return format === 'combined' ? { text: COMBINED_TEXT, escape: 'text' } : { text: format, escape };
}

export function namesOfLogs(written: string | readonly string[]): readonly string[] {
  return written === 'none' ? [] : listOf(written);
}
