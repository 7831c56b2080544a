/**
 * The configuration as one typed, serialisable document, whatever file it came from: what was written, without defaults, in
 * the units it was written in. `compile/` makes a Plan of it. The schemas hold the shape of each part for itself; what has
 * to do with other parts is in `check/`. Each description is the reference page's, the editor's and the only one.
 */
import * as z from 'zod';
import { CHUNK_LINE_BYTES_MAX, HEADER_COUNT_MAX, HEAD_BYTES_MAX, WORKERS_MAX } from '../../base/limits.ts';
import { DEFAULTS } from './defaults.ts';
import { AccessLog, accessLogNames, OwnLog } from './access-log.ts';
import { Bandwidth } from './bandwidth.ts';
import { Compress } from './compress.ts';
import { HighAvailability } from './ha.ts';
import { AdminTls, ServersTls, Tls } from './tls.ts';
import { Auth } from './auth.ts';
import { Cors, securityHeaders } from './cors.ts';
import { Maintenance } from './maintenance.ts';
import { Mirror } from './mirror.ts';
import { limitKeys, Limiter } from './limits.ts';
import { Peer } from './peers.ts';
import { Tracing } from './tracing.ts';
import { Send, TargetBy } from './send.ts';
import { Discover } from './discover.ts';
import { Sticky } from './sticky.ts';
import { tcpKeys } from './tcp.ts';
import {
  absolutePath,
  alpnProtocol,
  anyText,
  bind,
  bodyTemplate,
  capturingRegex,
  command,
  databaseUser,
  grpcService,
  dnsName,
  duration,
  fileName,
  flag,
  fraction,
  headerName,
  headerTemplate,
  headerValue,
  host,
  hostRegex,
  integer,
  ip,
  key,
  mapTemplate,
  method,
  name,
  nameServer,
  oneOrMany,
  path,
  programUser,
  redirectTarget,
  regex,
  required,
  responseTemplate,
  rewrittenPath,
  server,
  serviceName,
  share,
  size,
  statusRange,
  steppedTarget,
  stickyId,
  target,
  template,
  trustedNetwork,
  variableName,
} from './scalars.ts';
import { NAMED_RESPONSE_SOURCES, NAMED_SOURCES, RESPONSE_SOURCES, SOURCES } from '../words/template.ts';

const sourceList = [
  ...Object.entries(SOURCES).map(([word, what]) => `\`{${word}}\` ${what}`),
  ...Object.entries(NAMED_SOURCES).map(([word, what]) => `\`{${word}:name}\` ${what}`),
].join('; ');

const httpOnly = 'Only for `protocol: http`.';

const TcpKeepalive = z.union([
  flag,
  z.strictObject({
    idle: key(
      duration('1s', '9h'),
      "Silence until a peer is asked. Without it the system's `net.ipv4.tcp_keepalive_time`.",
    ),
    interval: key(
      duration('1s', '9h'),
      "From one unanswered question to the next. Without it the system's `tcp_keepalive_intvl`.",
    ),
    probes: key(
      integer(1, 127),
      "Questions without an answer that end the connection. Without it the system's `tcp_keepalive_probes`.",
    ),
  }),
]);

const ListenerTimeouts = z.strictObject({
  head: key(
    duration('1ms', '1h'),
    'From the first byte of a request to the end of its head; then 408.',
    DEFAULTS.listener.timeouts.head,
  ),
  body: key(
    duration('1ms', '24h'),
    "Longest silence inside a request's body, and what `limits.body-rate` is the average over, of requests and responses.",
    DEFAULTS.listener.timeouts.body,
  ),
  idle: key(
    duration('1ms', '24h'),
    'Silence before the first request of a connection, and between requests; then it is closed.',
    DEFAULTS.listener.timeouts.idle,
  ),
  age: key(
    duration('1ms', '576h'),
    'A connection that is older is closed behind the response to its next request. Without it it may be of any age.',
  ),
  'half-closed': key(
    duration('1ms', '1h'),
    'From the end of what a client sends (FIN) until the response of a server begins; then the request is given up, also at the server.',
    DEFAULTS.listener.timeouts['half-closed'],
  ),
});

const ListenerLimits = z.strictObject({
  head: key(
    size(4 * CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX),
    "Size of a request's head, from the first byte to the empty line; more is 431, or 414 if the request line alone is longer.",
    DEFAULTS.listener.limits.head,
  ),
  headers: key(
    integer(1, HEADER_COUNT_MAX),
    'Number of header fields in a request; more is 431.',
    DEFAULTS.listener.limits.headers,
  ),
  body: key(
    size(0, 8191 * 2 ** 40),
    "Size of a request's body; more is 413. Bodies are streamed: this is no memory.",
    DEFAULTS.listener.limits.body,
  ),
  'body-rate': key(
    size(0, 2 ** 30),
    "Bytes per second that a request's body must come with, on average over each `timeouts.body`; slower is 408. A response that its client takes slower is cut off. 0: any rate.",
    DEFAULTS.listener.limits['body-rate'],
  ),
  connections: key(
    integer(1, 10_000_000),
    'Connections at one time, of all proxies together; further ones wait in the kernel. Each proxy takes its share, rounded up.',
    DEFAULTS.listener.limits.connections,
  ),
  requests: key(
    integer(1, 1_000_000_000),
    'Requests that come over one connection; it is closed behind the response to the last one. Without it any number.',
  ),
});

const PathMatch = z.union([
  path,
  z.strictObject({
    prefix: key(path, 'The path begins with this. The same as a plain string.'),
    exact: key(path, 'The path is this.'),
    regex: key(regex, 'The path matches this ECMAScript regular expression. It is not anchored: write `^` and `$`.'),
  }),
]);

const valueMatch = (what: string): z.ZodType<ValueMatch> =>
  z.union([
    flag,
    anyText('text', 'prod'),
    z.strictObject({
      exact: key(anyText('text', 'prod'), `The ${what} is this. The same as a plain string.`),
      prefix: key(anyText('text', 'prod'), `The ${what} begins with this.`),
      regex: key(regex, `The ${what} matches this ECMAScript regular expression.`),
    }),
  ]);

export type ValueMatch = boolean | string | { exact?: string; prefix?: string; regex?: string };

