/** What has happened: the lines of the log, in the admin API. */
import * as z from 'zod';
import { count, named, text, time, type View } from './shapes.ts';

const event = named('Event', 'Something that happened: a line of the log.', {
  id: text('A cursor: what comes behind it is `after` it.'),
  at: time('When.'),
  level: z.enum(['info', 'warn', 'error']),
  message: text('As in the log: see troubleshooting.md.'),
  details: z.record(z.string(), z.union([z.string(), z.number()])).describe('As in the log: `pid`, `reason`.'),
});
export type EventView = View<typeof event>;

export const events = named('Events', 'The last events, the oldest first.', {
  items: z.array(event),
  next: text('The `after` by which the next ones are asked for; null: there were none.').nullable(),
  missed: count('Events behind `after` that are not kept any more.'),
});
