/**
 * What the benches share: several loops timed in turns, so that a slow moment of the machine hits all of them, and the
 * median taken. Numbers of one run may be compared with each other, not with those of another run.
 */
const ROUNDS = 15;

/** Each loop runs `count` times what its name says and returns something, so that nothing is optimised away. */
export interface Loop {
  readonly name: string;
  readonly count: number;
  readonly run: () => unknown;
}

/** Prints nanoseconds per run of each loop, and the ratio to the first. */
export function measure(title: string, loops: readonly Loop[]): void {
  const samples = loops.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, loop] of loops.entries()) {
      const start = process.hrtime.bigint();
      sink = loop.run();
      const ns = Number(process.hrtime.bigint() - start) / loop.count;
      if (round >= 3) samples[i].push(ns);
    }
  }
  const medians = samples.map((values) => values.sort((a, b) => a - b)[values.length >> 1]);
  process.stdout.write(`${title}\n`);
  for (const [i, loop] of loops.entries()) {
    const ratio = (medians[i] / medians[0]).toFixed(2);
    process.stdout.write(`  ${loop.name.padEnd(44)} ${medians[i].toFixed(1).padStart(10)} ns  x ${ratio}\n`);
  }
}

export let sink: unknown;
