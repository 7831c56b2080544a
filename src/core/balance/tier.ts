/**
 * The endpoints among which one choice is made, as columns, so that a pick reads a few arrays and no objects. A row's
 * index is a position; `numbers` turns it into the endpoint's number.
 *
 * An upstream has two tiers, its primary endpoints and its backups. Each has its own instance of the balancing method.
 */
import type { Endpoint, Load } from './balancer.ts';

/** A balancing method over one tier. `pick` is `Balancer.pick` without the other tier. */
export interface Method {
  update(endpoints: readonly Endpoint[], isBackup: boolean): void;
  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number;
}

export class Tier {
  readonly count: number;
  readonly numbers: Int32Array;
  readonly slots: Int32Array;
  readonly weights: Int32Array;
  readonly maxConnections: Int32Array;

  constructor(endpoints: readonly Endpoint[], isIncluded: (endpoint: Endpoint) => boolean) {
    const numbers: number[] = [];
    for (let number = 0; number < endpoints.length; number++) {
      if (isIncluded(endpoints[number])) numbers.push(number);
    }
    this.count = numbers.length;
    this.numbers = Int32Array.from(numbers);
    this.slots = Int32Array.from(numbers, (number) => endpoints[number].slot);
    this.weights = Int32Array.from(numbers, (number) => endpoints[number].weight);
    this.maxConnections = Int32Array.from(numbers, (number) => endpoints[number].maxConnections);
  }

  /** The endpoints of one tier that take work. */
  static usable(endpoints: readonly Endpoint[], isBackup: boolean): Tier {
    return new Tier(endpoints, (endpoint) => endpoint.isBackup === isBackup && canWork(endpoint));
  }

  isFull(position: number, load: Load): boolean {
    const max = this.maxConnections[position];
    return max > 0 && load.serverConnections(this.slots[position]) >= max;
  }

  isTried(position: number, tried: Int32Array, triedCount: number): boolean {
    const slot = this.slots[position];
    for (let i = 0; i < triedCount; i++) {
      if (tried[i] === slot) return true;
    }
    return false;
  }
}

export function canWork(endpoint: Endpoint): boolean {
  return endpoint.isUsable && endpoint.weight > 0;
}
