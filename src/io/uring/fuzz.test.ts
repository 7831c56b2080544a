/** A few rounds of the fuzzer in every test run, FUZZ_ROUNDS of those below (default 2); transport.fuzz.ts runs more. */
import { test } from 'node:test';
import { probeUring } from './probe.ts';
import { randomRound, runRound } from './transport.fuzz.ts';

const probe = probeUring();
const skip = !probe.ok && probe.reason;

/** Each has found a defect. */
const SEEDS = [24, 40, 3, 6, 17, 22];
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 2);

for (const seed of SEEDS.slice(0, ROUNDS)) {
  test(`random traffic arrives whole and leaves nothing behind, seed ${seed}`, { skip }, async () => {
    await runRound(randomRound(seed));
  });
}

// The kernel's send buffers are small here, so that many sends wait for room.
test('a process that is stopped and goes on loses no connection', { skip }, async () => {
  await runRound({ ...randomRound(24), isInterrupted: true });
});
