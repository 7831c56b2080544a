/** Who may enter: what a route wants to know before a request goes to its server. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  duration,
  filePath,
  key,
  required,
  responseTemplate,
  steppedTarget,
  template,
  variableName,
} from './scalars.ts';

const Basic = z.strictObject({
  users: required(
    filePath,
    'The file of users, as htpasswd writes it: `name:hash` a line, with a hash of bcrypt, SHA-256 or SHA-512 (`$5$`, `$6$`), yescrypt, `$apr1$`, `{SSHA}`, `{SHA}` or ' +
      'any other one that crypt(3) of the system knows, or `{PLAIN}`. It is read when the configuration is.',
    '/etc/evenkeel/users',
  ),
  realm: key(template, 'What the password is for: a browser may show it.', DEFAULTS.route.auth.basic.realm),
  set: key(
    z.record(variableName, z.enum(['name'])),
    'By name: gives the request values, `{value:name}`: `name`, that of the user.',
  ),
});

const Ask = z.strictObject({
  call: key(variableName, 'The route that has this `name` is asked.'),
  to: key(steppedTarget, 'Who has the route for this target is asked: path and perhaps a query.', '/auth'),
  set: key(
    z.record(variableName, responseTemplate),
    'By name: gives the request values of the answer, `{value:name}`: `{response:X-User}`, or text.',
  ),
});

export const Auth = z.strictObject({
  basic: key(
    Basic,
    'The client has to say the password of a user (RFC 7617). Who has not, or a wrong one, is answered 401; who guesses wrong too often 429.',
  ),
  ask: key(
    Ask,
    'Another server is asked with the head of the request, without its body, as GET: with 2xx the request goes on; 401, with its ' +
      'WWW-Authenticate, and 403 are answered to the client. With anything else, or without an answer, the client gets 500.',
  ),
  satisfy: key(
    z.enum(['all', 'any']),
    'Of several that are asked: whether all have to let the request in, or one is enough.',
    DEFAULTS.route.auth.satisfy,
  ),
  delay: key(duration('0s', '1m'), 'Who is answered 401 waits so long for it.', DEFAULTS.route.auth.delay),
});

export type AuthConfig = z.infer<typeof Auth>;
