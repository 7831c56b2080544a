/** How clients keep their servers. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  cookieName,
  cookieSameSite,
  duration,
  filePath,
  flag,
  key,
  oneOrMany,
  path,
  required,
  stickyMark,
  template,
} from './scalars.ts';

const StickyCookie = z.strictObject({
  name: required(cookieName, 'The name of the cookie.', 'server'),
  key: key(
    filePath,
    'A file with a secret of at least 32 characters, the same on every node: what servers are called in the cookie is made with it, so that ' +
      'nobody else can make it, or tell an address from it. Without it it is the MD5 of the address, as nginx has it.',
  ),
  'max-age': key(
    duration('1s', '87600h'),
    'How long a browser keeps it; it begins anew with every response. Without it until the browser is closed.',
  ),
  domain: key(template, 'The domain that it is sent to, with the hosts below it. Without it the host alone.'),
  path: key(
    z.union([z.literal(''), path]),
    'The path that it is sent for, with all below it. Empty: that of the request.',
    DEFAULTS.upstream.sticky.path,
  ),
  secure: key(
    z.union([z.literal('auto'), flag]),
    'It is sent over TLS alone. `auto`: if the client speaks TLS, or a trusted proxy in front says so.',
    DEFAULTS.upstream.sticky.secure,
  ),
  'http-only': key(flag, 'Scripts of a page do not see it.', DEFAULTS.upstream.sticky['http-only']),
  'same-site': key(
    cookieSameSite,
    'Whether it comes with requests that another site has made: `strict`, `lax`, `none`, or empty for what the browser does without it. A value of ' +
      'the request may say it; what is none of these is `strict`.',
    DEFAULTS.upstream.sticky['same-site'],
  ),
  'every-response': key(
    flag,
    'Every response says it, not only those to clients that are new, or have another server than before.',
    DEFAULTS.upstream.sticky['every-response'],
  ),
});

const Learn = z.strictObject({
  cookie: required(cookieName, 'The name of the application’s cookie.', 'JSESSIONID'),
  idle: key(
    duration('1s', '87600h'),
    'A session that is not used for longer is forgotten.',
    DEFAULTS.upstream.sticky.idle,
  ),
});

export const Sticky = z.strictObject({
  cookie: key(
    z.union([cookieName, StickyCookie]),
    'A cookie of this name, or as described, tells a client its server. One of `cookie`, `id` and `learn` is needed.',
  ),
  id: key(
    oneOrMany(template),
    'What a request says itself, as in a cookie of the application: of several texts the first that is not empty. It leads to the servers with this `id`.',
  ),
  behind: key(stickyMark, 'With `id`: what counts of the text is behind the last of these characters.'),
  learn: key(
    z.union([cookieName, Learn]),
    'The cookie of this name is the application’s: the server that sets it has the session. The proxies of this node remember it, and no other node knows.',
  ),
});
