/** What another `announce` part changes, for people: `announcement web: address 192.0.2.11 added`. */
import type { AnnouncementPlan, AnnouncePlan } from './announce.ts';

/** Null: there is none. */
export function announceChanges(from: AnnouncePlan | null, to: AnnouncePlan | null): readonly string[] {
  const former = new Map(from?.announcements.map((each) => [each.name, each]));
  const changes: string[] = [];
  for (const after of to?.announcements ?? []) {
    const before = former.get(after.name);
    former.delete(after.name);
    const what = `announcement ${after.name}`;
    if (before === undefined) changes.push(`${what} added`);
    else changes.push(...changesOf(before, from!, after, to!).map((change) => `${what}: ${change}`));
  }
  for (const name of former.keys()) changes.push(`announcement ${name} removed`);
  return changes;
}

function changesOf(
  before: AnnouncementPlan,
  from: AnnouncePlan,
  after: AnnouncementPlan,
  to: AnnouncePlan,
): readonly string[] {
  return [
    ...after.addresses.filter((each) => !before.addresses.includes(each)).map((each) => `address ${each} added`),
    ...before.addresses.filter((each) => !after.addresses.includes(each)).map((each) => `address ${each} removed`),
    ...(before.interfaceName === after.interfaceName ? [] : ['interface changed']),
    ...(isOther(before.graceful, after.graceful) ? ['graceful changed'] : []),
    ...(isOther(watchesOf(before, from), watchesOf(after, to)) ? ['track changed'] : []),
    ...(before.lifeS === after.lifeS ? [] : ['life changed']),
    ...(before.convergenceMs === after.convergenceMs ? [] : ['convergence changed']),
    ...(before.bird === after.bird ? [] : ['bird changed']),
  ];
}

function isOther(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

function watchesOf({ tracked }: AnnouncementPlan, { watches }: AnnouncePlan): unknown {
  return tracked.map(({ name, watch }) => [name, watches[watch]]);
}
