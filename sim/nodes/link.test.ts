/** Whenever the network has been well for a while both nodes have each other, and neither believes in the other for long when it is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEAT_MS, SILENCE_MS_MAX } from '../../src/core/peers/link.ts';
import { CALM_MS, DELAY_MS_MAX, FAULTS_MS, Sim } from './world.ts';

const SEEDS = 1_000;

/** How it went: when each node had what became of it. */
function play(seed: number): readonly number[] {
  const sim = new Sim(seed);
  sim.drawFaults();
  sim.run(FAULTS_MS + CALM_MS);
  const states = sim.nodes.map(({ link }) => `${link.state}: ${link.reason}`);
  assert.deepEqual(states, ['up: ', 'up: '], `seed ${seed}`);
  // neither hears anything from here on
  sim.weather = 'loses';
  const lostMs = sim.nowMs;
  sim.run(lostMs + SILENCE_MS_MAX + BEAT_MS + DELAY_MS_MAX);
  for (const { link } of sim.nodes) assert.notEqual(link.state, 'up', `seed ${seed}: ${link.state}`);
  return sim.nodes.map(({ link }) => link.sinceMs);
}

test('whatever the network does, two nodes find each other when it is well, and miss each other when it is not', () => {
  for (let seed = 1; seed <= SEEDS; seed++) play(seed);
});

test('a seed is the same run again', () => {
  assert.deepEqual(play(7), play(7));
});
