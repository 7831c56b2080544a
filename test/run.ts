/**
 * `npm test [word ...]`: runs every built test, or those whose path has one of the words. Fails if a test fails, and also
 * if there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests
 * need, a test that skips fails too. `npm run test:unit` runs those of the pure layers only, in seconds.
 *
 * Tests of the pure layers share a few processes, for starting one costs more than most of them take. Other files have one
 * each and run beside each other, but for those that want the machine for themselves: they come last, one after the other.
 *
 * Many tests watch real clocks, so a busy machine can make one fail that is right. A file that failed is therefore run once
 * more, alone; what then passes is named as unstable at the end, because a test that fails only under load hides a defect as
 * well as any other.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Progress, runFiles, type Outcome, type TestModule } from './run-files.ts';
import { together } from './together.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');

const isUnitOnly = process.argv.includes('--unit');
const words = process.argv.slice(2).filter((word) => word !== '--unit');

/** Layers that know nothing of the world: their tests can share a process. */
const PURE = ['base', 'wire', 'config', 'core', 'port', 'proxy', 'vip'].map((layer) => `src/${layer}/`);
/**
 * How the paths begin of files that want the machine for themselves. Those with keepalived: it has no real-time priority,
 * and beside other tests on few cores it is late by more than its peers wait.
 */
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
const alone = files.filter((file) => startsWith(file, ALONE));
const others = files.filter((file) => !pure.includes(file) && !alone.includes(file));

const cores = availableParallelism();
const progress = new Progress(files.length);
const single = (path: string): TestModule => ({ path, files: 1 });
const outcomes: Outcome[] = [
  await runFiles(dist, together(dist, pure, cores), cores, progress),
  // Most of the time most tests wait for a timeout, a signal or a process.
  await runFiles(dist, others.map(single), cores + 1, progress),
  await runFiles(dist, alone.map(single), 1, progress),
];
const failedFirst = outcomes.flatMap(({ failed }) => failed);
const repeated = files.filter((file) => failedFirst.some((test) => test.file === file));
const again = await runFiles(dist, repeated.map(single), 1, new Progress(repeated.length));
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const skipped = outcomes.flatMap((outcome) => outcome.skipped);
// What failed in no file that could be run again has failed.
const failed = [...again.failed, ...failedFirst.filter(({ file }) => !repeated.includes(file))];

for (const line of skipped) console.log(`skipped: ${line}`);
for (const { name, file } of failed) console.log(`failed: ${file}: ${name}`);
for (const { name, file } of failedFirst) {
  if (!failed.some((test) => test.name === name)) console.log(`unstable: ${file}: ${name}`);
}
const isSkipWrong = process.env.EVENKEEL_NO_SKIP === '1' && skipped.length > 0;
if (isSkipWrong) console.log('no test may skip here');
if (passed === 0) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped, in ${files.length} files`);
process.exit(failed.length > 0 || passed === 0 || isSkipWrong ? 1 : 0);
