/**
 * The endpoint that would have answered soonest: the least time that its answers take, times what is under way there and this one,
 * for its weight. Among equals, smooth weighted round-robin.
 *
 * The product is what nginx's least_time and the peak-EWMA of service meshes go by: time alone sends everything to the quickest until it is not the
 * quickest any more, and then everything to the next. As for least connections, of very many endpoints a few are drawn.
 */
import type { Prng } from '../../base/prng.ts';
import { AnswerTimes } from './answer-times.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { Tier, type Method } from './tier.ts';
import { SmoothTurns } from './turns.ts';
import { WeightedDraw } from './weighted-draw.ts';

const SCAN_MAX = 64;
const SAMPLE = 8;

/** Milliseconds of a monotonic clock. */
export interface Clock {
  readonly now: number;
}

export class LeastTime implements Method {
  private readonly prng: Prng;
  private readonly clock: Clock;
  private tier = new Tier([], () => false);
  private times: AnswerTimes | null = null;
  private turns: SmoothTurns | null = null;
  private draw: WeightedDraw | null = null;
  private candidates = new Int32Array(0);
  private candidateCount = 0;
  private leastCost = 0;

  constructor(prng: Prng, clock: Clock) {
    this.prng = prng;
    this.clock = clock;
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    const tier = Tier.usable(endpoints, isBackup);
    this.tier = tier;
    this.times = new AnswerTimes(tier, endpoints, this.times);
    this.candidates = new Int32Array(tier.count);
    this.turns = tier.count > 0 ? new SmoothTurns(tier, this.turns, this.prng) : null;
    this.draw = tier.count > SCAN_MAX ? new WeightedDraw(tier, this.prng) : null;
  }

  /** The endpoint in this slot, if it is of this tier, has answered after so long. */
  note(slot: number, tookMs: number): void {
    this.times?.note(slot, this.clock.now, tookMs);
  }

  pick(load: Load, _key: number, tried: Int32Array, triedCount: number): number {
    const { draw, tier, times, turns } = this;
    if (turns === null || times === null) return PICK_NONE;
    const { now } = this.clock;
    this.candidateCount = 0;
    let isAnyFull = false;
    if (draw !== null) for (let i = 0; i < SAMPLE; i++) this.consider(draw.draw(), times, load, now, tried, triedCount);
    if (this.candidateCount === 0) {
      for (let position = 0; position < tier.count; position++) {
        if (!this.consider(position, times, load, now, tried, triedCount)) isAnyFull = true;
      }
    }
    if (this.candidateCount === 0) return isAnyFull ? PICK_FULL : PICK_TRIED;
    const position = turns.take(this.candidates, this.candidateCount);
    times.handlePick(position, now);
    return tier.numbers[position];
  }

  /** False: it is full. */
  private consider(
    position: number,
    times: AnswerTimes,
    load: Load,
    now: number,
    tried: Int32Array,
    triedCount: number,
  ): boolean {
    const { maxConnections, slots, weights } = this.tier;
    if (triedCount > 0 && this.tier.isTried(position, tried, triedCount)) return true;
    const connections = load.serverConnections(slots[position]);
    if (maxConnections[position] > 0 && connections >= maxConnections[position]) return false;
    const cost = (times.expectedMs(position, now) * (connections + 1)) / weights[position];
    if (this.candidateCount > 0 && cost > this.leastCost) return true;
    // of those that are drawn the first is taken, for one may be drawn twice
    if (this.candidateCount > 0 && cost === this.leastCost && this.draw !== null) return true;
    if (cost < this.leastCost) this.candidateCount = 0;
    this.leastCost = cost;
    this.candidates[this.candidateCount++] = position;
    return true;
  }
}
