import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { HALF_LIFE_MS } from './answer-times.ts';
import type { Balancer, Endpoint } from './balancer.ts';
import { createBalancer } from './create.ts';
import { changed, endpoints, FixedLoad, histogram, NOTHING_TRIED, pickMany, weighted } from './fixtures.test.ts';

/** Endpoints that answer after so many milliseconds, and a clock. */
class World {
  now = 0;
  readonly load: FixedLoad;
  readonly balancer: Balancer;
  readonly takesMs: number[];

  constructor(list: readonly Endpoint[], takesMs: readonly number[]) {
    this.takesMs = [...takesMs];
    this.load = new FixedLoad(takesMs.map(() => 0));
    this.balancer = createBalancer('least-time', new Prng(1), true, false, this);
    this.balancer.update(list);
  }

  /** One after the other. */
  ask(count: number): number[] {
    return Array.from({ length: count }, () => {
      const picked = this.balancer.pick(this.load, 0, NOTHING_TRIED, 0);
      this.now += this.takesMs[picked];
      this.balancer.noteServed(picked, this.takesMs[picked], this.takesMs[picked]);
      return picked;
    });
  }

  /** `rate` requests a second for so long, whatever is still under way. */
  flood(rate: number, seconds: number): number[] {
    const picks: number[] = [];
    const ends: { at: number; picked: number }[] = [];
    for (const until = this.now + seconds * 1000; this.now < until; this.now += 1000 / rate) {
      while (ends.length > 0 && ends[0].at <= this.now) {
        const { picked } = ends.shift()!;
        this.load.connections[picked]--;
        this.balancer.noteServed(picked, this.takesMs[picked], this.takesMs[picked]);
      }
      const picked = this.balancer.pick(this.load, 0, NOTHING_TRIED, 0);
      this.load.connections[picked]++;
      picks.push(picked);
      ends.push({ at: this.now + this.takesMs[picked], picked });
      ends.sort((a, b) => a.at - b.at);
    }
    return picks;
  }
}

test('who is quicker is asked, and who is as quick takes turns', () => {
  const world = new World(endpoints(3), [400, 10, 10.4]);
  const picks = histogram(world.ask(40), 3);
  assert.equal(picks[0], 1);
  assert.ok(Math.abs(picks[1] - picks[2]) <= 1, picks.join(' '));
});

// the time of each request is in what is under way as well
test('what is under way counts with the time: shares are as the squares of speeds', () => {
  const world = new World(endpoints(2), [10, 40]);
  const [quick, slow] = histogram(world.flood(2000, 20), 2);
  assert.ok(quick / slow > 12 && quick / slow < 24, `${quick} : ${slow}`);
});

test('weights divide the time', () => {
  const world = new World(weighted(1, 3), [20, 20]);
  const [light, heavy] = histogram(world.flood(2000, 20), 2);
  assert.ok(heavy / light > 2.5 && heavy / light < 3.5, `${light} : ${heavy}`);
});

test('a slow one is asked again once in a while, and is back when it is quick again', () => {
  const world = new World(endpoints(2), [1600, 10]);
  world.ask(2);
  const before = world.now;
  let asked = 0;
  while (asked === 0) asked += histogram(world.ask(1), 2)[0];
  // 1600 ms are 10 ms and less after seven or eight halvings
  const halvings = (world.now - before - 1600) / HALF_LIFE_MS;
  assert.ok(halvings > 6 && halvings < 9, `${halvings}`);
  world.takesMs[0] = 10;
  world.now += 20 * HALF_LIFE_MS;
  const picks = histogram(world.ask(200), 2);
  assert.ok(picks[0] > 50, picks.join(' '));
});

test('one that is silent gets a try now and then, and not all there are', () => {
  const world = new World(endpoints(2), [10, 10]);
  world.flood(100, 5);
  world.takesMs[1] = Infinity;
  const [, silent] = histogram(world.flood(100, 60), 2);
  assert.ok(silent < 120, `${silent} of 6000`);
});

test('what is not known is thought to be as quick as the quickest: a new one is not flooded', () => {
  const world = new World(endpoints(2), [100, 100]);
  world.flood(100, 5);
  world.takesMs.push(10_000);
  world.load.connections.push(0);
  world.balancer.update(endpoints(3));
  const picks = histogram(world.flood(100, 1), 3);
  assert.ok(picks[2] < 50, picks.join(' '));
});

test('what is known stays over a change of another one, and goes with the address', () => {
  const world = new World(endpoints(2), [500, 10]);
  world.ask(3);
  world.balancer.update(changed(endpoints(2), 1, { weight: 128 }));
  assert.deepEqual(world.ask(2), [1, 1]);
  world.balancer.update(changed(endpoints(2), 0, { identity: '10.0.9.9:80' }));
  assert.ok(world.ask(4).includes(0));
});

test('of hundreds the drawn least is taken', () => {
  const world = new World(endpoints(300), new Array<number>(300).fill(10));
  const picks = histogram(world.flood(3000, 3), 300);
  assert.ok(Math.max(...picks) < 200, `${Math.max(...picks)}`);
  assert.equal(
    pickMany(world.balancer, 10, world.load).every((picked) => picked >= 0),
    true,
  );
});
