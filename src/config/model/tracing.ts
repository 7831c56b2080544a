/** Traces that requests are part of. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { anyText, collectorUrl, key, share } from './scalars.ts';

export const Tracing = z.strictObject({
  endpoint: key(
    collectorUrl,
    'The collector: where spans are sent to, in OTLP over HTTP, as JSON. Without it none are.',
  ),
  service: key(
    anyText('name of a service', 'web-edge'),
    'The name of the service (`service.name`).',
    DEFAULTS.tracing.service,
  ),
  sample: key(
    z.union([z.literal('none'), share]),
    'This part of the traces that begin here is recorded, by their identifiers, or `none`. Of those that are continued their caller has the say.',
    DEFAULTS.tracing.sample,
  ),
});
