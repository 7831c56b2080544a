/** What the tests of this folder share: endpoints, and connection counts that stand still or follow the picks. */
import { WEIGHT_UNIT } from '../../base/board.ts';
import type { Balancer, Endpoint, Load } from './balancer.ts';

export const NOTHING_TRIED = new Int32Array(0);

/** Endpoint `slot`, up, of weight 1, without limit, at an address of its own; or as `changes` say. */
export function endpoint(slot: number, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    slot,
    identity: `10.${slot >> 16}.${(slot >> 8) & 255}.${slot & 255}:80`,
    weight: WEIGHT_UNIT,
    isUsable: true,
    keepsKeys: false,
    isBackup: false,
    maxConnections: 0,
    ...changes,
  };
}

export function endpoints(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, slot) => endpoint(slot));
}

export function weighted(...weights: number[]): Endpoint[] {
  return weights.map((weight, slot) => endpoint(slot, { weight: weight * WEIGHT_UNIT }));
}

/** `list` with one of them, or all, changed. */
export function changed(list: readonly Endpoint[], number: number | 'all', changes: Partial<Endpoint>): Endpoint[] {
  return list.map((one, i) => (number === 'all' || number === i ? Object.assign({}, one, changes) : one));
}

export class FixedLoad implements Load {
  readonly connections: number[];
  constructor(connections: number[] = []) {
    this.connections = connections;
  }
  serverConnections(slot: number): number {
    return this.connections[slot] ?? 0;
  }
}

export const NO_LOAD = new FixedLoad();

export function pickMany(balancer: Balancer, count: number, load: Load = NO_LOAD): number[] {
  return Array.from({ length: count }, () => balancer.pick(load, 0, NOTHING_TRIED, 0));
}

/** How often each number of 0 to size - 1 occurs. */
export function histogram(picks: readonly number[], size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (const pick of picks) counts[pick]++;
  return counts;
}
