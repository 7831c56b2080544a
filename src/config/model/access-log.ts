/** Where a line for each request goes, and what is in it. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { END_SOURCES, NAMED_END_SOURCES, NAMED_RESPONSE_SOURCES } from '../words/template.ts';
import {
  absolutePath,
  flag,
  key,
  logTemplate,
  name,
  oneOrMany,
  required,
  share,
  syslogServer,
  syslogTag,
} from './scalars.ts';
import { FACILITIES, SEVERITIES } from '../words/syslog-words.ts';

const endList = [
  ...Object.entries(END_SOURCES).map(([word, what]) => `\`{${word}}\` ${what}`),
  ...Object.entries({ ...NAMED_RESPONSE_SOURCES, ...NAMED_END_SOURCES }).map(
    ([word, what]) => `\`{${word}:name}\` ${what}`,
  ),
].join('; ');

const syslogKeys = {
  server: required(syslogServer, 'The server: an address with its port, or `unix:` and a path. No name.'),
  format: key(
    z.enum(['rfc5424', 'rfc3164']),
    'The form of a message. What listens on `/dev/log` mostly knows the older one alone.',
    DEFAULTS.syslog.format,
  ),
  facility: key(z.enum(FACILITIES), 'The facility.', DEFAULTS.syslog.facility),
  tag: key(syslogTag, 'The name of the program in each message.', DEFAULTS.syslog.tag),
  hostname: key(flag, 'The name of this machine is in each message.', DEFAULTS.syslog.hostname),
} as const;

/** What evenkeel says of itself. */
export const OwnLog = z.strictObject({
  syslog: required(
    z.strictObject(syslogKeys),
    'A syslog server that has it too, over UDP or a Unix socket, each event with its severity. What cannot be sent at once is lost, and counted.',
  ),
});

export const AccessLog = z.strictObject({
  file: key(
    absolutePath,
    'The file that lines are added to. Opened by the keeper before rights are dropped. One of `file`, `syslog` and `stdout`.',
  ),
  syslog: key(
    z.strictObject({
      ...syslogKeys,
      protocol: key(z.enum(['udp', 'tcp']), 'How an address is spoken to.', DEFAULTS.syslog.protocol),
      severity: key(z.enum(SEVERITIES), 'The severity.', DEFAULTS.syslog.severity),
    }),
    'Lines go to a syslog server.',
  ),
  stdout: key(z.literal(true).meta({ examples: [true] }), 'Lines go to the standard output of evenkeel.'),
  format: key(
    logTemplate,
    `\`json\`: an object a line; \`combined\`: as Apache and nginx write it; or text with values of the request, and of its end: ${endList}.`,
    DEFAULTS.accessLog.format,
  ),
  escape: key(
    z.enum(['text', 'json', 'none']),
    'How values stand in a `format` of your own. `text`: what is no visible ASCII as `\\x0A`, and `-` for what is empty; `json`: as in a string of JSON; ' +
      '`none`: as they came, but for ends of lines.',
    DEFAULTS.accessLog.escape,
  ),
  when: key(logTemplate, 'Only requests for which this text, with values in it, is neither empty nor `0`.'),
  sample: key(share, 'Only this part of the requests, at random.', DEFAULTS.accessLog.sample),
  errors: key(
    flag,
    'Whatever `when` and `sample` say, requests with status 500 or more, and those that did not end complete, are in it.',
    DEFAULTS.accessLog.errors,
  ),
});

export const accessLogNames = z.union([z.literal('none'), oneOrMany(name)]);
