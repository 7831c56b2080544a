import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CANARY, CANARY_ROUNDS, FUZZERS, playRounds } from './registry.fuzz.ts';

const SEED = 20_240_611;
const ROUNDS = 2000;

describe('fuzzers', () => {
  for (const [name, fuzzer] of FUZZERS) {
    it(`${name} finds nothing in ${ROUNDS} rounds`, () => {
      const failure = playRounds(fuzzer, SEED, ROUNDS);
      if (failure !== null) throw new Error(`seed ${failure.seed}`, { cause: failure.error });
    });
  }

  it('find a planted mistake', () => {
    assert.notEqual(playRounds(CANARY, SEED, CANARY_ROUNDS), null);
  });
});
