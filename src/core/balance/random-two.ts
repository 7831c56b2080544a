/**
 * The power of two choices: of two different endpoints drawn by weight, the one with fewer connections for its weight.
 * Nearly as even as least-connections (Mitzenmacher, 2001), and many balancers that do not know of each other do not
 * all run to the same endpoint.
 */
import type { Prng } from '../../base/prng.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { Tier, type Method } from './tier.ts';
import { WeightedDraw } from './weighted-draw.ts';

export class RandomTwo implements Method {
  private readonly prng: Prng;
  private tier = new Tier([], () => false);
  private draw: WeightedDraw;

  constructor(prng: Prng) {
    this.prng = prng;
    this.draw = new WeightedDraw(this.tier, prng);
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    this.tier = Tier.usable(endpoints, isBackup);
    this.draw = new WeightedDraw(this.tier, this.prng);
  }

  pick(load: Load, _key: number, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    if (tier.count === 0) return PICK_NONE;
    const first = this.draw.draw();
    const second = tier.count === 1 ? first : this.draw.drawOther(first);
    const isFirstFree = this.isFree(first, load, tried, triedCount);
    const isSecondFree = this.isFree(second, load, tried, triedCount);
    if (!isFirstFree && !isSecondFree) return this.pickLeast(first, load, tried, triedCount);
    if (!isSecondFree) return tier.numbers[first];
    if (!isFirstFree) return tier.numbers[second];
    return tier.numbers[this.isLess(second, first, load) ? second : first];
  }

  /** Neither of the two is free: the least loaded of all that are. `start` is random, so that equals share. */
  private pickLeast(start: number, load: Load, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    let best = -1;
    let isAnyUntried = false;
    for (let i = 0, position = start; i < tier.count; i++, position = position + 1 < tier.count ? position + 1 : 0) {
      if (triedCount > 0 && tier.isTried(position, tried, triedCount)) continue;
      isAnyUntried = true;
      if (tier.isFull(position, load)) continue;
      if (best < 0 || this.isLess(position, best, load)) best = position;
    }
    if (best >= 0) return tier.numbers[best];
    return isAnyUntried ? PICK_FULL : PICK_TRIED;
  }

  private isFree(position: number, load: Load, tried: Int32Array, triedCount: number): boolean {
    if (triedCount > 0 && this.tier.isTried(position, tried, triedCount)) return false;
    return !this.tier.isFull(position, load);
  }

  /** True if a has fewer connections for its weight than b. */
  private isLess(a: number, b: number, load: Load): boolean {
    const { slots, weights } = this.tier;
    return load.serverConnections(slots[a]) * weights[b] < load.serverConnections(slots[b]) * weights[a];
  }
}
