/** What this node announces, and to whom, as text for people. Pure. */
import type { AnnouncementView, AnnounceStatus, BgpSessionView, RoutingDaemonView } from '../api/announcements.ts';
import { ageText } from './age-text.ts';
import type { Color, Paint } from './paint.ts';
import { field, list, trackedText } from './view-lines.ts';

const STATE_COLORS: Readonly<Record<AnnouncementView['state'], Color>> = {
  announced: 'green',
  leaving: 'yellow',
  converging: 'yellow',
  withdrawn: 'red',
};
const CHANGES_SHOWN = 3;

export function announceLines({ announcements, daemons, leaving }: AnnounceStatus, paint: Paint): string[] {
  const lines = announcements.flatMap((each) => ['', ...announcementLines(each, daemons, paint)]);
  if (leaving.length > 0)
    lines.push('', paint('yellow', `${leaving.join(', ')}: not in the file any more, and leaving`));
  return [...lines, ...daemons.flatMap((each) => ['', ...daemonLines(each, paint)])];
}

/** `changesMax`: of its last ones. */
export function announcementLines(
  announcement: AnnouncementView,
  daemons: readonly RoutingDaemonView[],
  paint: Paint,
  changesMax = CHANGES_SHOWN,
): string[] {
  const { name, state, stateAgeMs, addresses, interfaceName, obstacle, problem, told, tracked, changes } = announcement;
  const isOut = state === 'announced' || state === 'leaving';
  return [
    `${paint('bold', name)}  ${paint(STATE_COLORS[state], state.toUpperCase())} for ${ageText(stateAgeMs)}`,
    field('addresses', `${addresses.join(', ')}${isOut ? `, on ${interfaceName}` : ''}`),
    ...(obstacle === null ? [] : [field('because', paint('red', obstacle))]),
    ...(problem === null ? [] : [field('problem', paint('red', problem))]),
    field('life', lifeText(announcement)),
    ...(isOut
      ? [field('told', toldText(announcement, daemons, paint))]
      : told.length > 0
        ? [field('told', 'still')]
        : []),
    ...list('tracked', tracked, (each) => trackedText(each, paint)),
    ...list('changes', changes.slice(0, changesMax), ({ from, to, cause, detail, ageMs }) => {
      return `${ageText(ageMs)} ago  ${from} to ${to}: ${cause}${detail === '' ? '' : `, ${detail}`}`;
    }),
  ];
}

function lifeText({ heldAgeMs, lifeMs }: AnnouncementView): string {
  const life = `${lifeMs / 1_000} s`;
  return heldAgeMs === null
    ? `${life}, when they are here`
    : `${life}, lengthened ${ageText(heldAgeMs)} ago; the kernel removes them when nobody does`;
}

function toldText({ addresses, told }: AnnouncementView, daemons: readonly RoutingDaemonView[], paint: Paint): string {
  if (told.length === 0) {
    const isKnown = daemons.some(({ answerAgeMs, problem }) => answerAgeMs !== null && problem === null);
    return isKnown ? paint('red', 'nobody: no session has these routes') : paint('yellow', 'not known');
  }
  return told
    .map(({ session, addresses: some }) =>
      some.length === addresses.length ? session : paint('yellow', `${session} (${some.join(', ')} alone)`),
    )
    .join(', ');
}

function daemonLines(
  { path, problem, version, answerAgeMs, hasDirect, sessions }: RoutingDaemonView,
  paint: Paint,
): string[] {
  const answered = answerAgeMs === null ? '' : `, answered ${ageText(answerAgeMs)} ago`;
  const head = `${paint('bold', 'BIRD')}  ${version === null ? '' : `${version} `}at ${path}${answered}`;
  return [
    head,
    ...(problem === null ? [] : [field('problem', paint('red', `does not answer: ${problem}`))]),
    ...(version === null || hasDirect
      ? []
      : [field('problem', paint('red', 'no protocol `direct` is up: it does not see addresses come and go'))]),
    ...list('sessions', sessions, (session) => sessionText(session, paint)),
  ];
}

function sessionText(
  { name, neighbor, neighborAs, isEstablished, since, info, told }: BgpSessionView,
  paint: Paint,
): string {
  const who = `${name}  ${neighbor}${neighborAs === 0 ? '' : `, AS ${neighborAs}`}`;
  const state = isEstablished ? paint('green', 'established') : paint('red', info === '' ? 'down' : info);
  return `${who}  ${state} since ${since}${told === null ? '' : `, told ${told === 1 ? '1 route' : `${told} routes`}`}`;
}
