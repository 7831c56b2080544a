import type { DiscoveryView } from '../api/data-plane.ts';
import { ageText } from './age-text.ts';

/** Where servers were found, and how well that goes: `3 in /etc/evenkeel/web.json, 12s ago`. */
export function discoveryText({ from, listAgeMs, problem, servers }: DiscoveryView): string {
  const known = servers === 0 ? `none yet in ${from}: those of the file count` : `${servers} in ${from}`;
  const age = listAgeMs === null ? (servers === 0 ? '' : ', from before the start') : `, ${ageText(listAgeMs)} ago`;
  const wrong = problem === null ? '' : `; no list of use for ${ageText(problem.forMs)}: ${problem.why}`;
  return `${known}${age}${wrong}`;
}
