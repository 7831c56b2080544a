/** How the addresses stand that routers are told of, in the admin API: with reason, time and evidence. */
import * as z from 'zod';
import { count, flag, milliseconds, named, text, type View } from './shapes.ts';
import { tracked } from './virtual-routers.ts';

const state = z.enum(['withdrawn', 'announced', 'leaving', 'converging']);

const change = named('AnnouncementChange', 'An announcement has changed its state.', {
  from: state,
  to: state,
  cause: text('One word for why.'),
  detail: text('What was seen; empty: the cause says it all.'),
  ageMs: milliseconds('How long ago.'),
});

const announcement = named('Announcement', 'Addresses that routers are told of while this node is well.', {
  name: text('As in the file.'),
  state,
  stateAgeMs: milliseconds('How long it has been in this state.'),
  addresses: z.array(z.string()),
  interfaceName: text('Where they are while they are announced.'),
  obstacle: text('What keeps them from being announced; null: nothing does.').nullable(),
  problem: text('Why they are not where they should be; null: they are.').nullable(),
  lifeMs: milliseconds('How long the kernel keeps them when nobody lengthens that.'),
  heldAgeMs: milliseconds('Since that was lengthened last; null: they are not here.').nullable(),
  told: z
    .array(z.object({ session: z.string(), addresses: z.array(z.string()) }))
    .describe('Which of them the daemon tells to whom, by what it said last.'),
  tracked: z.array(tracked),
  changes: z.array(change).describe('The last ones, the newest first.'),
});
export type AnnouncementView = View<typeof announcement>;

const session = named('BgpSession', 'A session of the routing daemon with a router.', {
  name: text("The daemon's name for it."),
  neighbor: text('The address of the router; empty: it is not known.'),
  neighborAs: count('Its autonomous system; 0: it is not known.'),
  isEstablished: flag('Now.'),
  since: text("By the daemon's clock, as it writes it."),
  info: text('What it says of it.'),
  told: count('How many of our addresses it tells the router; null: the session is not established.').nullable(),
});
export type BgpSessionView = View<typeof session>;

const daemon = named('RoutingDaemon', 'The routing daemon beside evenkeel, as it answers on its control socket.', {
  path: text('Of its socket.'),
  problem: text('Why it does not answer; null: it does, or has not been asked yet.').nullable(),
  version: text('Of BIRD; null: it has not answered yet.').nullable(),
  answerAgeMs: milliseconds('Of its last answer; null: there was none.').nullable(),
  hasDirect: flag('It has a protocol `direct` that is up, by which it sees addresses come and go.'),
  sessions: z.array(session),
});
export type RoutingDaemonView = View<typeof daemon>;

export const announce = named('Announce', 'What this node announces, and by whom.', {
  announcements: z.array(announcement),
  leaving: z.array(z.string()).describe('Addresses that are in the file no more, and not withdrawn yet.'),
  daemons: z.array(daemon),
});
export type AnnounceStatus = View<typeof announce>;
