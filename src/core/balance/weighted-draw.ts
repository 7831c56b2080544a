/** Random draws in proportion to weights. */
import type { Prng } from '../../base/prng.ts';
import type { Tier } from './tier.ts';

export class WeightedDraw {
  private readonly prng: Prng;
  /** The sum of the weights up to and including each position: at most 16384 x 65536, which 32 bits hold. */
  private readonly sums: Int32Array;
  private readonly weights: Int32Array;
  private readonly total: number;

  constructor(tier: Tier, prng: Prng) {
    this.prng = prng;
    this.weights = tier.weights;
    this.sums = new Int32Array(tier.count);
    let sum = 0;
    for (let i = 0; i < tier.count; i++) this.sums[i] = sum += tier.weights[i];
    this.total = sum;
  }

  /** A position. There must be one. */
  draw(): number {
    return this.positionOf(this.prng.below(this.total));
  }

  /** A position other than `position`. There must be two. */
  drawOther(position: number): number {
    const weight = this.weights[position];
    const ticket = this.prng.below(this.total - weight);
    return this.positionOf(ticket < this.sums[position] - weight ? ticket : ticket + weight);
  }

  /** The first position whose sum is above `ticket`. */
  private positionOf(ticket: number): number {
    let low = 0;
    let high = this.sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sums[middle] > ticket) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
