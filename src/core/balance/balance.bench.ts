/** What a pick costs by method and number of endpoints, and what a new Maglev table costs. */
import { WEIGHT_UNIT } from '../../base/board.ts';
import { mixHash } from '../../base/hash.ts';
import { Prng } from '../../base/prng.ts';
import { measure, type Loop } from '../../base/stopwatch.bench.ts';
import type { Balance } from '../../config/plan/upstream.ts';
import type { Endpoint, Load } from './balancer.ts';
import { createBalancer } from './create.ts';
import { endpoints, weighted } from './fixtures.test.ts';
import { buildTable, tableSize } from './maglev.ts';
import { Tier } from './tier.ts';
import { QueuedTurns, SmoothTurns } from './turns.ts';

const PICKS = 20_000;
const NOTHING_TRIED = new Int32Array(0);

/** As the status board sums it up, over four proxies. */
class BoardLoad implements Load {
  private readonly words: Int32Array;
  private readonly stride: number;
  constructor(slots: number) {
    const prng = new Prng(1);
    this.stride = slots * 8;
    this.words = Int32Array.from({ length: this.stride * 4 }, () => prng.below(5));
  }
  serverConnections(slot: number): number {
    let sum = 0;
    for (let i = 0, at = slot * 8; i < 4; i++, at += this.stride) sum += this.words[at];
    return sum;
  }
}

function pickLoop(name: string, balance: Balance, list: readonly Endpoint[]): Loop {
  const balancer = createBalancer(balance, new Prng(1));
  balancer.update(list);
  const load = new BoardLoad(list.length);
  return {
    name,
    count: PICKS,
    run: () => {
      let sum = 0;
      for (let i = 0; i < PICKS; i++) sum += balancer.pick(load, mixHash(i), NOTHING_TRIED, 0);
      return sum;
    },
  };
}

for (const balance of ['round-robin', 'least-connections', 'random-two', 'hash'] as const) {
  const counts = [3, 10, 16, 17, 64, 65, 1000, 10_000];
  measure(
    `pick, ${balance}`,
    counts.map((count) => pickLoop(`${count} endpoints`, balance, endpoints(count))),
  );
}

for (const count of [8, 16, 32, 256]) {
  const tier = Tier.usable(weighted(...Array.from({ length: count }, (_, i) => 1 + (i % 5))), false);
  const smooth = new SmoothTurns(tier, null, new Prng(1));
  const queued = new QueuedTurns(tier, null, new Prng(1));
  const all = Int32Array.from({ length: count }, (_, i) => i);
  measure(`turns, ${count} endpoints of weights 1 to 5`, [
    {
      name: 'smooth',
      count: PICKS,
      run: () => {
        let sum = 0;
        for (let i = 0; i < PICKS; i++) sum += smooth.take(all, count);
        return sum;
      },
    },
    {
      name: 'queued',
      count: PICKS,
      run: () => {
        let sum = 0;
        for (let i = 0; i < PICKS; i++) {
          sum += queued.next;
          queued.take();
        }
        return sum;
      },
    },
  ]);
}

measure(
  'a new Maglev table',
  [3, 100, 1000, 10_000].map((count) => {
    const identities = endpoints(count).map((one) => one.identity);
    const weights = new Int32Array(count).fill(WEIGHT_UNIT);
    const size = tableSize(count);
    return { name: `${count} endpoints, ${size} entries`, count: 1, run: () => buildTable(identities, weights, size) };
  }),
);

const changing = endpoints(100);
const balancer = createBalancer('hash', new Prng(1));
measure('an update of 100 endpoints with consistent hashing', [
  {
    name: 'health changed',
    count: 1,
    run: () => balancer.update(changing.map((one) => Object.assign({}, one, { isUsable: one.slot !== 7 }))),
  },
  {
    name: 'weights changed (two tables)',
    count: 2,
    run: () => {
      balancer.update(changing.map((one) => Object.assign({}, one, { weight: one.weight - (one.slot & 1) })));
      balancer.update(changing);
    },
  },
]);
