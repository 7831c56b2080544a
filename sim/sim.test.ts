/**
 * A part of the simulation for `npm test`: a fixed range of seeds, as many as the time allows; the same seed twice; and the
 * canaries: broken transports and a broken driver, which must be caught.
 *
 * SIM_SECONDS is the time for the range (default 60), SIM_SEED its beginning.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Proxy } from '../src/proxy/proxy.ts';
import { runSeed, type RunOptions } from './run.ts';
import type { Sabotage } from './transport.ts';

const FIRST_SEED = Number(process.env.SIM_SEED ?? 1);
const SECONDS = Number(process.env.SIM_SECONDS ?? 60);

test('production drivers keep every invariant on a seeded network', (t) => {
  const until = performance.now() + SECONDS * 1000;
  let seed = FIRST_SEED;
  let answered = 0;
  for (; performance.now() < until; seed++) {
    const result = runSeed(seed);
    assert.equal(
      result.invariant,
      null,
      `seed ${seed}: ${result.detail}\nreplay: npm run sim -- --seed ${seed} --reduce`,
    );
    answered += result.answered;
  }
  t.diagnostic(`seeds ${FIRST_SEED} to ${seed - 1}, ${answered} requests answered by servers`);
  assert.ok(answered > 0);
});

test('the same seed is the same history, to the last event', () => {
  for (const seed of [1, 2, 3, 4, 5, 60, 700, 8000]) {
    const first = runSeed(seed);
    const second = runSeed(seed, { isRecording: true });
    assert.equal(second.traceHash, first.traceHash);
    assert.ok(second.trace.length > 0);
  }
  assert.notEqual(runSeed(1).traceHash, runSeed(2).traceHash);
});

/** The invariants that the first seeds break: of 60, or until one of 200 breaks any. */
function caught(options: RunOptions): string[] {
  const invariants = new Set<string>();
  for (let seed = 1; seed <= 60 || (seed <= 200 && invariants.size === 0); seed++) {
    const { invariant } = runSeed(seed, options);
    if (invariant !== null) invariants.add(invariant);
  }
  return [...invariants].sort((a, b) => a.localeCompare(b));
}

const SABOTAGES: readonly Sabotage[] = [
  'drop-byte',
  'flip-byte',
  'double-slice',
  'swap-connections',
  'leak-slot',
  'lose-end',
];

for (const sabotage of SABOTAGES) {
  test(`canary: a transport that is broken by ${sabotage} is caught`, (t) => {
    const invariants = caught({ sabotage });
    t.diagnostic(invariants.join(', '));
    assert.ok(invariants.length > 0);
  });
}

test('canary: a driver that never reports that it is drained is caught', () => {
  class Deaf extends Proxy {
    override drain(): void {}
  }
  assert.ok(caught({ createDriver: (options) => new Deaf(options) }).includes('drain'));
});

test('canary: a driver whose timers stand still is caught', () => {
  class Timeless extends Proxy {
    override handleTurn(): void {
      super.handleTurn(0);
    }
  }
  assert.ok(caught({ createDriver: (options) => new Timeless(options) }).length > 0);
});
