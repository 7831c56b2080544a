/** The nodes of a pair: what each tells the others of itself. */
import * as z from 'zod';
import { count, flag, milliseconds, named, text, time, type View } from './shapes.ts';

const summary = named('NodeSummary', 'What a node tells of itself. Ages are of the moment when it told.', {
  uptimeMs: milliseconds('Of its keeper.'),
  isStopping: flag('It finishes what is in flight, and takes no orders.'),
  routers: z.array(
    z.object({
      name: text('As in the file.'),
      state: text('As in `VirtualRouter`.'),
      restraint: text('Why it does not preempt: as in `Restraint`. Null: it does.').nullable(),
    }),
  ),
  announcements: z
    .array(
      z.object({
        name: text('As in the file.'),
        state: text('As in `Announcement`.'),
        ageMs: milliseconds('How long it has been in this state.'),
        obstacle: text('Why it is not announced. Null: nothing keeps it from that.').nullable(),
      }),
    )
    .exactOptional(),
  upstreams: z.array(
    z.object({
      name: text('As in the file.'),
      up: count('Servers that take requests.'),
      servers: count('Of so many.'),
    }),
  ),
  overrides: z
    .array(
      z.object({
        subject: text('As in `Override`.'),
        said: text('For people.'),
        by: text('Who said so; null: they did not say.').nullable(),
        ageMs: milliseconds('How long ago.'),
      }),
    )
    .describe('What has been said by hand there: it holds there alone.'),
  problems: z.array(z.string()).describe('What is less than it should be there.'),
  leftOut: count('Of all these lists together: what was not told, for each is bounded.'),
});

export const pairNode = named('PairNode', 'A node of the pair, as far as this one knows.', {
  name: text('As in the file.'),
  isThis: flag('It is the one that answers.'),
  isLinked: flag('The link to it is up; or it is this one.'),
  version: text('Of its program. Null: it never said.').nullable(),
  heardAgeMs: milliseconds('How old its last word is. Null: it has said none, or it is this one.').nullable(),
  configuration: z
    .object({
      digest: text(
        'The beginning of the SHA-256 of what its configuration says, `node` aside: not of the text of a file.',
      ),
      since: time('That has held since.'),
    })
    .nullable()
    .describe('Null: it has not said.'),
  difference: z
    .object({
      since: time('This node has seen it since.'),
      parts: z.array(z.string()).describe('Where: `upstreams/web`, or a whole section.'),
    })
    .nullable()
    .describe('From the configuration of this node. Null: there is none, or it has not said what it goes by.'),
  summary: summary.nullable().describe('Null: it has told nothing.'),
});
export type PairNodeView = View<typeof pairNode>;
