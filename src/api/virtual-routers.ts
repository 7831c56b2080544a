/** How the virtual routers stand, in the admin API: everything with its age, so that nothing unconfirmed passes for the truth. */
import * as z from 'zod';
import { count, flag, milliseconds, named, number, text, type View } from './shapes.ts';

const state = z.enum(['initialize', 'fault', 'backup', 'claiming', 'active', 'leaving']);

const guard = named('Guard', 'What must pass before a router takes addresses.', {
  name: text('Which one.'),
  passes: flag('Now.'),
  target: text("Whose answer it waits for; null: the witnesses'.").nullable(),
  answerAgeMs: milliseconds('Null: it has not answered yet.').nullable(),
});
export type GuardView = View<typeof guard>;

const lease = named('Lease', 'What one node has at a time, and needs to be active.', {
  holder: text('The node that has it, as far as is known here; empty: nobody.'),
  forMs: milliseconds('How long this node has it yet; 0: it has not.'),
  member: text('The member of the cluster that is asked.'),
  problem: text('Why that does not answer; null: it does.').nullable(),
});

const claim = named('Claim', 'What keeps a router that is claiming from being active.', {
  gate: text('What it waits for.'),
  occupant: z
    .object({
      by: text('How they were noticed.'),
      peer: text("The peer's address; null: a stranger.").nullable(),
      sinceAgeMs: milliseconds('How long ago.'),
      verdict: z
        .object({ serves: z.boolean().nullable(), detail: z.string(), ageMs: z.number() })
        .nullable()
        .describe('Whether it serves; null: not tried yet.'),
    })
    .nullable()
    .describe('Who answers for the addresses.'),
});
export type ClaimView = View<typeof claim>;

const peer = named('VrrpPeer', 'Another router of the same ID, as its adverts tell.', {
  address: text('Where its adverts come from.'),
  priority: number('Of its last advert; 0: it released.'),
  intervalMs: milliseconds('Of its last advert.'),
  addresses: z.enum(['all', 'some', 'none']).describe('How many of our addresses its advert names.'),
  ageMs: milliseconds('Of its last advert.'),
  adverts: count('That were believed.'),
});
export type PeerView = View<typeof peer>;

const account = named('RouterAccount', 'What the process that owns the addresses last told of a router.', {
  state,
  stateAgeMs: milliseconds('How long it has been in this state.'),
  priority: number('Now.'),
  fault: text('Null: there is none.').nullable(),
  source: text('What adverts are sent from.').nullable(),
  lastAdvertAgeMs: milliseconds('Of the last one that was sent; null: none yet.').nullable(),
  peers: z.array(peer),
  activePeer: text(
    'The address of the active router that is followed; null: none was heard, or it is this one.',
  ).nullable(),
  claim: claim.nullable(),
  isContested: flag('Somebody else has, or may have had, the addresses: they are announced each second.'),
  guards: z.array(guard),
  adverts: z.object({
    sent: count('Adverts.'),
    unsent: count('That this machine did not send, to one or all of its peers.'),
    accepted: count('Adverts.'),
    refused: z.record(z.string(), z.number()).describe('By reason.'),
  }),
});
export type RouterAccount = View<typeof account>;

export const tracked = named('Tracked', 'What a router goes by besides adverts.', {
  name: text('Which one.'),
  weight: number('0: a fault while it is down.'),
  isUp: flag('Null: no verdict yet.').nullable(),
  sinceAgeMs: milliseconds('How long that has been so.'),
  seenAgeMs: milliseconds('Since it was last looked at; null: never.').nullable(),
  detail: text('What was seen.'),
});
export type TrackedView = View<typeof tracked>;

const witness = named('Witness', 'A third party that is asked whether this node is cut off.', {
  name: text('Which one.'),
  isAnswering: flag('Now.'),
  answerAgeMs: milliseconds('Null: it never has.').nullable(),
  detail: text('What came of it.'),
});
export type WitnessView = View<typeof witness>;

const change = named('RoleChange', 'A router has changed its state.', {
  from: state,
  to: state,
  cause: text('See vrrp-states.md.'),
  detail: text('What was seen.'),
  ageMs: milliseconds('How long ago.'),
});
export type ChangeView = View<typeof change>;

const evidence = named(
  'Evidence',
  'Something strange that was noticed: a rival, an address list that differs, a refused advert.',
  {
    kind: text('Of what.'),
    detail: text('What was seen.'),
    ageMs: milliseconds('Of the last time.'),
    total: count("How often it was noticed in all, as far as the owner's account says."),
  },
);
export type EvidenceView = View<typeof evidence>;

const routing = named('Routing', 'A route or a rule that comes and goes with the addresses.', {
  text: text('As ip(8) writes it.'),
  problem: text('Why it is not there although the addresses are; null: it goes with them.').nullable(),
});

const restraint = named('Restraint', 'What keeps a router from preempting.', {
  reason: z.enum(['hand-over', 'late', 'start', 'certificates', 'mute']),
  by: text('Who handed over; null: nobody did, or they did not say.').nullable(),
  sinceAgeMs: milliseconds('How long ago it began.'),
  leftMs: milliseconds('Null: until an operator ends it.').nullable(),
  endOrder: text('What the operator types for that.'),
});
export type RestraintView = View<typeof restraint>;

export const router = named('VirtualRouter', 'A virtual router of this node, with all its evidence.', {
  name: text('As in the file.'),
  state: z
    .enum([...state.options, 'unknown'])
    .describe('`unknown`: its owner has said nothing for too long to go by what it said last.'),
  accountAgeMs: milliseconds("How old its owner's account is; null: there is none.").nullable(),
  account: account.nullable(),
  interfaceName: text('Where its addresses are.'),
  virtualRouterId: number('From 1 to 255.'),
  version: z.literal([2, 3]).describe('Of VRRP.'),
  intervalMs: milliseconds('From advert to advert.'),
  addresses: z.array(z.string()),
  excluded: z.array(z.string()).describe('Held too, and not named in adverts.'),
  routes: z.array(routing),
  rules: z.array(routing),
  group: text('Whose routers move together; null: it is in none.').nullable(),
  tracked: z.array(tracked),
  witnesses: z.array(witness),
  quorum: count('Witnesses that have to answer; null: there are none.').nullable(),
  lease: lease.exactOptional().describe('Absent: it needs none.'),
  restraint: restraint.nullable().describe('Null: nothing keeps it from preempting.'),
  changes: z.array(change).describe('The last ones, the newest first.'),
  evidence: z.array(evidence).describe('Of each kind the last one, the newest first.'),
});
export type RouterView = View<typeof router>;

const owner = named('AddressOwner', 'The process that has the virtual addresses.', {
  pid: count('0: there is no process.'),
  restarts: count('How often one had to be replaced.'),
  hasStandby: flag('Another one could go on at once.'),
  problem: text('Why there is none that takes part; null: there is one.').nullable(),
});
export type OwnerView = View<typeof owner>;

export const ha = named('HighAvailability', 'The virtual routers of this node.', {
  node: text('This one.'),
  owner,
  routers: z.array(router),
});
export type HaStatus = View<typeof ha>;
