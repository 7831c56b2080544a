/** A few rounds of the fuzzer in every test run; transport.fuzz.ts runs more. */
import { test } from 'node:test';
import { probeUring } from './probe.ts';
import { randomRound, runRound } from './transport.fuzz.ts';

const probe = probeUring();
const skip = !probe.ok && probe.reason;

for (const seed of [3, 6, 17, 22, 24, 40]) {
  test(`random traffic arrives whole and leaves nothing behind, seed ${seed}`, { skip }, async () => {
    await runRound(randomRound(seed));
  });
}

// The kernel's send buffers are small here, so that many sends wait for room.
test('a process that is stopped and goes on loses no connection', { skip }, async () => {
  await runRound({ ...randomRound(24), isInterrupted: true });
});
