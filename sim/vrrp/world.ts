/** Virtual time: events in the order they are due, and one random stream for everything that is left to chance. */
import { Prng } from '../../src/base/prng.ts';

interface Due {
  readonly atUs: number;
  /** Events that are due at the same time happen in the order they were scheduled. */
  readonly order: number;
  readonly happen: () => void;
}

export class World {
  nowUs = 0;
  readonly random: Prng;
  private readonly heap: Due[] = [];
  private scheduled = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  at(atUs: number, happen: () => void): void {
    const { heap } = this;
    const due: Due = { atUs: Math.max(atUs, this.nowUs), order: this.scheduled++, happen };
    let i = heap.length;
    heap.push(due);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(due, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = due;
  }

  /** Lets everything happen that is due until then. */
  run(untilUs: number): void {
    while (this.step(untilUs));
    this.nowUs = untilUs;
  }

  /** Lets happen what is due next. False: nothing is until then. */
  step(untilUs: number): boolean {
    if (this.heap.length === 0 || this.heap[0].atUs > untilUs) return false;
    const due = this.pop();
    this.nowUs = due.atUs;
    due.happen();
    return true;
  }

  /** A number of `min` to below `max`. */
  between(min: number, max: number): number {
    return min + this.random.unit() * (max - min);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }

  private pop(): Due {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop() as Due;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = i * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atUs !== b.atUs ? a.atUs < b.atUs : a.order < b.order;
}
