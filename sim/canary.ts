/** For tests: whether what is broken on purpose is found. */
import assert from 'node:assert/strict';
import { CheckedArena } from './checked-arena.ts';
import { Violation } from './world.ts';

/** Whether playing one of the first so many seeds finds a fault. Anything else that it throws is one of its own. */
export function isCaught(seeds: number, play: (seed: number) => unknown): boolean {
  return Array.from({ length: seeds }, (_, i) => i + 1).some((seed) => {
    try {
      play(seed);
      return false;
    } catch (error) {
      if (!(error instanceof Violation) && !(error instanceof assert.AssertionError)) throw error;
      CheckedArena.discard();
      return true;
    }
  });
}
