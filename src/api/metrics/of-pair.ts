/** What there is of virtual routers and of the other nodes. */
import type { PairNodeView } from '../nodes.ts';
import { router, type RouterAccount, type RouterView } from '../virtual-routers.ts';
import type { Family, Sample } from './exposition.ts';
import { bit, type Metric, seconds } from './metric.ts';

export const ROUTERS: readonly Metric<RouterView>[] = [
  [
    'vrrp_state',
    'gauge',
    '1 for the state of the virtual router, 0 for the others.',
    ({ state }) => router.shape.state.options.map((one) => [{ state: one }, bit(one === state)] as const),
  ],
  ['vrrp_account_age_seconds', 'gauge', 'How old what is known of it is.', ({ accountAgeMs }) => seconds(accountAgeMs)],
  ['vrrp_restrained', 'gauge', '1: something keeps it from preempting.', ({ restraint }) => bit(restraint !== null)],
  [
    'vrrp_tracked_up',
    'gauge',
    'What it goes by besides adverts.',
    ({ tracked }) =>
      tracked.flatMap(({ name, isUp }) => (isUp === null ? [] : [[{ tracked: name }, bit(isUp)] as const])),
  ],
  [
    'vrrp_evidence_total',
    'counter',
    'Something strange that was noticed, by kind: rivals, refused adverts.',
    ({ evidence }) => evidence.map(({ kind, total }) => [{ kind }, total]),
  ],
  ['vrrp_priority', 'gauge', 'Its priority now.', of(({ priority }) => priority)],
  ['vrrp_state_seconds', 'gauge', 'How long it has been in this state.', of(({ stateAgeMs }) => seconds(stateAgeMs))],
  [
    'vrrp_contested',
    'gauge',
    '1: somebody else has, or may have had, its addresses.',
    of(({ isContested }) => bit(isContested)),
  ],
  [
    'vrrp_advert_sent_age_seconds',
    'gauge',
    'Since its last advert.',
    of(({ lastAdvertAgeMs }) => seconds(lastAdvertAgeMs)),
  ],
  ['vrrp_adverts_total', 'counter', 'Adverts, by what became of them.', of(({ adverts }) => advertsOf(adverts))],
  [
    'vrrp_peer_advert_age_seconds',
    'gauge',
    'Since the last advert of each peer.',
    of(({ peers }) => peers.map(({ address, ageMs }) => [{ peer: address }, ageMs / 1_000])),
  ],
  [
    'vrrp_guard_passing',
    'gauge',
    'What has to pass before it takes addresses.',
    of(({ guards }) => guards.map(({ name, passes }) => [{ guard: name }, bit(passes)])),
  ],
];

export const PEERS: readonly Metric<PairNodeView>[] = [
  [
    'peer_heard_age_seconds',
    'gauge',
    'How old the last word of the other node is.',
    ({ heardAgeMs }) => seconds(heardAgeMs),
  ],
  [
    'peer_configuration_same',
    'gauge',
    '1: the other node goes by the same configuration as this one, as far as it said last.',
    ({ configuration, difference }) => (configuration === null ? null : bit(difference === null)),
  ],
];

export function linksOf(links: readonly { readonly name: string; readonly isUp: boolean }[]): Family {
  const samples = links.map(({ name, isUp }) => [{ peer: name }, bit(isUp)] as const);
  return { name: 'evenkeel_peer_link_up', type: 'gauge', help: '1: the link to the other node is up.', samples };
}

/** Of a router whose owner has told of it. */
function of(
  take: (account: RouterAccount) => number | null | readonly Sample[],
): (router: RouterView) => number | null | readonly Sample[] {
  return ({ account }) => (account === null ? null : take(account));
}

function advertsOf({ sent, unsent, accepted, refused }: RouterAccount['adverts']): readonly Sample[] {
  return [
    [{ result: 'sent' }, sent],
    [{ result: 'unsent' }, unsent],
    [{ result: 'accepted' }, accepted],
    ...Object.entries(refused).map(([reason, count]) => [{ result: `refused-${reason}` }, count] as const),
  ];
}
