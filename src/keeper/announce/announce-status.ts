/** How the announcements of a node stand, for whoever asks. */
import type { AnnounceStatus, AnnouncementView, RoutingDaemonView } from '../../api/announcements.ts';
import type { TrackedView } from '../../api/virtual-routers.ts';
import type { AnnouncementChange } from '../../core/announce/announcement.ts';
import { isEstablished } from '../../wire/bird/questions.ts';
import type { WatchStatus } from '../ha/watch.ts';
import type { BirdAccount } from './bird-watch.ts';
import type { HeldAnnouncement } from './held-announcement.ts';

export interface AnnounceFacts {
  readonly announcements: readonly HeldAnnouncement[];
  readonly leaving: readonly HeldAnnouncement[];
  /** Of what the plan watches. */
  readonly seen: readonly WatchStatus[];
  readonly changesOf: (name: string) => readonly AnnouncementChange[];
  readonly birds: readonly BirdAccount[];
  readonly nowMs: number;
}

const MS_PER_S = 1_000;

export function announceStatus(facts: AnnounceFacts): AnnounceStatus {
  return {
    announcements: facts.announcements.map((each) => announcementView(each, facts)),
    leaving: facts.leaving.flatMap(({ plan }) => plan.addresses),
    daemons: facts.birds.map((bird) => daemonView(bird, facts.nowMs)),
  };
}

function announcementView(
  { plan, machine, problem, heldMs }: HeldAnnouncement,
  { seen, changesOf, birds, nowMs }: AnnounceFacts,
): AnnouncementView {
  const { name, addresses, interfaceName, lifeS, tracked, bird } = plan;
  const account = birds.find(({ path }) => path === bird);
  // what it said before it fell silent may be true no more
  const sessions = account === undefined || account.problem !== null ? [] : (account.facts?.sessions ?? []);
  return {
    name,
    state: machine.state,
    stateAgeMs: nowMs - machine.sinceMs,
    addresses,
    interfaceName,
    obstacle: machine.obstacle,
    problem,
    lifeMs: lifeS * MS_PER_S,
    heldAgeMs: machine.place === null || heldMs === null ? null : nowMs - heldMs,
    told: sessions.flatMap((session) => {
      const told = new Set(session.told?.map((network) => network.replace(/\/\d+$/, '')));
      const ours = addresses.filter((address) => told.has(address));
      return ours.length === 0 ? [] : [{ session: session.name, addresses: ours }];
    }),
    tracked: tracked.map(({ watch }, i) => trackedView(machine.tracked[i], seen[watch], nowMs)),
    changes: changesOf(name).map(({ from, to, cause, detail, atMs }) => {
      return { from, to, cause, detail, ageMs: nowMs - atMs };
    }),
  };
}

function trackedView(
  { name, isUp }: { readonly name: string; readonly isUp: boolean | null },
  { sinceMs, seenMs, detail }: WatchStatus,
  nowMs: number,
): TrackedView {
  const seenAgeMs = seenMs === null ? null : nowMs - seenMs;
  return { name, weight: 0, isUp, sinceAgeMs: nowMs - sinceMs, seenAgeMs, detail };
}

function daemonView({ path, problem, facts, answeredMs }: BirdAccount, nowMs: number): RoutingDaemonView {
  return {
    path,
    problem,
    version: facts?.version ?? null,
    answerAgeMs: answeredMs === null ? null : nowMs - answeredMs,
    hasDirect: facts?.hasDirect ?? false,
    sessions: (facts?.sessions ?? []).map((session) => {
      const { name, neighbor, neighborAs, since, info, told } = session;
      const text = info.replace(/\s+/g, ' ');
      return {
        name,
        neighbor,
        neighborAs,
        isEstablished: isEstablished(session),
        since,
        info: text,
        told: told?.length ?? null,
      };
    }),
  };
}
