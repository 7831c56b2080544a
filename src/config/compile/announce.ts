/** Config to the plan of what one node announces. The Config has passed the checks. */
import type { AnnouncementPlan, AnnouncePlan } from '../plan/announce.ts';
import type { WatchPlan } from '../plan/ha.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Config } from '../model/config.ts';
import { parseIp } from '../words/addresses.ts';
import { parseDuration } from '../words/units.ts';
import { compileWatch, watchNames } from './ha.ts';

const MS_PER_S = 1_000;

/** Null: there is no `announce`. */
export function compileAnnounce(config: Pick<Config, 'announce' | 'listeners'>, node: string): AnnouncePlan | null {
  if (config.announce === undefined) return null;
  const hasListeners = Object.keys(config.listeners ?? {}).length > 0;
  const watches: WatchPlan[] = [];
  const indexOf = (watch: WatchPlan): number => {
    const known = watches.findIndex((each) => JSON.stringify(each) === JSON.stringify(watch));
    return known < 0 ? watches.push(watch) - 1 : known;
  };
  const defaults = DEFAULTS.announce;
  const announcements = Object.entries(config.announce).map(([name, written]): AnnouncementPlan => {
    const { addresses, interface: interfaceName, graceful, track, life, convergence, bird } = written;
    const own = (track ?? (hasListeners ? [{ proxy: true as const }] : [])).map((each) => compileWatch(each, node));
    const names = watchNames(own);
    return {
      name,
      addresses: addresses.map((text) => parseIp(text).value?.address ?? text),
      interfaceName,
      graceful:
        graceful === undefined
          ? null
          : { interfaceName: graceful.interface, forMs: ms(graceful.for ?? defaults.gracefulFor) },
      tracked: own.map((watch, i) => ({ name: names[i], watch: indexOf(watch) })),
      lifeS: Math.ceil(ms(life ?? defaults.life) / MS_PER_S),
      convergenceMs: ms(convergence ?? defaults.convergence),
      bird: bird ?? defaults.bird,
    };
  });
  return { watches, announcements };
}

function ms(duration: string): number {
  return parseDuration(duration) ?? 0;
}
