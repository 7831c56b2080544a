/** What is changed in the head of a request, and in that of its response. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  anyText,
  capturingRegex,
  flag,
  headerName,
  headerTemplate,
  key,
  oneOrMany,
  regex,
  required,
  responseTemplate,
  trustedNetwork,
} from './scalars.ts';
import { NAMED_RESPONSE_SOURCES, RESPONSE_SOURCES } from '../words/template.ts';
import { sourceList } from './phrases.ts';

const HeaderEdit = z.strictObject({
  set: key(
    z.record(headerName, headerTemplate),
    `By field name: replaces every field of that name. Values of the request stand in braces: ${sourceList}. A field whose value is empty for a request is not there.`,
  ),
  add: key(z.record(headerName, oneOrMany(headerTemplate)), 'By field name: added after those that are there.'),
  remove: key(oneOrMany(headerName), 'Names of fields to remove.'),
});

const responseList = [
  ...Object.entries(RESPONSE_SOURCES).map(([word, what]) => `\`{${word}}\` ${what}`),
  ...Object.entries(NAMED_RESPONSE_SOURCES).map(([word, what]) => `\`{${word}:name}\` ${what}`),
].join('; ');

const ReplaceField = z.strictObject({
  field: required(headerName, 'Of this field of the response. Of Refresh it is the address that counts.', 'Location'),
  attribute: key(
    headerName.meta({ title: 'attribute', examples: ['Path'] }),
    'With `field: Set-Cookie`: this attribute of each cookie, `Domain` for example, and not the whole value.',
  ),
  is: key(headerTemplate, 'Where it is this; `Domain` is compared without case, and without a dot in front ...'),
  prefix: key(headerTemplate, 'Where it begins with this ...'),
  regex: key(capturingRegex, 'Where this ECMAScript regular expression matches in it ...'),
  by: required(
    responseTemplate,
    '... this takes the place of that; with `regex` of the whole value, and `{capture:1}` is the first group.',
    '/app/',
  ),
  base: key(headerTemplate, 'What is put in front of a new value that begins with `/`.'),
});

const cookieFlag = z
  .enum(['Secure', 'HttpOnly', 'SameSite=Strict', 'SameSite=Lax', 'SameSite=None'])
  .meta({ title: 'flag' });

const CookieFlags = z.strictObject({
  cookie: required(
    z.union([
      anyText('name of a cookie', 'session'),
      z.strictObject({ regex: required(regex, 'Whose name this matches.', '^sess') }),
    ]),
    'Of cookies with this name, in any case, or with `{ regex: }`.',
    'session',
  ),
  add: key(oneOrMany(cookieFlag), 'The flags that they get.'),
  remove: key(oneOrMany(z.enum(['Secure', 'HttpOnly', 'SameSite'])), 'The flags that they lose.'),
});

const ResponseEdit = z.strictObject({
  set: key(
    z.record(headerName, responseTemplate),
    `As of a request. What is known of the response may stand there too: ${responseList}.`,
  ),
  add: key(z.record(headerName, oneOrMany(responseTemplate)), 'By field name: added after those that are there.'),
  remove: key(oneOrMany(headerName), 'Names of fields to remove.'),
  replace: key(
    z.array(ReplaceField).min(1),
    "Changes in the value of a server's field: the first rule that fits counts. With `is`, `prefix` or `regex`.",
  ),
  expires: key(
    z.strictObject({
      after: required(
        responseTemplate,
        'The term: `30d` or `1h 30m` from its beginning on, `@15h30m` the next time that it is so late in the day (UTC), `-1` the past, `epoch`, ' +
          '`max`, or `off`. Values may make it; where they make no term, nothing is said.',
        '30d',
      ),
      of: key(
        z.enum(['now', 'modified']),
        'Where it begins: now, or with what Last-Modified says.',
        DEFAULTS.route.expires.of,
      ),
    }),
    'How long a response may be kept: sets Expires, and Cache-Control to `max-age` or `no-cache`, if the status is as for `success`.',
  ),
  'cookie-flags': key(z.array(CookieFlags).min(1), "Flags of a server's cookies: the first rule for a cookie counts."),
});

export const Forwarded = z.union([
  z.enum(['replace', 'append', 'pass']),
  z.strictObject({
    trust: required(
      oneOrMany(trustedNetwork),
      'The proxies in front of this one: networks, addresses, or `unix` for clients of a Unix socket. What they say ' +
        'of the client in X-Forwarded-For, -Proto and -Host, and their X-Request-Id, is believed.',
      ['10.0.0.0/8'],
    ),
    field: key(
      headerName.meta({ title: 'field name', examples: ['CF-Connecting-IP'] }),
      'The field of these proxies that names the client: an address, or a list of which each proxy has added the last one. Several ' +
        'fields are one list.',
      DEFAULTS.listener.trust.field,
    ),
    hops: key(
      z.enum(['all', 'last']),
      '`all`: from the right, past every trusted proxy. `last`: the last address of the list is the client, whoever that is.',
      DEFAULTS.listener.trust.hops,
    ),
    pass: key(
      flag,
      'Only the address is believed. What a request claims of itself is passed on as it came, and nothing is added, as with `pass`.',
      DEFAULTS.listener.trust.pass,
    ),
  }),
]);

export const Headers = z.strictObject({
  request: key(HeaderEdit, 'Changes of the request on its way to the server.'),
  response: key(ResponseEdit, 'Changes of the response on its way to the client.'),
  success: key(
    z.strictObject({
      set: key(z.record(headerName, responseTemplate), 'As `response.set`.'),
      add: key(z.record(headerName, oneOrMany(responseTemplate)), 'As `response.add`.'),
    }),
    "Changes of a server's response only if its status is 200, 201, 204, 206, 301 to 304, 307 or 308.",
  ),
});
