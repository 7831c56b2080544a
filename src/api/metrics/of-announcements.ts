/** What there is of addresses that are announced to routers, and of the sessions of the routing daemon. */
import type { AnnouncementView, BgpSessionView } from '../announcements.ts';
import { bit, type Metric, seconds } from './metric.ts';

const STATES = ['withdrawn', 'announced', 'leaving', 'converging'] as const;

export const ANNOUNCEMENTS: readonly Metric<AnnouncementView>[] = [
  [
    'announcement_state',
    'gauge',
    '1 for the state of the announcement, 0 for the others.',
    ({ state }) => STATES.map((one) => [{ state: one }, bit(one === state)] as const),
  ],
  [
    'announcement_state_seconds',
    'gauge',
    'How long it has been in this state.',
    ({ stateAgeMs }) => seconds(stateAgeMs),
  ],
  [
    'announcement_held_age_seconds',
    'gauge',
    'Since the life of its addresses was lengthened last.',
    ({ heldAgeMs }) => seconds(heldAgeMs),
  ],
  [
    'announcement_told',
    'gauge',
    'To how many routers the daemon tells any of its addresses.',
    ({ told }) => told.length,
  ],
  [
    'announcement_tracked_up',
    'gauge',
    'What it goes by.',
    ({ tracked }) =>
      tracked.flatMap(({ name, isUp }) => (isUp === null ? [] : [[{ tracked: name }, bit(isUp)] as const])),
  ],
];

export const SESSIONS: readonly Metric<BgpSessionView>[] = [
  [
    'bgp_session_established',
    'gauge',
    '1: the session of the daemon with the router is established.',
    ({ isEstablished }) => bit(isEstablished),
  ],
  ['bgp_session_told', 'gauge', 'How many of our addresses it tells the router.', ({ told }) => told],
];
