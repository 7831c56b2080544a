/**
 * Whose turn it is: weighted round-robin that spreads each endpoint's turns evenly instead of giving them in a row.
 *
 * `SmoothTurns` is nginx's algorithm, linear in the number of candidates. `QueuedTurns` keeps a heap of due times
 * (earliest deadline first, as HAProxy and Envoy do it) and costs a logarithm. Both give every endpoint its share to
 * within about one turn at any moment; with the second, a heavy one among very many light ones can be a few turns late.
 * balance.bench.ts shows where the second becomes cheaper.
 */
import type { Prng } from '../../base/prng.ts';
import type { Tier } from './tier.ts';

/** Due times count from zero again beyond this, before adding 1/weight to them loses digits. */
const REBASE_AT = 2 ** 20;
const GOLDEN_RATIO = 0.6180339887498949;

/** Every candidate gains its weight, the richest one has its turn and pays what all gained. The first wins a tie. */
export class SmoothTurns {
  private tier: Tier;
  private credit: Int32Array;

  /** `prng` null: the round begins with the first. Endpoints that `previous` knew keep their credit, so that a change elsewhere does not start the round again. */
  constructor(tier: Tier, previous: SmoothTurns | null, prng: Prng | null) {
    this.tier = tier;
    this.credit = new Int32Array(tier.count);
    const creditBySlot = new Map<number, number>();
    if (previous !== null) previous.tier.slots.forEach((slot, i) => creditBySlot.set(slot, previous.credit[i]));
    for (let i = 0; i < tier.count; i++) this.credit[i] = creditBySlot.get(tier.slots[i]) ?? 0;
    if (previous === null && prng !== null) this.begin(prng);
  }

  /** The position whose turn it is among the first `count` (>= 1) of `candidates`, in ascending order. */
  take(candidates: Int32Array, count: number): number {
    const { weights } = this.tier;
    const credit = this.credit;
    let total = 0;
    let best = -1;
    let bestCredit = -Infinity;
    for (let i = 0; i < count; i++) {
      const position = candidates[i];
      const weight = weights[position];
      const gained = credit[position] + weight;
      credit[position] = gained;
      total += weight;
      if (gained > bestCredit) {
        best = position;
        bestCredit = gained;
      }
    }
    credit[best] -= total;
    return best;
  }

  /**
   * Starts anywhere in the round: every proxy process has its own, and together they must not begin with one server.
   */
  private begin(prng: Prng): void {
    const count = this.tier.count;
    if (count < 2) return;
    const all = Int32Array.from({ length: count }, (_, i) => i);
    for (let turns = prng.below(count); turns > 0; turns--) this.take(all, count);
  }
}

/**
 * Each endpoint is due every 1/weight; the earliest one has its turn. The first turns are staggered by the golden
 * ratio: many light endpoints that were all due at one time would hold up a heavy one.
 */
export class QueuedTurns {
  private tier: Tier;
  private readonly due: Float64Array;
  /** Positions, a binary heap by `due`; all of them, except between `pop` and `push`. */
  private readonly heap: Int32Array;
  private heapSize = 0;
  /** The due time of the last turn. */
  private time = 0;

  constructor(tier: Tier, previous: QueuedTurns | null, prng: Prng) {
    this.tier = tier;
    this.due = new Float64Array(tier.count);
    this.heap = new Int32Array(tier.count);
    const waitBySlot = new Map<number, number>();
    if (previous !== null) {
      previous.tier.slots.forEach((slot, i) => {
        // in turns of its own, so that it holds for another weight as well
        waitBySlot.set(slot, (previous.due[i] - previous.time) * previous.tier.weights[i]);
      });
    }
    for (let i = 0; i < tier.count; i++) {
      this.due[i] = (waitBySlot.get(tier.slots[i]) ?? (i * GOLDEN_RATIO) % 1) / tier.weights[i];
      this.push(i);
    }
    if (previous === null && tier.count > 1) {
      for (let turns = prng.below(tier.count); turns > 0; turns--) this.take();
    }
  }

  /** The position that is due next. */
  get next(): number {
    return this.heap[0];
  }

  get size(): number {
    return this.heapSize;
  }

  /** Gives `next` its turn. */
  take(): void {
    const position = this.heap[0];
    this.time = this.due[position];
    this.due[position] = this.time + 1 / this.tier.weights[position];
    this.sink(0);
    if (this.time > REBASE_AT) this.rebase();
  }

  /** Takes `next` out, to be put back by `push`. */
  pop(): void {
    this.heap[0] = this.heap[--this.heapSize];
    this.sink(0);
  }

  /** Puts back what `pop` took out. */
  push(position: number): void {
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.heap[parent];
      if (!this.isBefore(position, above)) break;
      this.heap[at] = above;
      at = parent;
    }
    this.heap[at] = position;
  }

  /** A turn that it could not take is lost, or it would have a burst of them later. */
  forfeit(position: number): void {
    this.due[position] += 1 / this.tier.weights[position];
  }

  private isBefore(a: number, b: number): boolean {
    return this.due[a] < this.due[b] || (this.due[a] === this.due[b] && a < b);
  }

  private sink(start: number): void {
    const heap = this.heap;
    const size = this.heapSize;
    const position = heap[start];
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.isBefore(heap[child + 1], heap[child])) child++;
      if (!this.isBefore(heap[child], position)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = position;
  }

  private rebase(): void {
    for (let i = 0; i < this.due.length; i++) this.due[i] -= this.time;
    this.time = 0;
  }
}
