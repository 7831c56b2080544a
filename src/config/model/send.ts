/** What a server is sent in place of what the client sent, and what its response may say of where a request goes on. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { anyText, headerName, key, required, sentMethod, template, variableName } from './scalars.ts';

export const Send = z.strictObject({
  method: key(sentMethod, "This method in place of the client's, but for HEAD, which stays."),
  fields: key(
    z.enum(['pass', 'drop']),
    "`drop`: of the client's fields only Host, what says how long the body is, and what `headers.request` sets.",
    DEFAULTS.route.send.fields,
  ),
  body: key(
    z.enum(['pass', 'drop']),
    '`drop`: none. What the client sends of it is read, and thrown away.',
    DEFAULTS.route.send.body,
  ),
  text: key(template, 'This text in place of the body.'),
});

export const TargetBy = z.strictObject({
  field: required(
    headerName,
    'A response with this field is not for the client: the request goes on with the target that it says, path and perhaps a query, as GET, or ' +
      'HEAD if it was that. What it says of cookies, caching and a file name stays.',
    'X-Accel-Redirect',
  ),
  calls: key(
    z.record(anyText('text', '@fallback'), variableName),
    'What the field may say besides: by text, the `name` of a route that the request goes on with.',
  ),
});

export type SendConfig = z.infer<typeof Send>;
export type TargetByConfig = z.infer<typeof TargetBy>;
