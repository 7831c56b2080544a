/**
 * `npm run bench:fleet`: for how long clients of a fleet fail, whatever happens to one of its balancers, beside routes that nobody withdraws.
 *
 *   -- --only TEXT   of the events, or `connections`
 *   -- --by WHO      evenkeel, bird or static alone
 *   -- --keep FILE   results are kept there, and those that are there count: a run in parts
 *   -- --write       docs/benchmarks/fleet.md
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { sweepLabs } from '../../src/lab/janitor.ts';
import { countFlows, type FlowsResult, WAYS } from './flows.ts';
import { renderFleetPage } from './page.ts';
import { type By, type EventName, EVENTS, Trial, type TrialResult } from './trial.ts';

const PAGE = fileURLToPath(new URL('../../../docs/benchmarks/fleet.md', import.meta.url));
const ALL: readonly By[] = ['static', 'bird', 'evenkeel'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    by: { type: 'string', default: '' },
    keep: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});

await sweepLabs();
interface Results {
  readonly trials: TrialResult[];
  readonly flows: FlowsResult[];
}

const hasKept = values.keep !== '' && existsSync(values.keep);
const { trials, flows }: Results = hasKept
  ? (JSON.parse(readFileSync(values.keep, 'utf8')) as Results)
  : { trials: [], flows: [] };
for (const event of (Object.keys(EVENTS) as EventName[]).filter((each) => each.includes(values.only))) {
  for (const by of ALL.filter((each) => each.includes(values.by))) {
    const result = await Trial.run(by, event);
    trials.push(result);
    const { failed, failingMs, hasNoEnd, requests } = result;
    console.log(
      `${event}, ${by}: ${failed} of ${requests} failed, for ${failingMs.toFixed(0)} ms${hasNoEnd ? ' and on' : ''}`,
    );
  }
}
for (const way of WAYS.filter(() => 'connections'.includes(values.only) && 'evenkeel'.includes(values.by))) {
  const result = await countFlows(way);
  flows.push(result);
  const { lostByDrain, lostByKill, opened } = result;
  console.log(`connections, ${way}: ${lostByDrain} of ${opened} lost by a drain, ${lostByKill} more by a kill`);
}
if (values.keep !== '') writeFileSync(values.keep, JSON.stringify({ trials, flows }));
if (values.write) writeFileSync(PAGE, renderFleetPage(trials, flows));
