/**
 * `npm test [word ...]`: runs every built test, or those whose path has one of the words. Fails if a test fails, and also
 * if there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests
 * need, a test that skips fails too.
 *
 * Files run beside each other, and many of their tests watch real clocks, so a busy machine can make one fail that is right.
 * A file that failed is therefore run once more, alone; what then passes is named as unstable at the end, because a test
 * that fails only under load hides a defect as well as any other.
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

/** Want the machine for themselves: `npm run test:keepalived` runs them, one after the other. */
const ALONE = 'test/ha-interop';

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // The compiler leaves the output of deleted sources behind.
  .filter((file) => existsSync(join(root, file.replace(/\.js$/, '.ts'))))
  .filter((file) => !file.startsWith(ALONE))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort()
  .map((file) => join(dist, file));

interface Outcome {
  passed: number;
  readonly skipped: string[];
  /** Tests that failed, and the files they are in. */
  readonly failed: string[];
  readonly failedFiles: Set<string>;
}

async function runFiles(paths: readonly string[], concurrency: number): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, skipped: [], failed: [], failedFiles: new Set() };
  const stream = run({ files: [...paths], concurrency, timeout: FILE_MS_MAX });
  stream.on('test:pass', (test) => {
    if (test.skip === undefined) outcome.passed++;
    else outcome.skipped.push(`${test.name} (${test.skip === true ? 'no reason' : test.skip})`);
  });
  stream.on('test:fail', (test) => {
    outcome.failed.push(test.name);
    outcome.failedFiles.add(test.file ?? test.name);
  });
  await pipeline(stream.compose(new spec()), process.stdout, { end: false });
  return outcome;
}

// Most of the time most tests wait for a timeout, a signal or a process.
const first = await runFiles(files, availableParallelism() + 1);
const again = [...first.failedFiles].filter((file) => files.includes(file));
const second = again.length === 0 ? null : await runFiles(again, 1);
const failed = second === null ? first.failed : second.failed;
const { skipped } = first;

for (const line of skipped) console.log(`skipped: ${line}`);
if (second !== null) {
  for (const name of first.failed) if (!second.failed.includes(name)) console.log(`unstable: ${name}`);
}
if (words.length === 0) console.log('not run: the tests with keepalived, see npm run test:keepalived');
const isSkipWrong = process.env.EVENKEEL_NO_SKIP === '1' && skipped.length > 0;
if (isSkipWrong) console.log('no test may skip here');
if (first.passed === 0) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
console.log(`${first.passed} passed, ${failed.length} failed, ${skipped.length} skipped, in ${files.length} files`);
process.exit(failed.length > 0 || first.passed === 0 || isSkipWrong ? 1 : 0);
