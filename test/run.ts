/**
 * `npm test [word ...]`: runs every built test, or those whose path has one of the words. Fails if a test fails, and also
 * if there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests
 * need, a test that skips fails too.
 *
 * Files run beside each other, but for those that want the machine for themselves: they come last, one after the other. Many
 * tests watch real clocks, so a busy machine can make one fail that is right. A file that failed is therefore run once more,
 * alone; what then passes is named as unstable at the end, because a test that fails only under load hides a defect as well
 * as any other.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
/** A test that needs longer hangs. */
const FILE_MS_MAX = 5 * 60_000;
const words = process.argv.slice(2);

/**
 * How the paths begin of files that want the machine for themselves. Those with keepalived: it has no real-time priority,
 * and beside other tests on few cores it is late by more than its peers wait.
 */
const ALONE = ['test/ha-interop'];

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // The compiler leaves the output of deleted sources behind.
  .filter((file) => existsSync(join(root, file.replace(/\.js$/, '.ts'))))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
const isAlone = (file: string): boolean => ALONE.some((start) => file.startsWith(start));

interface Outcome {
  passed: number;
  readonly skipped: string[];
  /** Tests that failed, and the file that each is in. */
  readonly failed: { readonly name: string; readonly file: string }[];
}

async function runFiles(paths: readonly string[], concurrency: number): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, skipped: [], failed: [] };
  // Without any, the runner would look for files itself.
  if (paths.length === 0) return outcome;
  const stream = run({ files: paths.map((file) => join(dist, file)), concurrency, timeout: FILE_MS_MAX });
  // Of a file that hangs, the runner says no more than that.
  const underWay = new Map<string, string>();
  stream.on('test:dequeue', ({ file, name }) => {
    if (file !== undefined && name !== file) underWay.set(file, name);
  });
  stream.on('test:pass', (test) => {
    if (test.skip === undefined) outcome.passed++;
    else outcome.skipped.push(`${test.name} (${test.skip === true ? 'no reason' : test.skip})`);
  });
  stream.on('test:fail', (test) => {
    const { file = test.name } = test;
    const name = test.name === file ? `${relative(dist, file)}, in: ${underWay.get(file) ?? 'no test'}` : test.name;
    outcome.failed.push({ name, file: relative(dist, file) });
  });
  await pipeline(stream.compose(new spec()), process.stdout, { end: false });
  return outcome;
}

// Most of the time most tests wait for a timeout, a signal or a process.
const beside = await runFiles(
  files.filter((file) => !isAlone(file)),
  availableParallelism() + 1,
);
const alone = await runFiles(files.filter(isAlone), 1);
const failedFirst = [...beside.failed, ...alone.failed];
const repeated = files.filter((file) => failedFirst.some((test) => test.file === file));
const again = await runFiles(repeated, 1);
const passed = beside.passed + alone.passed;
const skipped = [...beside.skipped, ...alone.skipped];
// What failed in no file that could be run again has failed.
const failed = [...again.failed, ...failedFirst.filter(({ file }) => !repeated.includes(file))];

for (const line of skipped) console.log(`skipped: ${line}`);
for (const { name } of failed) console.log(`failed: ${name}`);
for (const { name } of failedFirst) if (!failed.some((test) => test.name === name)) console.log(`unstable: ${name}`);
const isSkipWrong = process.env.EVENKEEL_NO_SKIP === '1' && skipped.length > 0;
if (isSkipWrong) console.log('no test may skip here');
if (passed === 0) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped, in ${files.length} files`);
process.exit(failed.length > 0 || passed === 0 || isSkipWrong ? 1 : 0);
