/**
 * `npm test [word ...]`: runs the built tests, or those whose path has one of the words. Fails if a test fails, and also if
 * there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests need,
 * a test that skips fails too. `npm run test:unit` runs those of the pure layers only, in seconds. What takes too long for
 * every day is left out, and named at the end (test/selection.ts); EVENKEEL_ALL_FILES=1 runs that too.
 *
 * Tests of the pure layers, and of some others, share a few processes, for starting one costs more than most of them take. Other files have one
 * each and run beside each other, those that take longest first, but for those that want the machine for themselves: they come
 * last, two at a time, for they wait nine tenths of theirs.
 *
 * A file that failed is run once more, alone, to tell what is broken from what is unstable. What then passes is named at the end
 * of the run: a test that fails only under load hides a defect as well as any other. With EVENKEEL_NO_UNSTABLE=1 it fails the run.
 * So is what tests have left behind.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leftBehind, markProcesses } from './left-behind.ts';
import { Progress, runFiles, type Outcome, type TestModule } from './run-files.ts';
import { select } from './selection.ts';
import { together } from './together.ts';
import { findUringRefusal } from './uring-refusal.ts';
import { verdictOf } from './verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');

// Each process of Node would read and parse all of them at its start, which is most of what a start costs; no test needs one.
delete process.env.NODE_EXTRA_CA_CERTS;
markProcesses();

const built = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // The compiler leaves the output of deleted sources behind.
  .filter((file) => existsSync(join(root, file.replace(/\.js$/, '.ts'))));
const { sharing, others, alone, left } = select(built, {
  words: process.argv.slice(2).filter((word) => word !== '--unit'),
  isUnitOnly: process.argv.includes('--unit'),
  hasLong: process.env.EVENKEEL_ALL_FILES === '1',
});
const files = [...sharing, ...others, ...alone];
// For all of them at once.
if (others.length + alone.length > 0) findUringRefusal();

const cores = availableParallelism();
/** Most of the time most of them wait for a timeout, a signal or a process. */
const atOnce = cores * Number(process.env.EVENKEEL_FILES_PER_CORE ?? 4);
/** Of those that measure how long clients wait. */
const ALONE_PROCESSES = 2;
const progress = new Progress(files.length);
const single = (path: string): TestModule => ({ path, files: 1 });
const first: Outcome[] = [
  await runFiles(dist, [...together(dist, sharing, atOnce), ...others.map(single)], atOnce, progress),
  await runFiles(dist, alone.map(single), ALONE_PROCESSES, progress),
];
const failed = new Set(first.flatMap((outcome) => outcome.failed.map(({ file }) => file)));
const repeated = files.filter((file) => failed.has(file));
const again = await runFiles(dist, repeated.map(single), 1, new Progress(repeated.length));
const mustNotSkip = process.env.EVENKEEL_NO_SKIP === '1';
const mustBeStable = process.env.EVENKEEL_NO_UNSTABLE === '1';
const { isGood, lines } = verdictOf({ first, again, repeated, mustNotSkip, mustBeStable });
if (first.every(({ passed }) => passed === 0)) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
for (const [start, why] of left) console.log(`not run: ${start}*: ${why}; npm test ${start}`);
if (left.length > 0) console.log('EVENKEEL_ALL_FILES=1 npm test runs everything, as continuous integration does');
for (const line of [...(await leftBehind()), ...lines]) console.log(line);
process.exit(isGood ? 0 : 1);
