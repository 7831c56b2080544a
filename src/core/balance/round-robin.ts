/** Smooth weighted round-robin. */
import type { Prng } from '../../base/prng.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { Tier, type Method } from './tier.ts';
import { QueuedTurns, SmoothTurns } from './turns.ts';

/** Up to about here a scan costs no more than a heap. */
const SCAN_MAX = 16;

export class RoundRobin implements Method {
  private readonly prng: Prng;
  private tier = new Tier([], () => false);
  private smooth: SmoothTurns | null = null;
  private queued: QueuedTurns | null = null;
  /** Positions: those to choose from, or those taken out of the queue. */
  private scratch = new Int32Array(0);

  private readonly isAlone: boolean;

  constructor(prng: Prng, isAlone = false) {
    this.isAlone = isAlone;
    this.prng = prng;
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    const tier = Tier.usable(endpoints, isBackup);
    this.tier = tier;
    this.scratch = new Int32Array(tier.count);
    const isScanned = tier.count <= SCAN_MAX;
    // no endpoint is no round: whoever comes first after that begins anew
    this.smooth =
      isScanned && tier.count > 0 ? new SmoothTurns(tier, this.smooth, this.isAlone ? null : this.prng) : null;
    this.queued = isScanned ? null : new QueuedTurns(tier, this.queued, this.prng);
  }

  pick(load: Load, _key: number, tried: Int32Array, triedCount: number): number {
    if (this.queued !== null) return this.pickQueued(this.queued, load, tried, triedCount);
    if (this.smooth === null) return PICK_NONE;
    const tier = this.tier;
    const candidates = this.scratch;
    let count = 0;
    let isAnyFull = false;
    for (let position = 0; position < tier.count; position++) {
      if (triedCount > 0 && tier.isTried(position, tried, triedCount)) continue;
      if (tier.isFull(position, load)) isAnyFull = true;
      else candidates[count++] = position;
    }
    if (count === 0) return isAnyFull ? PICK_FULL : PICK_TRIED;
    return tier.numbers[this.smooth.take(candidates, count)];
  }

  private pickQueued(turns: QueuedTurns, load: Load, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    const skipped = this.scratch;
    let skippedCount = 0;
    let result = PICK_TRIED;
    while (turns.size > 0) {
      const position = turns.next;
      const isTried = triedCount > 0 && tier.isTried(position, tried, triedCount);
      if (!isTried && !tier.isFull(position, load)) {
        turns.take();
        result = tier.numbers[position];
        break;
      }
      turns.pop();
      skipped[skippedCount++] = position;
      if (!isTried) {
        turns.forfeit(position);
        result = PICK_FULL;
      }
    }
    for (let i = 0; i < skippedCount; i++) turns.push(skipped[i]);
    return result;
  }
}