const HostMatch = z.union([
  host,
  z.array(host).min(1),
  z.strictObject({
    regex: required(hostRegex, 'The host matches this ECMAScript regular expression.', '^www[0-9]+\\.'),
  }),
]);

const Match = z.strictObject({
  host: key(
    HostMatch,
    'Names without port; case does not matter. `*.shop.example` is every name under shop.example, but not shop.example. Or ' +
      '`{ regex: ... }`, which the name in small letters has to match.',
  ),
  path: key(
    PathMatch,
    'A string is a prefix; or `{ exact: /old }`, or `{ regex: ... }`. The query is not part of it. Compared in normal form: escapes ' +
      'decoded, several `/` as one, dot segments resolved.',
  ),
  method: key(oneOrMany(method), 'In capitals.'),
  header: key(
    z.record(headerName, valueMatch('value')),
    'By field name; all of them must match. `true`: present; `false`: absent; a string: this value; or `{ prefix: }`, `{ regex: }`.',
  ),
  query: key(
    z.record(anyText('name of a query parameter', 'lang'), valueMatch('value')),
    'By parameter name; all of them must match. Written as for `header`.',
  ),
});

const Rewrite = z.strictObject({
  prefix: key(
    rewrittenPath,
    'Replaces what `match.path` matched, a prefix or an exact path: with `/`, `/api/x` becomes `/x`. Where one of both ends in `/`, ' +
      'there is exactly one. Without `match.path` it is put in front.',
  ),
  path: key(rewrittenPath, 'Replaces the whole path. The query stays.'),
  regex: key(
    capturingRegex,
    'Replaces what this ECMAScript regular expression matches in the path by `to`. The query stays.',
  ),
  to: key(anyText('replacement', '/v2/$1'), 'With `regex`: the replacement; `$1` is the first group.'),
  target: key(
    steppedTarget,
    'Replaces path and query by this text with values of the request, which are escaped. The query of the request is added, unless there is ' +
      'a `?` at the end. Values in `headers.request` see the new one.',
  ),
});

const Redirect = z.strictObject({
  to: required(
    redirectTarget,
    "The Location. `{host}`, `{path}`, `{query}` (with its `?` if any) and `{uri}` (path and query) are the request's, as are the " +
      'other values that a header may have.',
    '/new',
  ),
  status: key(
    z.literal([301, 302, 303, 307, 308]).meta({ title: 'status' }),
    '301 and 308 are permanent; 307 and 308 keep the method.',
    DEFAULTS.route.redirect.status,
  ),
});

const Respond = z.strictObject({
  status: key(integer(200, 599), 'The status code.', DEFAULTS.route.respond.status),
  body: key(
    bodyTemplate,
    'The body. Values of the request may stand in it, as in headers; they are escaped as `content-type` asks.',
    DEFAULTS.route.respond.body,
  ),
  'content-type': key(headerValue, 'Of the body.', DEFAULTS.route.respond.contentType),
});

const Otherwise = z.strictObject({
  call: key(variableName, 'The request goes on with the route that has this `name`.'),
  to: key(steppedTarget, 'The request goes on with this target, path and perhaps a query.'),
  status: key(integer(400, 599), 'It is answered with this status.'),
});

const Files = z.strictObject({
  root: required(
    absolutePath,
    'The folder. The file is where the path of the request leads to below it, and nothing that leads out of it is answered. Read by ' +
      'another process, see `files.user`.',
    '/srv/www',
  ),
  strip: key(path, 'What the path begins with that is not part of the path below `root`.'),
  path: key(template, "In place of the request's path: text with values of the request in it."),
  try: key(
    z.array(template.meta({ title: 'path', examples: ['{decoded-path}'] })).min(1),
    'These paths one after the other: the first that there is. One that ends in `/` is that of a folder.',
  ),
  otherwise: key(
    Otherwise,
    'Where none of them is there; also for requests with a body, or with another method than GET and HEAD. One of `call`, `to`, ' +
      '`status`. Without it 404.',
  ),
  index: key(
    oneOrMany(fileName),
    'The file of a folder: the first that there is. Without one 403.',
    DEFAULTS.route.files.index,
  ),
  types: key(
    name,
    'Of `files.types`: the Content-Type by extension. Without it that of the usual extensions of the web.',
  ),
  'default-type': key(
    z.union([z.literal(''), headerValue]),
    'The Content-Type of files with another extension; empty for none.',
    DEFAULTS.route.files['default-type'],
  ),
  dotfiles: key(
    flag,
    'Names that begin with a dot are answered like others. Without it they are 404, less `.well-known`.',
    DEFAULTS.route.files.dotfiles,
  ),
});

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

