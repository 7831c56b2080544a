/** Copies of requests that go elsewhere as well. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { flag, key, share, steppedTarget, variableName } from './scalars.ts';

export const Mirror = z.strictObject({
  call: key(variableName, 'The copy takes the route that has this `name`.'),
  to: key(steppedTarget, 'The copy has this target, path and perhaps a query, and takes the route that is for it.'),
  share: key(share, 'Of this part of the requests, at random.', DEFAULTS.mirror.share),
  body: key(
    flag,
    'With its body: requests whose body is longer than what is kept with the head in 2 KiB have no copy. With `false` all have, without their body.',
    DEFAULTS.mirror.body,
  ),
});

export type MirrorConfig = z.infer<typeof Mirror>;
