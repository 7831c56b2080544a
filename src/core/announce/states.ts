/**
 * The life of one announcement: every state, and every way from one to another. The machine in announcement.ts makes no other transition, and the
 * diagram in docs/decisions/announce.md is rendered from this table.
 */
import { arrowsOf, meanings, stateDiagram } from '../state-diagram.ts';

export type AnnouncementState = 'withdrawn' | 'announced' | 'leaving' | 'converging';

export const ANNOUNCEMENT_STATES: Readonly<Record<AnnouncementState, string>> = {
  withdrawn: 'The addresses are not on this machine.',
  announced: 'They are on the interface that the routing daemon announces.',
  leaving:
    'They are on the one whose routes it announces with the community GRACEFUL_SHUTDOWN (RFC 8326): routers that have another way take it.',
  converging:
    'The routes are withdrawn. The addresses are on `lo`, where nobody announces them: what routers still send is served.',
};

export type AnnouncementCause = 'well' | 'adopted' | 'fault' | 'drain' | 'stop' | 'stalled' | 'moved' | 'converged';

export const ANNOUNCEMENT_CAUSES: Readonly<Record<AnnouncementCause, string>> = {
  well: 'Everything that is tracked passes, nobody has drained the node, and the last withdrawal is 5 s ago.',
  adopted: 'A start has found the addresses announced: by the process before it, which was killed or has given way.',
  fault: 'Something that is tracked fails.',
  drain: '`evenkeel node drain`.',
  stop: 'evenkeel stops, or the announcement is not in the file any more.',
  stalled: 'This process stood still for longer than the addresses live: the kernel has removed them.',
  moved: 'The time with the community is over.',
  converged: 'The time for routers to have heard of it is over.',
};

type Row = Readonly<Partial<Record<AnnouncementCause, AnnouncementState>>>;

const ROWS: Readonly<Record<AnnouncementState, Row>> = {
  withdrawn: { well: 'announced', adopted: 'announced' },
  announced: { fault: 'converging', drain: 'leaving', stop: 'leaving', stalled: 'withdrawn' },
  leaving: { well: 'announced', fault: 'converging', moved: 'converging', stalled: 'withdrawn' },
  converging: { well: 'announced', converged: 'withdrawn', stalled: 'withdrawn' },
};

/** Undefined: there is no such way. */
export function nextState(from: AnnouncementState, cause: AnnouncementCause): AnnouncementState | undefined {
  return ROWS[from][cause];
}

/** The diagram and the tables of docs/decisions/announce.md. */
export function renderAnnouncementLife(): string {
  return [
    ...stateDiagram(['[*] --> withdrawn'], arrowsOf(ROWS)),
    '',
    ...meanings('state', ANNOUNCEMENT_STATES),
    '',
    ...meanings('cause', ANNOUNCEMENT_CAUSES),
  ].join('\n');
}
