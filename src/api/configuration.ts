/** The configuration in force, in the admin API. */
import * as z from 'zod';
import { named, text, type View } from './shapes.ts';
import { configurationSummary } from './status.ts';

const originFile = named('OriginFile', 'A file that the configuration is made of.', {
  path: text('Null: standard input.').nullable(),
  digest: text('The beginning of the SHA-256 of what was read; null: it was not there.').nullable(),
});
export type OriginFileView = View<typeof originFile>;

export const configuration = named('Configuration', 'The configuration in force.', {
  ...configurationSummary.shape,
  origin: z.array(originFile),
  config: z
    .record(z.string(), z.unknown())
    .describe('As evenkeel.yaml would have it, whatever it was written in. What is secret is `(redacted)`.'),
});
