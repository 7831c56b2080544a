/**
 * The endpoint with the fewest connections for its weight; among equals, smooth weighted round-robin.
 *
 * Counting the connections of one endpoint reads one word per proxy process, so that looking at thousands of endpoints
 * for every request would cost more than the request. Above SCAN_MAX the least of SAMPLE draws is taken, the draws in
 * proportion to the weights: the power of two choices with eight, which keeps the highest within one or two connections
 * of the mean, and at 1000 endpoints costs a twentieth of looking at all.
 */
import type { Prng } from '../../base/prng.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { Tier, type Method } from './tier.ts';
import { SmoothTurns } from './turns.ts';
import { WeightedDraw } from './weighted-draw.ts';

const SCAN_MAX = 64;
const SAMPLE = 8;

export class LeastConnections implements Method {
  private readonly prng: Prng;
  private tier = new Tier([], () => false);
  private turns: SmoothTurns | null = null;
  private draw: WeightedDraw | null = null;
  private candidates = new Int32Array(0);

  constructor(prng: Prng) {
    this.prng = prng;
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    const tier = Tier.usable(endpoints, isBackup);
    this.tier = tier;
    this.candidates = new Int32Array(tier.count);
    this.turns = tier.count > 0 ? new SmoothTurns(tier, this.turns, this.prng) : null;
    this.draw = tier.count > SCAN_MAX ? new WeightedDraw(tier, this.prng) : null;
  }

  pick(load: Load, _key: number, tried: Int32Array, triedCount: number): number {
    if (this.turns === null) return PICK_NONE;
    if (this.draw !== null) {
      const position = this.leastOfSample(this.draw, load, tried, triedCount);
      if (position >= 0) return this.tier.numbers[position];
    }
    return this.leastOfAll(this.turns, load, tried, triedCount);
  }

  private leastOfAll(turns: SmoothTurns, load: Load, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    const { slots, weights, maxConnections } = tier;
    const candidates = this.candidates;
    let count = 0;
    let isAnyFull = false;
    let leastConnections = 0;
    let leastWeight = 1;
    for (let position = 0; position < tier.count; position++) {
      if (triedCount > 0 && tier.isTried(position, tried, triedCount)) continue;
      const connections = load.serverConnections(slots[position]);
      if (maxConnections[position] > 0 && connections >= maxConnections[position]) {
        isAnyFull = true;
        continue;
      }
      // connections / weight, compared without dividing
      const difference = count === 0 ? -1 : connections * leastWeight - leastConnections * weights[position];
      if (difference > 0) continue;
      if (difference < 0) {
        count = 0;
        leastConnections = connections;
        leastWeight = weights[position];
      }
      candidates[count++] = position;
    }
    if (count === 0) return isAnyFull ? PICK_FULL : PICK_TRIED;
    return tier.numbers[turns.take(candidates, count)];
  }

  /** A position, or -1 if none that was drawn is free. */
  private leastOfSample(draw: WeightedDraw, load: Load, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    const { slots, weights, maxConnections } = tier;
    let best = -1;
    let leastConnections = 0;
    let leastWeight = 1;
    for (let i = 0; i < SAMPLE; i++) {
      const position = draw.draw();
      if (triedCount > 0 && tier.isTried(position, tried, triedCount)) continue;
      const connections = load.serverConnections(slots[position]);
      if (maxConnections[position] > 0 && connections >= maxConnections[position]) continue;
      if (best >= 0 && connections * leastWeight >= leastConnections * weights[position]) continue;
      best = position;
      leastConnections = connections;
      leastWeight = weights[position];
      if (connections === 0) break; // none has fewer
    }
    return best;
  }
}
