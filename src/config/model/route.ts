/** Routes of HTTP: what they ask for, what they do, the steps before, the pages of errors. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { accessLogNames } from './access-log.ts';
import { Bandwidth } from './bandwidth.ts';
import { Compress } from './compress.ts';
import { Auth } from './auth.ts';
import { Cors, securityHeaders } from './cors.ts';
import { Mirror } from './mirror.ts';
import { limitKeys } from './limits.ts';
import { Send, TargetBy } from './send.ts';
import {
  capturingRegex,
  duration,
  flag,
  integer,
  key,
  name,
  oneOrMany,
  required,
  size,
  steppedTarget,
  template,
  variableName,
} from './scalars.ts';
import { Files, Redirect, Respond, Rewrite } from './answer.ts';
import { Headers } from './header-edits.ts';
import { Match } from './match.ts';
import { GRPC_STATUSES } from '../words/grpc-statuses.ts';

const RETRY_REASONS = ['connect', 'reset', 'timeout', 'non-idempotent'] as const;
const GRPC_REASONS = Object.keys(GRPC_STATUSES) as (keyof typeof GRPC_STATUSES)[];

const retryStatus = z
  .union([integer(500, 599), z.literal([403, 404, 429])])
  .meta({ title: 'status code from 500 to 599, or 403, 404 or 429', examples: [503] });

const Retry = z.strictObject({
  attempts: key(integer(1, 16), 'Tries in all, the first included: 1 is no retry.', DEFAULTS.route.retry.attempts),
  on: key(
    z.array(z.union([z.enum(RETRY_REASONS), z.enum(GRPC_REASONS), retryStatus])),
    'What makes another server be tried. `connect`: no connection; `reset`: it ended before a response; `timeout`: the response did ' +
      'not begin in time; status codes 500 to 599, 429, 403 and 404, of which the last two are no failure of the server. Once something was sent, only idempotent methods are tried again, ' +
      'unless `non-idempotent` is in the list too. `grpc-unavailable` and the like: a call of gRPC is answered with that status and nothing else; then it is tried again whatever was sent.',
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

export const Route = z.strictObject({
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
