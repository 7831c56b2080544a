/**
 * `npm test [word ...]`: runs every built test, or those whose path has one of the words. Fails if a test fails, and also
 * if there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests
 * need, a test that skips fails too. `npm run test:unit` runs those of the pure layers only, in seconds.
 *
 * Tests of the pure layers share a few processes, for starting one costs more than most of them take. Other files have one
 * each and run beside each other, those that take longest first, but for those that want the machine for themselves: they come
 * last, one after the other.
 *
 * A file that failed is run once more, alone, to tell what is broken from what is unstable. What then passes is named at the end
 * of the run: a test that fails only under load hides a defect as well as any other. With EVENKEEL_NO_UNSTABLE=1 it fails the run.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Progress, runFiles, type Outcome, type TestModule } from './run-files.ts';
import { together } from './together.ts';
import { verdictOf } from './verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');

// Each process of Node would read and parse all of them at its start, which is most of what a start costs; no test needs one.
delete process.env.NODE_EXTRA_CA_CERTS;

const isUnitOnly = process.argv.includes('--unit');
const words = process.argv.slice(2).filter((word) => word !== '--unit');

/** Layers that know nothing of the world: their tests can share a process. */
const PURE = ['base', 'wire', 'config', 'core', 'port', 'proxy', 'vip'].map((layer) => `src/${layer}/`);
/** What takes longest, the longest first: begun last, the others would be over and it would be waited for alone. */
const LONG = [
  'test/ha-hand-over',
  'test/vip/replacement',
  'test/stop',
  'test/vip/virtual-mac',
  'test/upgrade.test',
  'test/supervision',
  'test/shortages',
  'test/ha-reload',
  'test/ha-run',
  'test/keepalived-differential',
  'test/interop-nginx',
];

/** With keepalived: how long it takes for what is nobody's fault here, and tests of a pair measure how long clients wait. */
const ALONE = ['test/ha-interop'];

const startsWith = (file: string, starts: readonly string[]): boolean => starts.some((start) => file.startsWith(start));
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // The compiler leaves the output of deleted sources behind.
  .filter((file) => existsSync(join(root, file.replace(/\.js$/, '.ts'))))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .filter((file) => !isUnitOnly || startsWith(file, PURE))
  .sort();

const pure = files.filter((file) => startsWith(file, PURE));
const rank = (file: string): number => LONG.findIndex((start) => file.startsWith(start)) + 1 || LONG.length + 1;
const alone = files.filter((file) => startsWith(file, ALONE));
const others = files
  .filter((file) => !pure.includes(file) && !alone.includes(file))
  .sort((one, other) => rank(one) - rank(other));

const cores = availableParallelism();
const progress = new Progress(files.length);
const single = (path: string): TestModule => ({ path, files: 1 });
const first: Outcome[] = [
  // More than there are cores: with one process for each, the slower half would be waited for.
  await runFiles(dist, together(dist, pure, 3 * cores), cores, progress),
  // Most of the time most tests wait for a timeout, a signal or a process.
  await runFiles(dist, others.map(single), cores + 1, progress),
  await runFiles(dist, alone.map(single), 1, progress),
];
const failed = new Set(first.flatMap((outcome) => outcome.failed.map(({ file }) => file)));
const repeated = files.filter((file) => failed.has(file));
const again = await runFiles(dist, repeated.map(single), 1, new Progress(repeated.length));
const mustNotSkip = process.env.EVENKEEL_NO_SKIP === '1';
const mustBeStable = process.env.EVENKEEL_NO_UNSTABLE === '1';
const { isGood, lines } = verdictOf({ first, again, repeated, mustNotSkip, mustBeStable });
if (first.every(({ passed }) => passed === 0)) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
for (const line of lines) console.log(line);
process.exit(isGood ? 0 : 1);
