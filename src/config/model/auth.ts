/** Who may enter: whom a route asks before a request goes to its server. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { duration, key, responseTemplate, steppedTarget, variableName } from './scalars.ts';

const Ask = z.strictObject({
  call: key(variableName, 'The route that has this `name` is asked.'),
  to: key(steppedTarget, 'Who has the route for this target is asked: path and perhaps a query.', '/auth'),
  set: key(
    z.record(variableName, responseTemplate),
    'By name: gives the request values of the answer, `{value:name}`: `{response:X-User}`, or text.',
  ),
});

export const Auth = z.strictObject({
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
