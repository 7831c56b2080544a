/** How responses are compressed. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { flag, integer, key, mediaType, oneOrMany, size } from './scalars.ts';

const proxied = z.enum([
  'any',
  'none',
  'expired',
  'no-cache',
  'no-store',
  'private',
  'no-last-modified',
  'no-etag',
  'auth',
]);

const Rule = z.strictObject({
  codings: key(
    oneOrMany(z.enum(['gzip', 'br'])),
    'In what: the coding that the client prefers; of those that it likes as well, the first.',
    DEFAULTS.compress.codings,
  ),
  level: key(
    integer(1, 9),
    'How much work is put into it: with 1 it costs least, with 9 the response gets shortest.',
    DEFAULTS.compress.level,
  ),
  'min-length': key(
    size(0, 2 ** 30),
    'A response whose Content-Length is less is left as it is.',
    DEFAULTS.compress['min-length'],
  ),
  types: key(
    oneOrMany(mediaType),
    'Which responses: their media types without parameters, or `*` for any.',
    DEFAULTS.compress.types,
  ),
  proxied: key(
    oneOrMany(proxied),
    'For requests that a proxy has sent (they have Via), in which case: `any`, `none`, or where the response says that the proxy will not ' +
      'keep it, in one of these ways.',
    DEFAULTS.compress.proxied,
  ),
  vary: key(
    flag,
    'Says `Vary: Accept-Encoding` in each response that clients may get compressed, so that caches keep both.',
    DEFAULTS.compress.vary,
  ),
});

export const Compress = z.union([flag, Rule]);
export type CompressConfig = z.infer<typeof Compress>;
