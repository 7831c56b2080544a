/** Who may enter: what a route wants to know before a request goes to its server. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  anyText,
  duration,
  filePath,
  key,
  keysPlace,
  oneOrMany,
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

const Jwt = z.strictObject({
  keys: required(
    keysPlace,
    'The public keys of who signs tokens: a file, or the URL of one, with a key set (RFC 7517), or a public key or certificate in PEM. A key says which algorithm it is for, and a token never does.',
    '/etc/evenkeel/keys.json',
  ),
  issuer: key(
    anyText('issuer', 'https://sso.example'),
    'Who has to have made it (`iss`). Without it anybody who has such a key.',
  ),
  audience: key(
    oneOrMany(anyText('audience', 'api')),
    'Whom it has to be for (`aud`): one of these. Without it tokens that are for others are taken too.',
  ),
  leeway: key(
    duration('0s', '5m'),
    'By how much clocks may differ, where it begins (`nbf`) or ends (`exp`).',
    DEFAULTS.route.auth.jwt.leeway,
  ),
  token: key(
    template,
    'The token, of values of the request: `{cookie:session}`. Without it Authorization has to be `Bearer` with it.',
  ),
  set: key(
    z.record(variableName, anyText('claim', 'sub')),
    'By name: gives the request values of the token, `{value:name}`: the name of a claim, or of one in another one, with dots (`org.id`). Of a list its members, with commas.',
  ),
});

export const Auth = z.strictObject({
  basic: key(
    Basic,
    'The client has to say the password of a user (RFC 7617). Who has not, or a wrong one, is answered 401; who guesses wrong too often 429.',
  ),
  jwt: key(
    Jwt,
    'The client has to have a token that somebody has signed whom you trust (JWT, RFC 7519), and that has not expired. Who has not is answered 401.',
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
