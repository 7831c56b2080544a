/** The configuration in force, in the admin API. */
import * as z from 'zod';
import { milliseconds, named, text, type View } from './shapes.ts';
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

export const changed = named('ConfigurationChanged', 'It is in force.', {
  changes: z.array(z.string()).describe('What has changed, for people; empty: nothing.'),
  warnings: z.array(z.string()).describe('What may be better, for people.'),
  rollbackInMs: milliseconds(
    'The one before comes back in so long, unless this one is confirmed. Null: it stays.',
  ).nullable(),
});

const difference = named('Difference', 'A place where the files say something else.', {
  at: text('The place: a JSON Pointer (RFC 6901).'),
  file: z.unknown().describe('What the files say. Left out: nothing.').optional(),
  inForce: z.unknown().describe('What is in force. Left out: nothing.').optional(),
});

export const differences = named('Differences', 'What would change if the files were gone by.', {
  faults: z
    .array(z.string())
    .describe('Why the files cannot be run, for people; then nothing is compared. Empty: they can be.'),
  differences: z.array(difference),
});
