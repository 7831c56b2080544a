/** The plan in force, and what those before it still hold, in the admin API. */
import * as z from 'zod';
import { count, named, text, time, type View } from './shapes.ts';

const held = named('HeldByEarlier', 'Something that is not in force any more, and still has connections.', {
  kind: z.enum(['listener', 'server', 'proxy']).describe('`proxy`: a process that finishes what it has.'),
  name: text('Of a listener `web`, of a server `shop/192.0.2.7:80`, of a proxy its process id: `pid 4711`.'),
  generation: count('The first one without it; null: it is a proxy.').nullable(),
  since: time('That began to be in force then; null: that is not known any more, or it is a proxy.').nullable(),
  connections: count('Of clients, sessions of UDP too; of a server, those in use there.'),
});

export const generations = named('Generations', 'The plan in force, and what is left of those before it.', {
  generation: count('Its number since the keeper was started: each reload, and each order, is a new one.'),
  since: time('It has been in force since.'),
  draining: z.array(held).describe('At most 1,000. What an earlier program still holds is not here.'),
});
export type GenerationsView = View<typeof generations>;