const Forwarded = z.union([
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

const Headers = z.strictObject({
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

const RETRY_REASONS = ['connect', 'reset', 'timeout', 'non-idempotent'] as const;

const retryStatus = z
  .union([integer(500, 599), z.literal([403, 404, 429])])
  .meta({ title: 'status code from 500 to 599, or 403, 404 or 429', examples: [503] });

const Retry = z.strictObject({
  attempts: key(integer(1, 16), 'Tries in all, the first included: 1 is no retry.', DEFAULTS.route.retry.attempts),
  on: key(
    z.array(z.union([z.enum(RETRY_REASONS), retryStatus])),
    'What makes another server be tried. `connect`: no connection; `reset`: it ended before a response; `timeout`: the response did ' +
      'not begin in time; status codes 500 to 599, 429, 403 and 404, of which the last two are no failure of the server. Once something was sent, only idempotent methods are tried again, ' +
      'unless `non-idempotent` is in the list too.',
    DEFAULTS.route.retry.on,
  ),
});

const RouteLimits = z.strictObject({
  body: key(size(0, 8191 * 2 ** 40), "Size of a request's body; more is 413."),
  ...limitKeys,
});

/** What a route does. */
const routeKeys = {
  upstream: key(
    name,
    'Send the request to this upstream. One of `upstream`, `redirect`, `respond`, `files`, `ready`, `close` is needed, or `steps`.',
  ),
  redirect: key(Redirect, 'Answer with a redirect.'),
  respond: key(Respond, 'Answer with a fixed response.'),
  files: key(Files, 'Answer with a file. [Static files](../files.md).'),
  ready: key(
    z.literal(true).meta({ examples: [true] }),
    'Say whether this node takes clients, for a load balancer in front of it: 200, and 503 after `evenkeel node drain`.',
  ),
  rewrite: key(
    Rewrite,
    'Change the path before it is sent to the upstream. One of `prefix`, `path`, `target`, or `regex` with `to`.',
  ),
  headers: key(Headers, 'Header fields to set, add and remove.'),
  send: key(Send, 'What the server is sent in place of what the client sent.'),
  close: key(z.literal(true).meta({ examples: [true] }), 'Close the connection without an answer.'),
  upgrade: key(flag, 'Pass an Upgrade on, for example to WebSocket.', DEFAULTS.route.upgrade),
  'request-buffering': key(
    flag,
    'Look for a server once all of a small body is here, which has room with the head in 2 KiB: who is slow holds none. With `false` such a body goes on as it comes, too.',
    DEFAULTS.route['request-buffering'],
  ),
  limits: key(
    RouteLimits,
    "Of this route: `body` in place of the listener's, `requests` and `connections` by what [limiters](../rate-limits.md) count.",
  ),
  auth: key(Auth, 'Who may enter: who is asked before a request goes to the server. [Who may enter](../auth.md).'),
  timeout: key(
    duration('1ms', '576h'),
    'The whole exchange, from the end of the request head to the end of the response, retries included; then 504. ' +
      'Without it there is no limit besides those of the upstream.',
  ),
  retry: key(Retry, 'When another server is tried.'),
  'target-by': key(TargetBy, 'A response may say where its request goes on instead.'),
  'access-log': key(
    accessLogNames,
    "Names of `access-logs` that its requests are in, or `none`, in place of the listener's.",
  ),
  compress: key(Compress, "Whether and how a server's responses are compressed, in place of what the listener says."),
  mirror: key(
    z.array(Mirror).min(1),
    'Copies of its requests go elsewhere as well, and what comes back is dropped. `call` or `to` says where. [Mirroring](../mirroring.md).',
  ),
  bandwidth: key(Bandwidth, 'How fast each response goes to its client. [Bandwidth](../bandwidth.md).'),
};

const ErrorPage = z.strictObject({
  status: required(
    oneOrMany(integer(300, 599)),
    'Of the errors. 495: the certificate of a client is wrong, 496: it has shown none; what is answered then is 400 without `answer`.',
    [502, 503],
  ),
  call: key(variableName, 'The request goes on with the route that has this `name`.'),
  to: key(steppedTarget, 'The request goes on with this target, path and perhaps a query.'),
  redirect: key(Redirect, 'The client is redirected.'),
  answer: key(
    z.union([integer(200, 599), z.literal('own')]),
    "The status that the client gets, or `own`: that of what is answered. Without it the error's.",
  ),
});

const errorKeys = {
  errors: key(
    z.array(ErrorPage).min(1),
    'What is answered in place of errors of the proxy that this route ends in. An answer that is an error itself is none, unless it is the `respond` of a route: that is what the client gets then. What `steps` take has `errors` of its own.',
  ),
  intercept: key(
    flag,
    'Also in place of what servers answer with such a status. Its connection is closed.',
    DEFAULTS.route.intercept,
  ),
};

const Condition = z.strictObject({
  value: required(
    template,
    'What is asked about: text with values of the request in it. With nothing else it must be neither empty nor `0`.',
    '{header:User-Agent}',
  ),
  is: key(template, 'It is this.'),
  'is-not': key(template, 'It is not this.'),
  regex: key(capturingRegex, 'It matches this ECMAScript regular expression; `{capture:1}` is then its first group.'),
  'not-regex': key(capturingRegex, 'It does not match this.'),
});

const StepRewrite = z.strictObject({
  regex: required(
    capturingRegex,
    'Where this ECMAScript regular expression matches in the decoded path ...',
    '^/old/(.*)$',
  ),
  to: key(
    steppedTarget,
    "... this is the request's target from here: path, and perhaps a query in front of the request's own; a `?` at the end drops that.",
    '/new/{capture:1}',
  ),
  end: key(
    z.enum(['next', 'again', 'stop']),
    '`next`: the next step follows, and at the end a route for the new target is looked for; `again`: that is done at once; `stop`: the ' +
      'request stays in this route.',
    DEFAULTS.step.rewrite.end,
  ),
  take: key(z.strictObject(routeKeys), '... the request takes this route, in place of `to`.'),
});

const stepKeys = {
  set: key(z.record(variableName, template), 'By name: gives values, `{value:name}`.'),
  rewrite: key(StepRewrite, 'Changes the target.'),
  take: key(
    z.strictObject({ ...routeKeys, ...errorKeys }),
    'The request takes this route, written as one without `match` and `steps`.',
  ),
  call: key(
    variableName,
    'When the steps are done, the request goes on with the route that has this `name`; the last one counts.',
  ),
  find: key(
    z.literal(true).meta({ examples: [true] }),
    'What follows is only for requests that stay in this route: the steps end here if the target was rewritten, or another route called.',
  ),
  stop: key(
    z.literal(true).meta({ examples: [true] }),
    'The steps up to the next `find` are left out, or all that follow, and a rewritten target stays in this route.',
  ),
};

const Step = z.strictObject({
  if: key(Condition, 'Asks about a value. With `do`.'),
  do: key(
    z.array(z.strictObject(stepKeys)),
    'With `if`: the steps that follow if it holds. Captures stay if there are none.',
  ),
  ...stepKeys,
});

const Route = z.strictObject({
  match: key(Match, 'What a request must be to take this route. Without it every request does. All of it must hold.'),
  internal: key(
    flag,
    'Only for requests whose target was rewritten, and for error pages; others are answered 404.',
    DEFAULTS.route.internal,
  ),
  name: key(variableName, 'The route is only taken by steps that `call` it.'),
  histogram: key(
    flag,
    '[Metrics](../metrics.md) have a histogram of the times of its requests.',
    DEFAULTS.route.histogram,
  ),
  steps: key(
    z.array(Step).min(1),
    'What is done first, in this order. Without anything else to do the next route that matches follows, for the target that there is then.',
  ),
  cors: key(
    Cors,
    'Which pages of other origins may use it (CORS): [who may enter](../auth.md#pages-of-other-origins).',
  ),
  'security-headers': key(
    securityHeaders,
    'Fields by which browsers guard a page: `web` for pages, `api` for what programs read. [Which ones](../auth.md#security-headers).',
  ),
  ...routeKeys,
  ...errorKeys,
});

const HostTexts = z.record(z.string().meta({ title: 'host pattern', examples: ['*.shop.example'] }), mapTemplate);

const Value = z.strictObject({
  map: key(
    mapTemplate,
    'The value depends on this text: on `exact`, then `hosts`, then `regex`. With a [value of a response](../headers.md#values-of-the-response) in it, it can be read in `headers.response` and `headers.success` alone.',
  ),
  exact: key(
    z.record(z.string().meta({ title: 'text', examples: ['websocket'] }), mapTemplate),
    'With `map`: by text, compared without regard to case: the value.',
  ),
  hosts: key(
    HostTexts,
    'With `map`: by `*.shop.example` or `www.*`; the longest counts, the first kind before the second.',
  ),
  regex: key(
    z.array(
      z.strictObject({
        is: required(capturingRegex, 'Where this ECMAScript regular expression matches ...', '^10\\.'),
        value: required(mapTemplate, '... this is the value.', 'inside'),
      }),
    ),
    'With `map`: the first that matches.',
  ),
  volatile: key(flag, 'With `map`: made anew wherever it is read, not once for a request.', false),
  networks: key(
    z.record(z.string().meta({ title: 'network', examples: ['10.0.0.0/8'] }), template),
    'By network or address: the value for the addresses in it; the longest counts. `unix`: where there is no address, as of a client of a Unix socket.',
  ),
  split: key(template, 'The value depends on a hash (MurmurHash2) of this text: equal texts have equal values.'),
  shares: key(
    z.array(
      z.strictObject({
        share: required(share, 'This part of all texts ...', '12.5%'),
        value: required(template, '... has this value.', 'canary'),
      }),
    ),
    'With `split`.',
  ),
  file: key(
    absolutePath,
    'The value is `1` while there is this file, which the keeper looks for twice a second, and empty while there is none.',
  ),
  folder: key(absolutePath, 'The same of a folder.'),
  of: key(template, 'With `networks`: the address.', DEFAULTS.value.of),
  otherwise: key(mapTemplate, 'The value where nothing else says one.', DEFAULTS.value.otherwise),
});

const HelloRoute = z.strictObject({
  'server-name': key(
    oneOrMany(host),
    'The client asks for this host (SNI). `*.shop.example` is every name under shop.example. Without it any, also none.',
  ),
  alpn: key(oneOrMany(alpnProtocol), 'The client offers one of these protocols (ALPN).'),
  upstream: required(name, 'Where the connection goes.', 'shop'),
});

const Passthrough = z.strictObject({
  routes: key(
    z
      .array(HelloRoute)
      .min(1)
      .meta({ examples: [[{ 'server-name': 'shop.example', upstream: 'shop' }]] }),
    'The first one that fits what the client says counts. Without it `choose` says where connections go, by `{tls-server-name}`.',
  ),
  wait: key(
    duration('1ms', '10s'),
    'How long a client may say nothing until it goes to `upstream`: it may speak a protocol in which the server begins.',
    DEFAULTS.listener.passthrough.wait,
  ),
  postgres: key(
    flag,
    'Clients of PostgreSQL are answered that they may speak TLS (SSLRequest), and go by the host that they ask for then; their servers are asked ' +
      'in turn.',
    DEFAULTS.listener.passthrough.postgres,
  ),
});

const trustedPeers = oneOrMany(trustedNetwork);

const ProxyProtocol = z.strictObject({
  from: required(
    trustedPeers,
    'Networks, addresses, or `unix`: connections of these must begin with a header of version 1 or 2, and are reset without one. ' +
      'Others are taken for clients.',
    ['10.0.0.0/8'],
  ),
  trust: key(
    z.union([z.literal('none'), trustedPeers]),
    'Whose header says who the client is. Without it that of all who send one; with `none` it is read and nobody is believed.',
  ),
});

const ProxyTlvs = z.strictObject({
  tlvs: required(
    z.array(z.enum(['authority', 'alpn', 'ssl', 'unique-id', 'crc32c'])).min(1),
    'What a header of version 2 says besides. `authority`: the host that the client has asked for (SNI); `alpn`: the protocol that was agreed on ' +
      'with it; `ssl`: version and cipher suite of its TLS; `unique-id`: that of the request, or of the connection; `crc32c`: a checksum.',
    ['authority', 'ssl'],
  ),
});

const decision = z.enum(['allow', 'deny']);

const Access = z.strictObject({
  networks: required(
    z.record(z.string().meta({ title: 'network', examples: ['10.0.0.0/8'] }), decision),
    'By network or address: whether its clients may connect. The longest that has an address counts. `unix`: clients of a Unix socket.',
  ),
  otherwise: key(decision, 'For everybody else.', DEFAULTS.listener.access.otherwise),
});

const Udp = z.strictObject({
  idle: key(
    duration('1ms', '576h'),
    'A session ends after this silence in both directions.',
    DEFAULTS.listener.udp.idle,
  ),
  responses: key(
    integer(0, 1_000_000),
    'Datagrams with which a server answers each one of the client: then the session ends, and a server that does not answer has failed. ' +
      '0: it does not answer. Without it any number, so that sessions end by silence.',
  ),
  requests: key(
    integer(1, 1_000_000),
    'Datagrams of a client in one session: the next one begins another session, which may be with another server. Without it any number.',
  ),
});

const Listener = z.strictObject({
  bind: required(
    oneOrMany(bind),
    'Where to listen: `*:80` (IPv4 and IPv6), `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/run/x.sock`, or a list of them.',
    '*:80',
  ),
  protocol: key(
    z.enum(['http', 'tcp', 'udp']),
    '`http`: HTTP/1.1 and HTTP/1.0, by `routes`. `tcp`: bytes, to one `upstream`. `udp`: datagrams, to one `upstream`.',
    DEFAULTS.listener.protocol,
  ),
  tls: key(Tls, 'TLS with clients, which ends here: servers get what is inside. Without it connections are plain.'),
  http2: key(
    flag,
    'Whether clients may speak HTTP/2: over TLS if they ask for it (ALPN); in clear if they begin with it, without asking (prior knowledge). ' +
      `What servers are spoken to in is their upstream's \`protocol\`. ${httpOnly}`,
    DEFAULTS.listener.http2,
  ),
  udp: key(Udp, 'Which datagrams belong together: a session. Only for `protocol: udp`.'),
  timeouts: key(ListenerTimeouts, `Of the client's side. ${httpOnly}`),
  limits: key(ListenerLimits, "Of the client's side. For `protocol: tcp` and `udp` only `connections`."),
  'tcp-keepalive': key(
    TcpKeepalive,
    "Asks clients that say nothing whether they are still there (TCP keep-alive): `true` as the system's settings say, or `{ idle: 60s, " +
      'interval: 10s, probes: 5 }`. In whole seconds, rounded up. Holds for connections that come from then on.',
    false,
  ),
  via: key(
    headerName.meta({ title: 'pseudonym', examples: ['evenkeel'] }),
    `Adds \`Via: 1.1 <this>\` in both directions. ${httpOnly}`,
  ),
  forwarded: key(
    Forwarded,
    'What servers are told of the client. `replace`: X-Forwarded-For is its address alone, whatever it claimed. `append`: behind what ' +
      'it sent. `pass`: nothing is added, and whatever it claims is passed on. ' +
      `\`{ trust: [...] }\`: what these proxies say is believed and passed on. ${httpOnly}`,
    DEFAULTS.listener.forwarded,
  ),
  'escaped-slash': key(
    z.enum(['keep', 'decode', 'refuse']),
    'What `%2F` in a path is for `routes`. `keep`: a part of a name; `decode`: a slash; `refuse`: answered 400. Without it a ' +
      `request is answered 400 if its route depends on that. ${httpOnly}`,
  ),
  'other-host': key(
    z.enum(['refuse', 'ignore']),
    'What becomes of a request whose target is absolute (`GET http://shop.example/ HTTP/1.1`) and has another host than its Host field. ' +
      `\`refuse\`: answered 400; \`ignore\`: it is for the host in its target, which servers get in Host (RFC 9112 section 3.2.2). ${httpOnly}`,
    DEFAULTS.listener['other-host'],
  ),
  'odd-fields': key(
    z.enum(['pass', 'drop']),
    'What becomes of fields whose name has anything but letters, digits and hyphens (`X_User`, which CGI, WSGI and PHP take for ' +
      `\`X-User\`). ${httpOnly}`,
    DEFAULTS.listener['odd-fields'],
  ),
  routes: key(
    z
      .array(Route)
      .min(1)
      .meta({ examples: [[{ upstream: 'web' }]] }),
    `What happens to a request: the first route that matches. None: 404. ${httpOnly}`,
  ),
  'access-log': key(
    accessLogNames,
    'Names of `access-logs` that its requests are in, unless their route says otherwise, or its sessions of TCP or UDP.',
    DEFAULTS.listener['access-log'],
  ),
  compress: key(
    Compress,
    `Compresses responses of servers for clients that take it: \`true\`, or how. [Compression](../compression.md). ${httpOnly}`,
    false,
  ),
  tracing: key(
    flag,
    `Requests take part in traces (W3C Trace Context): [tracing](../tracing.md). Without it as \`tracing\` for all says. ${httpOnly}`,
  ),
  upstream: key(name, 'Where connections and datagrams go. Only for `protocol: tcp` and `udp`.'),
  mode: key(
    z.enum(['relay', 'kernel']),
    '`relay`: a proxy has a connection to the client and one to a server. `kernel`: the kernel forwards packets to a server, which sees the ' +
      "client's address, and has to answer through this node. [Kernel mode](../kernel-mode.md). Only for `protocol: tcp` and `udp`.",
    DEFAULTS.listener.mode,
  ),
  ...tcpKeys,
  passthrough: key(
    Passthrough,
    'Passes TLS on as it is, by the host that the client asks for: nothing is decrypted, and servers have the certificates. What fits no ' +
      'route, or is not TLS, goes to `upstream`, and is reset without one. Only for `protocol: tcp`.',
  ),
  'proxy-protocol': key(
    ProxyProtocol,
    'Takes PROXY protocol headers from load balancers in front of this one: who they say has connected is the client. With `protocol: udp` each ' +
      'datagram has one, of version 2.',
  ),
  access: key(
    Access,
    'Who may connect; the connections of others are reset, and their datagrams dropped. Only for `protocol: tcp` and `udp`: a route of ' +
      'HTTP answers them (`steps`).',
  ),
});

const Hash = z.strictObject({
  header: key(headerName, 'The value of this header field.'),
  cookie: key(headerName.meta({ title: 'cookie name', examples: ['session'] }), 'The value of this cookie.'),
  query: key(anyText('name of a query parameter', 'user'), 'The value of this query parameter.'),
  path: key(z.literal(true).meta({ examples: [true] }), 'The path, without the query.'),
  text: key(template, 'This text, with values of the request in it.'),
});

const Passive = z.strictObject({
  failures: key(
    integer(1, 1_000_000),
    'This many failed requests or connections ...',
    DEFAULTS.upstream.passive.failures,
  ),
  within: key(duration('1ms', '24h'), '... within this time ...', DEFAULTS.upstream.passive.within),
  eject: key(duration('1ms', '24h'), '... and the server gets nothing for this long.', DEFAULTS.upstream.passive.eject),
});

/** What is run when something is up, is not any more, and when evenkeel stops while it is. */
const programsOf = (up: string, down: string, stop: string) =>
  ({
    up: key(command, up),
    down: key(command, down),
    stop: key(command, stop),
    timeout: key(duration('1s', '1h'), 'A program that takes longer is ended.', DEFAULTS.upstream.notify.timeout),
    user: programUser,
  }) as const;

const Quorum = z.strictObject({
  weight: key(
    integer(1, 65_535),
    'The weights of the servers that are up, together, must be at least this. With less, `backup` servers take the clients, if one is up.',
    DEFAULTS.upstream.quorum.weight,
  ),
  hysteresis: key(
    integer(0, 65_534),
    'The quorum is there with this much more, and lost with less than this much less.',
    DEFAULTS.upstream.quorum.hysteresis,
  ),
  ...programsOf(
    'Run when the quorum is there: at the start too, and after it was lost.',
    'Run when it is lost.',
    'Run when evenkeel stops while it is there.',
  ),
});

const ServerNotify = z.strictObject(
  programsOf(
    'Run when checks say that the server is up again.',
    'Run when checks say that it is down.',
    'Run when evenkeel stops while it is up.',
  ),
);

/** What is asked, and where. */
const probeKeys = {
  tcp: key(z.literal(true).meta({ examples: [true] }), 'The server is up if it accepts a connection.'),
  http: key(target, 'The server is up if it answers a request for this path (and query) as expected.'),
  grpc: key(
    grpcService,
    'The server is up if grpc.health.v1 says that this service is SERVING; `""`: the server as a whole. Only with `protocol: http2` or `auto`.',
  ),
  mysql: key(databaseUser, 'The server is up if this user can log in to MySQL or MariaDB without a password.'),
  postgres: key(databaseUser, 'The server is up if PostgreSQL begins to authenticate this user.'),
  redis: key(z.literal(true).meta({ examples: [true] }), 'The server is up if Redis answers PING.'),
  ssh: key(z.literal(true).meta({ examples: [true] }), 'The server is up if it says that it speaks SSH 2.'),
  dns: key(
    dnsName,
    'The server is up if it answers a DNS query for the A records of this name, over UDP, without an error (NOERROR).',
  ),
  run: key(
    command,
    'The server is up if this program ends with exit code 0: its whole path, and its arguments. No shell. `{address}` and `{port}` in an argument are the ' +
      "server's.",
  ),
  user: programUser,
  'exit-weight': key(
    flag,
    'With `run`: exit codes from 2 to 255 pass too, and until the next run the weight of the server is that code less 2; with 0 it is its own.',
    DEFAULTS.upstream.health['exit-weight'],
  ),
  udp: key(
    z.literal(true).meta({ examples: [true] }),
    'The server is up unless the system says, within `timeout` of a datagram (`send`), that nobody is there. No answer is waited for.',
  ),
  expect: key(regex, 'The server is up if what it sends matches this regular expression, within the first 16 KiB.'),
  send: key(
    anyText('text', 'PING\r\n'),
    'With `expect`: what it is sent first. Without it the server speaks first. With `udp`: what is in the datagram; without it nothing.',
  ),
  transport: key(
    z.enum(['tcp', 'udp']),
    'With `expect`: `udp`: `send` is a datagram, and so is what it answers.',
    DEFAULTS.upstream.health.transport,
  ),
  method: key(method, 'With `http`: the method.', DEFAULTS.upstream.health.method),
  host: key(anyText('host', 'shop.example'), "With `http`: the Host field. Without it the server's address."),
  status: key(
    oneOrMany(statusRange),
    'With `http`: the status codes of a server that is up: 200, `"200-299"`, or a list of them.',
    DEFAULTS.upstream.health.status,
  ),
  body: key(anyText('text', 'ok'), 'With `http`: text that the first 64 KiB of the body must contain.'),
  address: key(ip, "Where to check, of every server that this holds for. Without it the server's own address."),
  port: key(integer(1, 65535), "Where to check. Without it the server's own port."),
};

const HealthPart = z.strictObject({
  ...probeKeys,
  tls: key(z.literal(false).meta({ examples: [false] }), 'In clear, where the first part goes over TLS.'),
});

const Health = z.strictObject({
  ...probeKeys,
  also: key(
    z.array(HealthPart).min(1).max(16).meta({ title: 'list of checks' }),
    'More that has to pass: asked one after the other, each within `timeout`, behind what stands beside this list.',
  ),
  tls: key(
    ServersTls,
    "Checks go over TLS, as with the upstream's `tls`, which they follow without it. `false`: in clear.",
  ),
  interval: key(duration('10ms', '24h'), 'From one check to the next.', DEFAULTS.upstream.health.interval),
  timeout: key(duration('1ms', '1h'), 'A check that takes longer has failed.', DEFAULTS.upstream.health.timeout),
  rise: key(
    integer(1, 1000),
    'Checks in a row that must pass until a server is up again.',
    DEFAULTS.upstream.health.rise,
  ),
  fall: key(integer(1, 1000), 'Checks in a row that must fail until a server is down.', DEFAULTS.upstream.health.fall),
  'retry-after': key(
    duration('10ms', '24h'),
    'From a check that has failed, while the server is up, to the next one. Without it `interval`.',
  ),
  initial: key(
    z.enum(['up', 'down']),
    'What a server is thought to be until its first check has ended.',
    DEFAULTS.upstream.health.initial,
  ),
  jitter: key(
    fraction(0, 1),
    'Each interval is longer or shorter by up to this share of it, so that checks do not come all at once.',
    DEFAULTS.upstream.health.jitter,
  ),
});

/** Its TLS is that of the upstream's checks: there are no certificates for one server alone. */
const ServerHealth = Health.extend({
  tls: key(
    z.literal(false).meta({ examples: [false] }),
    "In clear. Without it as the upstream's checks: by their `tls`, or the upstream's.",
  ),
});

const Server = z.strictObject({
  address: required(server, 'As the plain string.', '192.0.2.1:80'),
  service: key(
    serviceName,
    '`address` is a domain without a port, and the SRV records of this service in it say which servers there are, with their ports and weights: ' +
      'those that come first by priority, and the others as backups. `http` is `_http._tcp`. [Services](../health.md#services-srv-records).',
  ),
  weight: key(
    integer(0, 256),
    'Its share of the work, relative to the others. 0: no share, and so nobody new. Of a `service` times that of each record, up to 256.',
    DEFAULTS.upstream.weight,
  ),
  state: key(
    z.enum(['enabled', 'drain', 'disabled']),
    '`drain`: no new client; those that a hash or `sticky` binds to it stay. `disabled`: nobody. What is open goes on in both. ' +
      '`evenkeel server` says the same while it runs, and goes before the file.',
    DEFAULTS.upstream.state,
  ),
  'max-connections': key(
    integer(1, 1_000_000),
    'Connections in use at one time, of all proxies together; more requests wait (`queue`). Without it there is no limit.',
  ),
  backup: key(
    flag,
    'Used only while no other server is up; with `queue: { max: 0 }` also while all others are at `max-connections`.',
    false,
  ),
  passive: key(Passive, "In place of the upstream's."),
  health: key(ServerHealth, "In place of the upstream's."),
  notify: key(ServerNotify, 'Programs that are run when checks find it up or down.'),
  id: key(stickyId, 'With `sticky`: what its clients say and are told, in place of what follows from its address.'),
  copy: key(
    integer(2, 64),
    'Which of several servers with this address it is: each has turns, limits and failures of its own. The first has no number; for twice the share `weight` is enough.',
  ),
});

const UpstreamTimeouts = z.strictObject({
  connect: key(duration('1ms', '1h'), 'Until a connection stands.', DEFAULTS.upstream.timeouts.connect),
  response: key(
    duration('1ms', '576h'),
    "From the request's end to the response's head, and longest silence inside the response's body. Only for HTTP.",
    DEFAULTS.upstream.timeouts.response,
  ),
  idle: key(
    duration('1ms', '576h'),
    `HTTP: an unused connection is kept this long. TCP: silence in both directions (default ${DEFAULTS.upstream.timeouts.idleTcp}).`,
    DEFAULTS.upstream.timeouts.idle,
  ),
  queue: key(
    duration('1ms', '1h'),
    'Longest wait for a server while all are at `max-connections`.',
    DEFAULTS.upstream.timeouts.queue,
  ),
  tunnel: key(
    duration('1ms', '576h'),
    'Silence in both directions after an Upgrade, for example of a WebSocket. Only for HTTP.',
    DEFAULTS.upstream.timeouts.tunnel,
  ),
  'half-closed': key(
    duration('0s', '576h'),
    'Silence of a TCP session, or after an Upgrade, when one side has ended what it sends (FIN): it may have left. `0s`: both sides are ' +
      'closed as soon as all that came before that FIN is delivered.',
    DEFAULTS.upstream.timeouts['half-closed'],
  ),
});

const Pool = z.strictObject({
  idle: key(
    integer(0, 10_000),
    'Unused connections kept per server, by each proxy, at most. 0 keeps none. Without it as many as were in use at one time, and those ' +
      'that are not needed for `timeouts.idle` are closed little by little.',
  ),
  requests: key(integer(1, 1_000_000_000), 'Requests that one connection is used for. Without it any number.'),
  age: key(duration('1ms', '576h'), 'A connection that is older is used no more. Without it it may be of any age.'),
});

const Queue = z.strictObject({
  max: key(
    integer(0, 100_000),
    'Requests of one proxy that may wait while all servers are at `max-connections`; more are 503 at once.',
    DEFAULTS.upstream.queue.max,
  ),
});

const ServerBy = z.strictObject({
  text: required(
    template,
    'A name or an address, with a port or without, with values of the request in it. A path behind it, and a query, replace those of the request.',
    '{header:X-Backend}:8080',
  ),
  upstreams: key(
    z.record(z.string(), name),
    'What the text may be besides: by text, without regard to case, an upstream.',
  ),
  names: key(
    flag,
    'Names are asked for. `false`: only addresses and `upstreams` lead somewhere, all else is 502.',
    DEFAULTS.upstream.serverBy.names,
  ),
  loose: key(
    flag,
    'Values beside other text may bring more than a part of a host: with `:` a port, with `/` or `?` a path and a query, in place of what is written behind them, as in nginx. Else such a request is answered 500. A value that is all of the text may always.',
    DEFAULTS.upstream.serverBy.loose,
  ),
});

const Resolver = z.strictObject({
  servers: key(
    oneOrMany(nameServer),
    "Name servers that are asked, one after the other: addresses, with a port or without. Without it the system's resolver is asked.",
  ),
  valid: key(duration('1s', '24h'), 'How long an answer counts. Without it as long as it says.'),
  timeout: key(duration('1ms', '1h'), 'Until an answer has to be there.', DEFAULTS.upstream.resolver.timeout),
  ipv4: key(flag, 'IPv4 addresses are asked for.', true),
  ipv6: key(flag, 'IPv6 addresses are asked for.', true),
});

const Upstream = z.strictObject({
  protocol: key(
    z.enum(['http1', 'http2', 'auto']),
    'What servers are spoken to in. `http2`: over TLS and in clear, without asking (prior knowledge). `auto`: with `tls`, what each server ' +
      'chooses (ALPN), HTTP/2 before HTTP/1.1. Only for HTTP.',
    DEFAULTS.upstream.protocol,
  ),
  balance: key(
    z.enum([
      'round-robin',
      'least-connections',
      'least-time',
      'least-whole-time',
      'random-two',
      'source-hash',
      'hash',
      'nginx-ip-hash',
      'nginx-hash',
      'ketama',
    ]),
    'How a server is chosen. `round-robin` and `least-connections` go by weight; `least-time`: by how long a server takes until it answers, times what is under ' +
      'way there; `least-whole-time`: until all of the answer is there; `random-two`: the less loaded of two at random; ' +
      "`source-hash`: by the client's " +
      'address; `hash`: by what `hash` says. Losing one of N servers moves 1/N of the keys. `nginx-ip-hash`, `nginx-hash` and `ketama` choose ' +
      'the server that nginx would with `ip_hash`, `hash` and `hash ... consistent`; the last two go by `hash`.',
    DEFAULTS.upstream.balance,
  ),
  hash: key(
    Hash,
    "With `balance: hash`, `nginx-hash` or `ketama`: one of `header`, `cookie`, `query`, `path`, `text`. For TCP only `text`, with values of the connection. Where it is empty, `hash` goes by the client's address, and nginx's take turns.",
  ),
  sticky: key(Sticky, 'Clients keep their servers. Only for HTTP. [Sticky sessions](../sticky.md).'),
  'server-by': key(
    ServerBy,
    'In place of `servers`: each request says itself which server it goes to. Only for HTTP. Whoever can choose the text can have evenkeel ask any server that it reaches.',
  ),
  resolver: key(Resolver, "Who is asked for names, in `servers` or `server-by`. Without it the system's resolver is."),
  servers: required(
    z.array(z.union([server, Server])).min(1),
    'Strings or maps. `192.0.2.1:80`, `name.example:80` (resolved again and again), `unix:/run/x.sock`. Without port: 80 for HTTP, 443 with `tls`; for TCP it is needed.',
    ['192.0.2.1:80'],
  ).exactOptional(),
  discover: key(
    Discover,
    'Its servers are read while it runs: one of `file` and `url`. Those of `servers` count until the first list is here. [Discovery](../discovery.md).',
  ),
  source: key(
    oneOrMany(ip),
    'Addresses of this machine that connections and checks come from, each in turn, and the next one where one has no local port left. ' +
      'Servers of another family are not concerned. Without it the kernel chooses.',
  ),
  health: key(
    Health,
    'Checks every server. One of `tcp`, `http`, `mysql`, `postgres`, `redis`, `ssh`, `dns`, `run`, `expect`. Without it only `passive` and failed connections tell.',
  ),
  quorum: key(Quorum, 'How much of it must be up, and programs that are run when that changes.'),
  passive: key(Passive, 'Takes a server out that fails for real requests. `{}` has the defaults. Without it none is.'),
  'slow-start': key(
    duration('0s', '1h'),
    'The weight of a server that is up again rises from 1/8 to full in this time.',
    DEFAULTS.upstream.slowStart,
  ),
  timeouts: key(UpstreamTimeouts, "Of the servers' side."),
  'tcp-keepalive': key(TcpKeepalive, "As a listener's, towards servers.", false),
  'proxy-protocol': key(
    z.union([z.enum(['v1', 'v2']), ProxyTlvs]),
    'Begins every connection to a server with a PROXY protocol header of this version, which names the client; checks say that they ' +
      'are nobody else. A connection is then for one client only: with HTTP none is kept for the next request. `{ tlvs: [ssl, authority] }`: of ' +
      'version 2, with more.',
  ),
  tls: key(
    ServersTls,
    'Servers are spoken to in TLS. `true`: who they are is verified with the certificates of this system; a map says more.',
  ),
  pool: key(Pool, 'Connections kept for the next request. Only for HTTP.'),
  queue: key(Queue, 'Requests that wait for a server.'),
});

const Admin = z.strictObject({
  bind: required(
    bind,
    'Where the admin API is: an address, and a port. Without `tls` one of loopback.',
    '127.0.0.1:9900',
  ),
  tls: key(AdminTls, 'It is asked in TLS. [The admin API](../admin-api.md#from-elsewhere).'),
});

export const Config = z
  .strictObject({
    node: key(name, 'The name of this machine. Without it the host name; `--node` goes before both.'),
    user: key(
      anyText('user name', 'evenkeel'),
      'The user that the proxies run as when evenkeel is started as root. Without it `evenkeel` if there is such a user, or else a ' +
        'number that nobody has. Not root, and not one that other programs run as.',
    ),
    workers: key(
      integer(1, WORKERS_MAX),
      'Proxy processes. Without it one per core; `--workers` goes before both, and then a reload does not change it.',
    ),
    grace: key(duration('0s', '24h'), 'How long a stop waits for what is in flight.', DEFAULTS.grace),
    drain: key(
      duration('0s', '24h'),
      'How long connections to a server, or over a listener or route, may go on that a reload has removed.',
      DEFAULTS.drain,
    ),
    listeners: key(z.record(name, Listener), 'By name: where clients connect.'),
    upstreams: key(z.record(name, Upstream), 'By name: groups of servers.'),
    values: key(
      z.record(variableName, Value),
      'By name: values that are made of others, `{value:name}` wherever values of the request may stand. One of `map`, `networks`, `split`.',
    ),
    maintenance: key(
      Maintenance,
      'What clients get of routes that `evenkeel maintenance on` has closed. [Maintenance](../maintenance.md).',
    ),
    limiters: key(
      z.record(name, Limiter),
      'By name: what counts requests and connections, for the `limits` of routes. [Limits](../rate-limits.md).',
    ),
    log: key(
      OwnLog,
      'Where else than on stderr what evenkeel says of itself goes. [Operations](../operations.md#the-log).',
    ),
    'access-logs': key(
      z.record(name, AccessLog),
      'By name: where a line for each request goes. [Access logs](../access-log.md).',
    ),
    tracing: key(
      Tracing,
      'All HTTP listeners take part in traces (W3C Trace Context), unless they say `tracing: false`. [Tracing](../tracing.md).',
    ),
    ha: key(HighAvailability, 'By name: virtual routers (VRRP), each with its addresses.'),
    peers: key(
      z.record(name, Peer),
      'By name: the nodes that are linked to each other, this one among them. The same on all of them.',
    ),
    files: key(
      z.strictObject({
        user: key(
          anyText('user name', 'www-data'),
          'Whom the process runs as that reads the files of routes with `files`, when evenkeel is started as root. Without it the user of the proxies.',
        ),
        types: key(
          z.record(
            name,
            z.record(
              z.string().meta({ title: 'extension', examples: ['html'] }),
              headerValue.meta({ title: 'Content-Type', examples: ['text/html'] }),
            ),
          ),
          'By name: Content-Type by extension.',
        ),
      }),
      'What concerns all routes with `files`.',
    ),
    admin: key(Admin, 'The admin API over TCP. Without it, it is on the Unix socket alone.'),
  })
  .meta({
    title: 'configuration of evenkeel',
    description: 'The configuration of evenkeel, a high-availability load balancer.',
  });

export type Config = z.infer<typeof Config>;
export type ListenerConfig = NonNullable<Config['listeners']>[string];
export type RouteConfig = NonNullable<ListenerConfig['routes']>[number];
export type UdpConfig = NonNullable<ListenerConfig['udp']>;
export type StepConfig = NonNullable<RouteConfig['steps']>[number];
export type AccessLogConfig = NonNullable<Config['access-logs']>[string];
export type ValueConfig = NonNullable<Config['values']>[string];
export type UpstreamConfig = NonNullable<Config['upstreams']>[string];

/** A document of which parts may be missing, because they were wrong and have been reported. */
export type Loose<T> = T extends readonly (infer E)[]
  ? readonly (Loose<E> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
    : T;
