/** What a route does instead of asking a server: rewrites, redirects, responses of its own, files. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  absolutePath,
  anyText,
  bodyTemplate,
  capturingRegex,
  fileName,
  flag,
  headerValue,
  integer,
  key,
  name,
  oneOrMany,
  path,
  redirectTarget,
  required,
  rewrittenPath,
  steppedTarget,
  template,
  variableName,
} from './scalars.ts';

export const Rewrite = z.strictObject({
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

export const Redirect = z.strictObject({
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

export const Respond = z.strictObject({
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

export const Files = z.strictObject({
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
