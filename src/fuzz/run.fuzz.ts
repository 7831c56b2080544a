/**
 * `npm run fuzz -- [--seed N] [--seconds N] [NAME...]`: plays every fuzzer of the registry, or those named, for that long
 * each. Prints the seed of a failing round; `--seed` with it plays that round first. Exits with 1 if one fails.
 */
import { inspect, parseArgs } from 'node:util';
import { CANARY, CANARY_ROUNDS, FUZZERS, playRounds } from './registry.fuzz.ts';

const ROUNDS_PER_BATCH = 256;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, seconds: { type: 'string', default: '10' } },
});
const firstSeed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed);
const names = positionals.length > 0 ? positionals : [...FUZZERS.keys()];

if (playRounds(CANARY, firstSeed, CANARY_ROUNDS) === null) {
  process.stderr.write('The canary was not found: fuzzing is broken.\n');
  process.exitCode = 1;
}
for (const name of names) {
  const fuzzer = FUZZERS.get(name);
  if (fuzzer === undefined)
    throw new Error(`No fuzzer is called ${name}; there are ${[...FUZZERS.keys()].join(', ')}.`);
  const endMs = Date.now() + Number(values.seconds) * 1000;
  let seed = firstSeed;
  let failure = null;
  while (failure === null && Date.now() < endMs) {
    failure = playRounds(fuzzer, seed, ROUNDS_PER_BATCH);
    seed += ROUNDS_PER_BATCH;
  }
  if (failure === null) process.stdout.write(`${name}: ${seed - firstSeed} rounds from seed ${firstSeed}\n`);
  else {
    process.stderr.write(`${name}: failed with --seed ${failure.seed}\n${inspect(failure.error)}\n`);
    process.exitCode = 1;
  }
}
