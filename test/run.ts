/**
 * `npm test [word ...]`: runs every built test, or those whose path has one of the words. Fails if a test fails, and also
 * if there was none: an empty run proves nothing. With EVENKEEL_NO_SKIP=1, where everything is said to be there that tests
 * need, a test that skips fails too.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
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

let passed = 0;
let failed = 0;
const skipped: string[] = [];
// Most of the time most tests wait for a timeout, a signal or a process.
const concurrency = availableParallelism() + 1;
const stream = run({ files, concurrency, timeout: FILE_MS_MAX });
stream.on('test:pass', (test) => {
  if (test.skip === undefined) passed++;
  else skipped.push(`${test.name} (${test.skip === true ? 'no reason' : test.skip})`);
});
stream.on('test:fail', () => {
  failed++;
});
process.on('exit', () => {
  for (const line of skipped) console.log(`skipped: ${line}`);
  if (words.length === 0) console.log('not run: the tests with keepalived, see npm run test:keepalived');
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped, in ${files.length} files`);
  if (passed === 0) console.log(`no test ran: is ${relative(process.cwd(), dist)} built?`);
  const isSkipWrong = process.env.EVENKEEL_NO_SKIP === '1' && skipped.length > 0;
  if (isSkipWrong) console.log('no test may skip here');
  if (failed > 0 || passed === 0 || isSkipWrong) process.exitCode = 1;
});
stream.compose(new spec()).pipe(process.stdout);
