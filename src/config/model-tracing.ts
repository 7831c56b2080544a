/** Traces that requests are part of. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { key, share } from './scalars.ts';

export const Tracing = z.strictObject({
  sample: key(
    z.union([z.literal('none'), share]),
    'This part of the traces that begin here is recorded, by their identifiers, or `none`. Of those that are continued their caller has the say.',
    DEFAULTS.tracing.sample,
  ),
});
