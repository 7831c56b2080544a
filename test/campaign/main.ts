/**
 * `npm run campaign`: the campaigns at length, as many short runs with a seed each, and their report in docs/benchmarks.
 *
 *   -- --seeds K         so many runs of each campaign (10), from --from N (1)
 *   -- --reloads N       in each (100)
 *   -- --engine NAME     on this one alone
 *   -- --results FILE    what was seen, a line of JSON for each run: more are added (campaign.jsonl)
 *   -- --render          runs nothing: makes the report of that file
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { ENGINES } from '../evenkeel.ts';
import { renderChart, renderPage } from './page.ts';
import type { CampaignResult } from './results.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    reloads: { type: 'string', default: '100' },
    engine: { type: 'string' },
    results: { type: 'string', default: 'campaign.jsonl' },
    render: { type: 'boolean', default: false },
  },
});

const FILES = ['campaign.test.js', 'campaign-kills.test.js'];
const PAGES = fileURLToPath(new URL('../../../docs/benchmarks/', import.meta.url));

/** False: it failed, and what it printed says why. */
function run(file: string, engine: string, seed: number): Promise<boolean> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const args = ['--test', '--test-reporter=spec', `--test-name-pattern=\\[${engine}\\] `, path];
  const env = {
    ...process.env,
    EVENKEEL_RELOADS: values.reloads,
    EVENKEEL_SEED: `${seed}`,
    EVENKEEL_RESULTS: values.results,
  };
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', (code) => resolve(code === 0)));
}

let failed = 0;
const engines = ENGINES.filter((engine) => values.engine === undefined || engine === values.engine);
for (let seed = Number(values.from), count = 0; !values.render && count < Number(values.seeds); count++, seed++) {
  for (const engine of engines) for (const file of FILES) if (!(await run(file, engine, seed))) failed++;
}
if (existsSync(values.results)) {
  const lines = readFileSync(values.results, 'utf8').trim().split('\n');
  const results = lines.map((line) => JSON.parse(line) as CampaignResult);
  const machine = `${cpus().length} cores, Linux ${release().split('.', 2).join('.')}, Node ${process.version}`;
  writeFileSync(`${PAGES}campaign.md`, renderPage(results, machine));
  writeFileSync(`${PAGES}campaign.svg`, renderChart(results));
}
console.log(failed === 0 ? 'all runs passed' : `${failed} runs failed`);
process.exitCode = failed === 0 ? 0 : 1;
